// SPDX-License-Identifier: Apache-2.0
#include "hist/line_reader.h"

#include <algorithm>

namespace wqprof {
namespace {

constexpr std::string_view kKind = ",\"kind\":";

constexpr size_t IndexOf(std::string_view name) {
  size_t i = 0;
  while (kHistTargets[i].name != name) ++i;
  return i;
}
// Fields before this one are of the head.
constexpr size_t kFirstOfBody = IndexOf("kind");
constexpr uint64_t kOfHead = (uint64_t{1} << kFirstOfBody) - 1;

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads what follows the head of a line.
class BodyScan {
 public:
  BodyScan(std::string_view rest, HistRecord& out)
      : at_(rest.data()), end_(rest.data() + rest.size()), out_(out) {}

  // Fields of functions and pools, each once, without spaces, escapes, fractions and null.  False:
  // the parser must have a look.
  bool Read() {
    size_t guess = kFirstOfBody;
    while (Skip(',')) {
      const HistTarget* const target = Name(guess);
      if (target == nullptr || !Skip(':')) return false;
      const auto index = static_cast<size_t>(target - kHistTargets.data());
      const uint64_t bit = uint64_t{1} << index;
      if (index < kFirstOfBody || (out_.seen & bit) != 0 || !Value(*target)) return false;
      out_.seen |= bit;
    }
    return Skip('}') && at_ == end_;
  }

 private:
  // What stands behind the line stops each of these.
  bool Skip(char c) {
    if (*at_ != c) return false;
    ++at_;
    return true;
  }
  bool Text(std::string_view& out) {
    if (!Skip('"')) return false;
    const char* const begin = at_;
    while (*at_ >= ' ' && *at_ < '\x7f' && *at_ != '"' && *at_ != '\\') ++at_;
    out = {begin, static_cast<size_t>(at_ - begin)};
    return Skip('"');
  }
  // The target of a quoted name, most often the one that is looked for.
  const HistTarget* Name(size_t& guess) {
    const std::string_view expected = kHistTargets[guess].name;
    if (*at_ == '"') {
      size_t i = 0;
      while (i < expected.size() && at_[1 + i] == expected[i]) ++i;
      if (i == expected.size() && at_[1 + i] == '"') {
        at_ += i + 2;
        const HistTarget* const found = &kHistTargets[guess];
        if (++guess == kHistTargets.size()) guess = 0;
        return found;
      }
    }
    std::string_view name;
    return Text(name) ? TargetOf(name, guess) : nullptr;
  }
  bool Number(uint64_t& out) {
    constexpr ptrdiff_t kSafeDigits = 19;
    const char* const begin = at_;
    out = 0;
    for (; IsDigit(*at_); ++at_) out = out * 10 + static_cast<uint64_t>(*at_ - '0');
    const ptrdiff_t digits = at_ - begin;
    return digits > 0 && digits <= kSafeDigits && (*begin != '0' || digits == 1);
  }
  bool Number(int64_t& out) {
    const bool negative = Skip('-');
    uint64_t value;
    if (!Number(value) || value > static_cast<uint64_t>(INT64_MAX)) return false;
    out = negative ? -static_cast<int64_t>(value) : static_cast<int64_t>(value);
    return true;
  }
  template <class T>
  bool List(std::vector<T>& out) {
    out.clear();
    if (!Skip('[')) return false;
    if (Skip(']')) return true;
    do {
      T value;
      if (out.size() == kMostElements || !Number(value)) return false;
      out.push_back(value);
    } while (Skip(','));
    return Skip(']');
  }
  bool Value(const HistTarget& target) {
    if (target.count != nullptr) return Number(out_.*target.count);
    if (target.integers != nullptr) return List(out_.*target.integers);
    if (target.counts != nullptr) return List(out_.*target.counts);
    std::string_view text;
    if (target.text == nullptr || !Text(text)) return false;
    out_.*target.text = text;
    return true;
  }

  const char* at_;
  const char* const end_;
  HistRecord& out_;
};

}  // namespace

LineForm HistLineReader::Read(std::string_view line) {
  same_head_ = false;
  if (!head_.empty() && line.starts_with(head_)) {
    const bool loaded = loaded_;
    if (Scan(line)) {
      same_head_ = loaded;
      return LineForm::kGood;
    }
  }
  loaded_ = false;
  // Within a word each quote would stand behind a backslash.
  const size_t kind = line.find(kKind);
  head_ = line.substr(0, kind == std::string_view::npos ? 0 : kind);
  return parser_->Parse(line, record_);
}

bool HistLineReader::Scan(std::string_view line) {
  loaded_ = loaded_ || LoadHead();
  if (!loaded_) return false;
  const uint64_t before = record_.seen;
  record_.seen &= kOfHead;
  if (!BodyScan(line.substr(head_.size()), record_).Read()) return false;
  // What the line before had, and this one has not.
  record_.Clear(before & ~record_.seen);
  return true;
}

bool HistLineReader::LoadHead() {
  // Either it is an object without its end, or the `kind` was deeper in it.
  if (head_.find('"') == std::string::npos)
    return false;  // a comma follows: so must a field precede
  std::string object = head_ + "}";
  const size_t size = object.size();
  object.resize(size + LineParser::kPadding);
  if (parser_->Parse({object.data(), size}, record_) != LineForm::kGood) return false;
  const auto known = [](const HistRecord::Count& count) { return count.known; };
  return (record_.seen & ~kOfHead) == 0 &&
         std::none_of(record_.anomalies.begin(), record_.anomalies.end(), known);
}

}  // namespace wqprof
