// SPDX-License-Identifier: Apache-2.0
#include "text/event_head.h"

#include <array>
#include <cstring>

#include "text/event_head_parts.h"
#include "text/scan.h"
#include "wqprof/event.h"

namespace wqprof {
namespace {

// Characters of the columns of flags: kernel/trace/trace_output.c, trace_print_lat_fmt().
constexpr std::array<bool, 256> kFlagChars = [] {
  std::array<bool, 256> is{};
  for (const char c : std::string_view(".dDbXnNpBLlhHsSzZ0123456789abcdef")) {
    is[static_cast<uint8_t>(c)] = true;
  }
  return is;
}();

uint8_t FlagsOf(std::string_view columns, const FlagColumns& at) {
  uint8_t flags = 0;
  if (columns[0] == 'd' || columns[0] == 'D') flags |= kFlagIrqsOff;
  size_t context = at.context;
  // Of kernels with lazy preemption the context stands one further.
  if (context == 0) context = columns.size() >= 6 ? 3 : 2;
  switch (context < columns.size() ? columns[context] : '.') {
    case 'Z':
      return flags | kFlagNmi | kFlagHardirq;
    case 'z':
      return flags | kFlagNmi;
    case 'H':
      return flags | kFlagHardirq | kFlagSoftirq;
    case 'h':
      return flags | kFlagHardirq;
    case 's':
      return flags | kFlagSoftirq;
    default:
      return flags;
  }
}

// Four to nine columns of flags, and what ends them.
bool TakeFlags(Scanner& scan, const FlagColumns& columns, EventHead& head) {
  const char* const from = scan.at();
  size_t n = 0;
  while (n < 10 && kFlagChars[static_cast<uint8_t>(scan.Peek(n))]) ++n;
  if (n < 4 || n > 9 || (scan.Peek(n) != ' ' && scan.Peek(n) != '\t' && scan.Peek(n) != '\0')) {
    return false;
  }
  head.has_flags = true;
  head.flags = FlagsOf({from, n}, columns);
  scan.Skip(n);
  return true;
}

// What precedes "[cpu]", read from the right: a task's id with '-' before it in ftrace, with a
// blank in perf.  Returns where the comm ends; null: it is none of them.
const char* ReadTask(const char* begin, const char* bracket, EventHead& head) {
  const char* p = bracket;
  const auto skip_blanks = [&] {
    while (p != begin && IsBlank(p[-1])) --p;
  };
  skip_blanks();
  if (p != begin && p[-1] == ')') {  // "(  149)", "(-----)"
    for (--p; p != begin && (IsDigit(p[-1]) || IsBlank(p[-1]) || p[-1] == '-');) --p;
    if (p == begin || p[-1] != '(') return nullptr;
    --p;
    skip_blanks();
  }
  const char* const end = p;
  while (p != begin && IsDigit(p[-1])) --p;
  if (p == end || p == begin) return nullptr;
  int32_t pid = -1;
  if (std::from_chars(p, end, pid).ec != std::errc()) return nullptr;
  head.pid = static_cast<Pid>(pid);
  head.layout = TextLayout::kFtrace;
  --p;
  if (*p == '-') {
    // perf's own "-1", of a task that it does not know.
    if (pid != 1 || p == begin || !IsBlank(p[-1])) return p;
    head.pid = Pid::kNone;
  } else if (*p == '/') {
    while (p != begin && IsDigit(p[-1])) --p;
    if (p == begin || !IsBlank(p[-1])) return nullptr;
    --p;
  } else if (!IsBlank(*p)) {
    return nullptr;
  }
  head.layout = TextLayout::kPerfScript;
  return p;
}

// "comm-pid (tgid) [cpu] flags stamp: event: ...", and perf's "comm pid [cpu] stamp: sys:event:
// ...".
HeadResult ReadAtBracket(std::string_view line, const char* bracket, const FlagColumns& columns,
                         EventHead& head) {
  Scanner scan(line);
  scan.MoveTo(bracket + 1);
  int cpu = 0;
  if (!scan.TakeNumber(cpu) || cpu > kMaxCpus || !scan.Take(']')) return HeadResult::kNone;
  const char* const comm_end = ReadTask(line.data(), bracket, head);
  if (comm_end == nullptr) return HeadResult::kNone;
  const bool blank_behind = scan.TakeBlanks();
  head.cpu = static_cast<Cpu>(cpu);
  head.comm = {line.data(), static_cast<size_t>(comm_end - line.data())};
  if (scan.empty()) {
    return head.layout == TextLayout::kFtrace ? HeadResult::kPartial : HeadResult::kNone;
  }
  if (!blank_behind) return HeadResult::kNone;
  if (TakeFlags(scan, columns, head)) {
    scan.TakeBlanks();
    if (scan.empty()) return HeadResult::kPartial;
  }
  Scanner behind = scan;
  const bool stamped = TakeStamp(behind, 1'000'000'000, head) && behind.Take(':');
  if (stamped) {
    scan = behind;
    scan.TakeBlanks();
    if (scan.Peek() == '(' && (scan.Peek(1) == '+' || IsDigit(scan.Peek(1)))) {  // --ts-diff
      const size_t close = scan.rest().find(')');
      if (close == std::string_view::npos) return HeadResult::kNone;
      scan.Skip(close + 1);
      scan.TakeBlanks();
    }
    uint64_t period = 0;
    if (head.layout == TextLayout::kPerfScript && scan.TakeNumber(period)) scan.TakeBlanks();
  } else {
    head.form = StampForm::kNone;
  }
  bool has_system = false, partial = false;
  if (!TakeEvent(scan, head, has_system, partial)) {
    if (partial && head.layout == TextLayout::kFtrace) return HeadResult::kPartial;
    head.event = {};
    return stamped ? HeadResult::kWhole : HeadResult::kNone;
  }
  if (head.layout == TextLayout::kPerfScript && (!has_system || !stamped)) return HeadResult::kNone;
  return stamped || IsKnownEvent(head.event) ? HeadResult::kWhole : HeadResult::kNone;
}

HeadResult ReadNormal(std::string_view line, const FlagColumns& columns, EventHead& head) {
  const char* const end = line.data() + line.size();
  HeadResult best = HeadResult::kNone;
  for (const char* p = line.data(); p != end; ++p) {
    p = static_cast<const char*>(std::memchr(p, '[', static_cast<size_t>(end - p)));
    if (p == nullptr) break;
    EventHead read;
    const HeadResult result = ReadAtBracket(line, p, columns, read);
    if (result == HeadResult::kNone) continue;
    best = result;
    head = read;
    if (result == HeadResult::kWhole) break;
  }
  return best;
}

// "comm-pid  cpuFLAGS 140us!: event: ..."; of trace-cmd -l with seconds.
HeadResult ReadLatency(std::string_view line, const FlagColumns& columns, EventHead& head) {
  const char* const end = line.data() + line.size();
  for (const char* p = line.data(); p != end; ++p) {
    p = static_cast<const char*>(std::memchr(p, '-', static_cast<size_t>(end - p)));
    if (p == nullptr || p - line.data() > 120) break;
    EventHead read;
    read.layout = TextLayout::kLatency;
    Scanner scan(line);
    scan.MoveTo(p + 1);
    int32_t pid = 0;
    int cpu = 0;
    if (!scan.TakeNumber(pid) || !scan.TakeBlanks() || !scan.TakeNumber(cpu) || cpu > kMaxCpus ||
        !TakeFlags(scan, columns, read) || !scan.TakeBlanks()) {
      continue;
    }
    const bool negative = scan.Take('-');
    if (!TakeStamp(scan, 1'000'000'000, read)) continue;
    if (read.form == StampForm::kBare) {
      if (!scan.Take("us") || read.stamp > kMostStampSeconds * 1'000'000) continue;
      read.stamp *= negative ? -1000 : 1000;
      read.form = StampForm::kMicros;
      if (!scan.empty() && std::strchr(" +!#*@$", scan.Peek()) != nullptr) scan.Skip(1);
      scan.TakeBlanks();
    }
    if (!scan.Take(':')) continue;
    scan.TakeBlanks();
    read.pid = static_cast<Pid>(pid);
    read.cpu = static_cast<Cpu>(cpu);
    read.comm = {line.data(), static_cast<size_t>(p - line.data())};
    bool has_system = false, partial = false;
    if (!TakeEvent(scan, read, has_system, partial)) read.event = {};
    head = read;
    return partial ? HeadResult::kPartial : HeadResult::kWhole;
  }
  return HeadResult::kNone;
}

HeadResult ReadAs(TextLayout layout, std::string_view line, const FlagColumns& columns,
                  EventHead& head) {
  switch (layout) {
    case TextLayout::kFtrace:
    case TextLayout::kPerfScript:
      return ReadNormal(line, columns, head);
    case TextLayout::kLatency:
      return ReadLatency(line, columns, head);
    case TextLayout::kVerbose:
      return ReadVerbose(line, head);
    case TextLayout::kPerfTrace:
      return ReadPerfTrace(line, head);
    case TextLayout::kGraph:
      return ReadGraph(line, head);
  }
  return HeadResult::kNone;
}

}  // namespace

bool IsKnownEvent(std::string_view name) {
  return name.starts_with("workqueue_") || name.starts_with("sched_") ||
         name.starts_with("timer_") || name.starts_with("irq_handler_") ||
         name.starts_with("softirq_") || name == "task_rename";
}

HeadResult ReadHead(std::string_view line, const FlagColumns& columns, TextLayout likely,
                    EventHead& head) {
  HeadResult result = ReadAs(likely, line, columns, head);
  if (result == HeadResult::kWhole) return result;
  constexpr TextLayout kAll[] = {TextLayout::kFtrace, TextLayout::kLatency, TextLayout::kVerbose,
                                 TextLayout::kPerfTrace, TextLayout::kGraph};
  for (const TextLayout layout : kAll) {
    if (layout == likely) continue;
    EventHead read;
    const HeadResult other = ReadAs(layout, line, columns, read);
    if (other == HeadResult::kNone || other < result) continue;
    result = other;
    head = read;
    if (result == HeadResult::kWhole) break;
  }
  return result;
}

}  // namespace wqprof
