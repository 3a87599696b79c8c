// SPDX-License-Identifier: Apache-2.0
#include "wqprof/tracefs_text.h"

#include <algorithm>
#include <charconv>

namespace wqprof {
namespace {

std::optional<uint64_t> NumberAt(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// "12.345678" is seconds, "12345" a count of the clock.
std::optional<uint64_t> StampAt(std::string_view text) {
  const std::optional<uint64_t> whole = NumberAt(text);
  const size_t point = text.find('.');
  if (!whole || point == std::string_view::npos) return whole;
  const std::string_view micros = text.substr(point + 1, 6);
  const std::optional<uint64_t> part = NumberAt(micros);
  constexpr uint64_t kLongest = uint64_t{1} << 33;  // seconds that fit as ns
  if (!part || micros.size() != 6 || *whole > kLongest) return std::nullopt;
  return (*whole * 1'000'000 + *part) * 1000;
}

// The `n`th word, from 0 on.
std::string_view WordOf(std::string_view text, int n) {
  for (; n > 0; --n) {
    const size_t blank = text.find(' ');
    if (blank == std::string_view::npos) return "";
    text.remove_prefix(blank + 1);
  }
  return text.substr(0, text.find(' '));
}

}  // namespace

CpuStats ParseCpuStats(std::string_view text) {
  CpuStats out;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    // The kernel pads seconds.
    const size_t begin = std::min(line.find_first_not_of(' ', colon + 1), line.size());
    const std::string_view value = line.substr(begin);
    const std::optional<uint64_t> number = NumberAt(value);
    if (!number) continue;
    if (key == "CPU" && *number < static_cast<uint64_t>(kMaxCpus)) {
      out.cpu = static_cast<Cpu>(*number);
    }
    if (key == "entries") out.entries = number;
    if (key == "bytes") out.bytes = number;
    if (key == "overrun") out.overrun = number;
    if (key == "commit overrun") out.commit_overrun = number;
    if (key == "dropped events") out.dropped_events = number;
    if (key == "read events") out.read_events = number;
    if (key == "now ts") out.now = StampAt(value);
  }
  return out;
}

std::string_view ClockInUse(std::string_view trace_clock) {
  const size_t open = trace_clock.find('['), close = trace_clock.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return trace_clock.substr(0, trace_clock.find('\n'));
  }
  return trace_clock.substr(open + 1, close - open - 1);
}

UnameParts ParseUname(std::string_view uname) {
  while (uname.ends_with('\n') || uname.ends_with(' ')) uname.remove_suffix(1);
  UnameParts out;
  out.whole = uname;
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  std::replace_if(out.whole.begin(), out.whole.end(), is_control, '?');
  out.node = WordOf(out.whole, 1);
  out.release = WordOf(out.whole, 2);
  // Some recorders leave out the version, which is several words.
  if (!WordOf(out.whole, 3).empty()) out.machine = out.whole.substr(out.whole.rfind(' ') + 1);
  return out;
}

}  // namespace wqprof
