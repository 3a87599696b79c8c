// SPDX-License-Identifier: Apache-2.0
#include "text/event_head_parts.h"

#include <array>
#include <cstring>

#include "wqprof/event.h"

namespace wqprof {

// "23.246971", "26254"; what comes behind is for the caller to look at.  Fractions of `unit` ns.
bool TakeStamp(Scanner& scan, int64_t unit, EventHead& head) {
  int64_t whole = 0;
  const char* const from = scan.at();
  while (IsDigit(scan.Peek()) && whole < INT64_MAX / 20) {
    whole = whole * 10 + (scan.Peek() - '0');
    scan.Skip(1);
  }
  if (scan.at() == from || IsDigit(scan.Peek())) return false;
  if (scan.Peek() != '.' || !IsDigit(scan.Peek(1))) {
    head.stamp = whole;
    head.form = StampForm::kBare;
    return true;
  }
  scan.Skip(1);
  int64_t fraction = 0, scale = unit;
  int digits = 0;
  for (; IsDigit(scan.Peek()); ++digits, scan.Skip(1)) {
    if (scale < 10) continue;
    scale /= 10;
    fraction += (scan.Peek() - '0') * scale;
  }
  if (whole > kMostStampSeconds * 1'000'000'000 / unit) return false;
  head.stamp = whole * unit + fraction;
  head.form = digits > 6 && unit == 1'000'000'000 ? StampForm::kNanos : StampForm::kMicros;
  return true;
}

// "name: payload", "system:name: payload".  `partial`: the line ends in it.
bool TakeEvent(Scanner& scan, EventHead& head, bool& has_system, bool& partial) {
  has_system = false;
  partial = false;
  std::string_view name;
  if (!scan.TakeWhile(name, IsWordChar)) {
    partial = scan.empty();
    return false;
  }
  if (scan.Peek() == ':' && IsWordChar(scan.Peek(1))) {
    scan.Skip(1);
    has_system = true;
    scan.TakeWhile(name, IsWordChar);
  }
  if (!scan.Take(':')) {
    partial = scan.empty();
    return false;
  }
  scan.TakeBlanks();
  head.event = name;
  head.payload = scan.rest();
  return true;
}

// "comm pid cpu flags preempt idx [hex] 1774901.100ms (+0.001ms): event: ...", flags in decimal.
HeadResult ReadVerbose(std::string_view line, EventHead& head) {
  const size_t mark = line.find("ms (+");
  if (mark == std::string_view::npos) return HeadResult::kNone;
  // From the right: stamp, [hex], idx, preempt, flags, cpu, pid.
  std::array<std::string_view, 7> words;
  const char* p = line.data() + mark;
  for (std::string_view& word : words) {
    const char* const to = p;
    while (p != line.data() && !IsBlank(p[-1])) --p;
    word = {p, static_cast<size_t>(to - p)};
    while (p != line.data() && IsBlank(p[-1])) --p;
  }
  const auto number = [](std::string_view word, auto& out) {
    Scanner scan(word);
    return scan.TakeNumber(out) && scan.empty();
  };
  Scanner stamp(words[0]);
  int32_t pid = 0;
  int cpu = 0;
  unsigned flags = 0;
  EventHead read;
  if (!TakeStamp(stamp, 1'000'000, read) || read.form == StampForm::kBare ||
      !words[1].starts_with('[') || !number(words[4], flags) || flags > 255 ||
      !number(words[5], cpu) || cpu > kMaxCpus || !number(words[6], pid)) {
    return HeadResult::kNone;
  }
  read.comm = {line.data(), static_cast<size_t>(p - line.data())};
  read.layout = TextLayout::kVerbose;
  read.pid = static_cast<Pid>(pid);
  read.cpu = static_cast<Cpu>(cpu);
  read.has_flags = true;
  read.flags = static_cast<uint8_t>(flags) & (kFlagIrqsOff | kFlagsOfInterrupts);
  const size_t close = line.find("): ", mark);
  if (close == std::string_view::npos) return HeadResult::kNone;
  Scanner scan(line.substr(close + 3));
  scan.TakeBlanks();
  bool has_system = false, partial = false;
  if (!TakeEvent(scan, read, has_system, partial)) read.event = {};
  head = read;
  return partial ? HeadResult::kPartial : HeadResult::kWhole;
}

// "     0.315 kworker/u8:3-e/20586 workqueue:workqueue_execute_start(work: 0x..., ...)".
HeadResult ReadPerfTrace(std::string_view line, EventHead& head) {
  constexpr std::string_view kSystem = " workqueue:workqueue_";
  const size_t at = line.find(kSystem);
  if (at == std::string_view::npos) return HeadResult::kNone;
  EventHead read;
  read.layout = TextLayout::kPerfTrace;
  Scanner scan(line);
  scan.TakeBlanks();
  if (!TakeStamp(scan, 1'000'000, read) || read.form == StampForm::kBare) return HeadResult::kNone;
  scan.TakeBlanks();
  if (scan.Peek() == '(') {  // "( 0.000 ms):"
    const size_t colon = scan.rest().find("):");
    if (colon == std::string_view::npos) return HeadResult::kNone;
    scan.Skip(colon + 2);
    scan.TakeBlanks();
  }
  if (scan.at() > line.data() + at) return HeadResult::kNone;
  std::string_view task{scan.at(), static_cast<size_t>(line.data() + at - scan.at())};
  while (!task.empty() && IsBlank(task.back())) task.remove_suffix(1);
  const size_t slash = task.rfind('/');
  int32_t pid = 0;
  if (slash == std::string_view::npos) return HeadResult::kNone;
  Scanner id(task.substr(slash + 1));
  if (!id.TakeNumber(pid) || !id.empty()) return HeadResult::kNone;
  read.pid = static_cast<Pid>(pid);
  read.comm = task.substr(0, slash);
  scan.MoveTo(line.data() + at + std::strlen(" workqueue:"));
  if (!scan.TakeWhile(read.event, IsWordChar) || !scan.Take('(')) return HeadResult::kNone;
  read.payload = scan.rest();
  head = read;
  return HeadResult::kWhole;
}

// " 700.000012 |   1)   sh-326     |   |    /* workqueue_queue_work: ... */".
HeadResult ReadGraph(std::string_view line, EventHead& head) {
  const size_t comment = line.find("/* ");
  if (comment == std::string_view::npos || !line.ends_with("*/")) return HeadResult::kNone;
  EventHead read;
  read.layout = TextLayout::kGraph;
  Scanner scan(line.substr(0, comment));
  scan.TakeBlanks();
  Scanner ahead = scan;
  if (TakeStamp(ahead, 1'000'000'000, read) && read.form != StampForm::kBare &&
      ahead.TakeBlanks() && ahead.Take('|')) {
    ahead.TakeBlanks();
    scan = ahead;
  } else {
    read.form = StampForm::kNone;
  }
  int cpu = 0;
  if (!scan.TakeNumber(cpu) || cpu > kMaxCpus || !scan.Take(')')) return HeadResult::kNone;
  read.cpu = static_cast<Cpu>(cpu);
  const std::string_view cell = scan.rest().substr(0, scan.rest().find('|'));
  if (const size_t dash = cell.rfind('-'); dash != std::string_view::npos) {
    Scanner id(cell.substr(dash + 1));
    int32_t pid = 0;
    if (id.TakeNumber(pid)) {
      read.pid = static_cast<Pid>(pid);
      read.comm = cell.substr(0, dash);
    }
  }
  Scanner event(line.substr(comment + 3, line.size() - comment - 5));
  bool has_system = false, partial = false;
  if (!TakeEvent(event, read, has_system, partial)) return HeadResult::kNone;
  while (!read.payload.empty() && IsBlank(read.payload.back())) read.payload.remove_suffix(1);
  head = read;
  return HeadResult::kWhole;
}

}  // namespace wqprof
