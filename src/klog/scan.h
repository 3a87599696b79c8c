// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_KLOG_SCAN_H_
#define WQPROF_KLOG_SCAN_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace wqprof::klog {

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsHexDigit(char c) { return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
inline bool IsWordChar(char c) {
  return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

// Walks over a message from left to right.  Take...() return whether there was such a thing, and
// stay where they were if not.
class Scan {
 public:
  explicit Scan(std::string_view text) : rest_(text) {}
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }
  bool Take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool TakeBlanks() {
    const size_t before = rest_.size();
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
      rest_.remove_prefix(1);
    }
    return rest_.size() != before;
  }
  // A number; a sign only where the type has one.
  template <typename T>
  bool TakeNumber(T& out, int base = 10) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out, base);
    if (error != std::errc()) return false;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return true;
  }
  template <typename T>
  bool TakeNumber(std::optional<T>& out, int base = 10) {
    T value{};
    if (!TakeNumber(value, base)) return false;
    out = value;
    return true;
  }
  // "20.009"; no sign, no exponent.
  bool TakeDecimal(double& out) {
    Scan ahead = *this;
    const std::string_view text = ahead.TakeWhile([](char c) { return IsDigit(c) || c == '.'; });
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    *this = ahead;
    return true;
  }
  // "0x1f".
  bool TakeHex(uint32_t& out) {
    Scan ahead = *this;
    if (!ahead.Take("0x") || !ahead.TakeNumber(out, 16)) return false;
    *this = ahead;
    return true;
  }
  // All characters for which `is` holds; maybe none.
  template <typename F>
  std::string_view TakeWhile(F&& is) {
    size_t n = 0;
    while (n < rest_.size() && is(rest_[n])) ++n;
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }

 private:
  std::string_view rest_;
};

inline std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_SCAN_H_
