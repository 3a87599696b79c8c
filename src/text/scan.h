// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_SCAN_H_
#define WQPROF_TEXT_SCAN_H_

#include <charconv>
#include <cstddef>
#include <string_view>
#include <system_error>

namespace wqprof {

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }
inline bool IsLetter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
inline bool IsWordChar(char c) { return IsDigit(c) || IsLetter(c) || c == '_'; }

// Walks over one line from left to right.  Take...() return whether there was such a thing, and
// stay where they were if not.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }
  const char* at() const { return at_; }
  void MoveTo(const char* at) { at_ = at; }
  bool empty() const { return at_ == end_; }
  char Peek(size_t ahead = 0) const {
    return static_cast<size_t>(end_ - at_) > ahead ? at_[ahead] : '\0';
  }
  void Skip(size_t n) { at_ += n; }

  bool Take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool Take(std::string_view word) {
    if (!rest().starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool TakeBlanks() {
    const char* const from = at_;
    while (at_ != end_ && IsBlank(*at_)) ++at_;
    return at_ != from;
  }
  // A number without a sign.
  template <typename T>
  bool TakeNumber(T& out, int base = 10) {
    if (at_ == end_ || *at_ == '-') return false;
    const auto [end, error] = std::from_chars(at_, end_, out, base);
    if (error != std::errc()) return false;
    at_ = end;
    return true;
  }
  // Characters for which `is` holds; at least one.
  template <typename F>
  bool TakeWhile(std::string_view& out, F&& is) {
    const char* const from = at_;
    while (at_ != end_ && is(*at_)) ++at_;
    out = {from, static_cast<size_t>(at_ - from)};
    return at_ != from;
  }

 private:
  const char* at_;
  const char* end_;
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_SCAN_H_
