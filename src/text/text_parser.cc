// SPDX-License-Identifier: Apache-2.0
#include "text/text_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "text/comm.h"
#include "text/scan.h"

namespace wqprof {
namespace {

constexpr Timestamp kEarliest = kUnseen + Nanos(1);
constexpr size_t kMostComms = 1 << 20;
constexpr int kMostParts = 5;          // that a broken line has
constexpr size_t kLongestHeld = 2048;  // of a line that goes on
constexpr size_t kHardCut = 120;       // a line this long was cut, not wrapped
constexpr size_t kShownOfUnread = 512;

// Whether a text names one of the four events as a line of a trace does.
bool NamesAnEvent(std::string_view line) {
  constexpr std::string_view kStem = "workqueue_";
  for (size_t at = 0; (at = line.find(kStem, at)) != std::string_view::npos;) {
    at += kStem.size();
    for (const std::string_view name :
         {"queue_work", "activate_work", "execute_start", "execute_end"}) {
      if (!line.substr(at).starts_with(name)) continue;
      const size_t behind = at + name.size();
      if (behind < line.size() && (line[behind] == ':' || line[behind] == '(')) return true;
    }
  }
  return false;
}

// What may stand at the begin of a line that goes on with the one before.
bool LooksBroken(std::string_view ahead) {
  ahead.remove_prefix(QuoteLength(ahead));
  Scanner scan(ahead);
  scan.TakeBlanks();
  if (scan.Peek() == '[') {
    scan.Skip(1);
    std::string_view module;
    return IsLetter(scan.Peek()) &&
           scan.TakeWhile(module, [](char c) { return IsWordChar(c) || c == '-'; }) &&
           scan.Take(']');
  }
  for (const std::string_view word : {"function=", "workqueue=", "req_cpu=", "cpu="}) {
    if (scan.rest().starts_with(word)) return true;
  }
  return false;
}

}  // namespace

TextParser::TextParser(NameTable& names, const TextOptions& options)
    : names_(names), options_(options), payloads_(names), stacks_(names) {
  stats_.lost_events = 0;
}

TextParser::CpuState& TextParser::StateOf(Cpu cpu) {
  const auto i = static_cast<size_t>(ToInt(cpu) + 1);
  if (i >= cpus_.size()) cpus_.resize(i + 1);
  return cpus_[i];
}

void TextParser::NoteComm(Pid pid, NameId comm) {
  if (pid == Pid::kNone || comm == NameId::kUnknown) return;
  const auto it = comms_.find(ToInt(pid));
  if (it != comms_.end()) {
    it->second = comm;
  } else if (comms_.size() < kMostComms) {
    comms_.emplace(ToInt(pid), comm);
  }
}

NameId TextParser::CommOf(Pid pid) const {
  const auto it = comms_.find(ToInt(pid));
  return it == comms_.end() ? NameId::kUnknown : it->second;
}

void TextParser::NoteCommOfLine(const EventHead& head) {
  // Mostly it is what the task's line before had.
  CommEntry& entry = comm_cache_[static_cast<uint32_t>(ToInt(head.pid)) % comm_cache_.size()];
  const std::string_view left = head.comm;
  if (entry.pid == ToInt(head.pid) && entry.size == left.size() &&
      std::equal(left.begin(), left.end(), entry.text.begin())) {
    return;
  }
  if (left.size() <= entry.text.size()) {
    entry.pid = ToInt(head.pid);
    entry.size = static_cast<uint8_t>(left.size());
    std::copy(left.begin(), left.end(), entry.text.begin());
  }
  const std::string_view comm = CommOfLeft(left);
  if (comm.empty()) return;
  if (comm == "<...>" || comm == ":-1" || head.pid == Pid::kNone) return;
  // The latency layout cuts names to eight characters.
  const std::string_view known = names_.Get(CommOf(head.pid));
  if (head.layout == TextLayout::kLatency && comm.size() <= 8 && known.size() > comm.size() &&
      known.starts_with(comm)) {
    return;
  }
  NoteComm(head.pid, names_.Intern(comm));
}

// Names of tasks from scheduler events.
void TextParser::NoteTasks(const Event& event) {
  switch (event.kind) {
    case EventKind::kSwitch:
      seen_switch_ = true;
      NoteComm(event.sched_switch.next, event.sched_switch.next_comm);
      NoteComm(event.pid, event.sched_switch.prev_comm);
      break;
    case EventKind::kWaking:
    case EventKind::kWakeup:
      seen_waking_ = seen_waking_ || event.kind == EventKind::kWaking;
      NoteComm(event.wake.target, event.wake.comm);
      break;
    case EventKind::kFork:
    case EventKind::kRename:
      NoteComm(event.task.task, event.task.comm);
      break;
    case EventKind::kTimerStart:
    case EventKind::kTimerExpire:
      seen_timers_ = true;
      break;
    default:
      break;
  }
}

Timestamp TextParser::TimeOf(const EventHead& head, CpuState& state) {
  int64_t raw = head.stamp;
  if (head.form == StampForm::kNone) {
    raw = static_cast<int64_t>(++sequence_);
  } else if (head.form == StampForm::kBare && options_.stamp_unit) {
    const int64_t unit = std::max<int64_t>(options_.stamp_unit->count(), 1);
    raw = raw > INT64_MAX / 4 / unit ? INT64_MAX / 4 : raw * unit;
  }
  // Within a CPU the order of the buffer is right, whatever its stamps say.
  if (state.seen && raw < state.raw) ++stats_.time_reversals;
  state.raw = raw;
  const Timestamp at = std::max(Timestamp(Nanos(raw)), kEarliest);
  return state.seen ? std::max(at, state.at) : at;
}

void TextParser::CountEvent(const EventHead& head, CpuState& state, Timestamp at) {
  ++stats_.events;
  ++state.events;
  if (!state.seen && (latest_first_ == kUnseen || at > latest_first_)) latest_first_ = at;
  state.seen = true;
  state.at = at;
  if (stats_.begin == kUnseen || at < stats_.begin) stats_.begin = at;
  if (stats_.end == kUnseen || at > stats_.end) stats_.end = at;
  if (form_ == StampForm::kNone) form_ = head.form;
  const bool perf = head.layout == TextLayout::kPerfScript || head.layout == TextLayout::kPerfTrace;
  (perf ? perf_ : ftrace_) = true;
  most_cpu_ = std::max(most_cpu_, ToInt(head.cpu));
}

void TextParser::LoseOn(CpuState& state, Cpu cpu, std::optional<uint64_t> count, EventSorter& out) {
  state.lost_known = count.has_value();
  state.lost = count.value_or(0);
  if (std::exchange(state.loss_open, true)) return;
  Event event{};
  event.at = state.seen ? state.at : kEarliest;
  event.pid = Pid::kNone;
  event.cpu = cpu;
  event.kind = EventKind::kLossBegin;
  event.loss = {state.lost, state.lost_known};
  out.Add(event);
}

void TextParser::TakeLoss(const LossMark& mark, EventSorter& out) {
  ++stats_.lost_gaps;
  if (!mark.count) {
    stats_.lost_events.reset();
  } else if (stats_.lost_events) {
    *stats_.lost_events += *mark.count;
  }
  if (mark.cpu != Cpu::kNone) {
    LoseOn(StateOf(mark.cpu), mark.cpu, mark.count, out);
    return;
  }
  // perf does not name the CPU: each may have lost them.
  for (size_t i = 0; i < cpus_.size(); ++i) {
    if (cpus_[i].seen) LoseOn(cpus_[i], static_cast<Cpu>(static_cast<int>(i) - 1), mark.count, out);
  }
}

void TextParser::EndLoss(CpuState& state, const Event& event, EventSorter& out) {
  state.loss_open = false;
  Event end{};
  end.at = event.at;
  end.pid = Pid::kNone;
  end.cpu = event.cpu;
  end.kind = EventKind::kLossEnd;
  end.loss = {state.lost, state.lost_known};
  out.Add(end);
}

PayloadResult TextParser::ReadPayload(EventKind kind, const EventHead& head, Event& event) {
  if (kind > EventKind::kExecuteEnd) {
    return payloads_.ReadOther(kind, head.payload, event) ? PayloadResult::kWhole
                                                          : PayloadResult::kBad;
  }
  return head.layout == TextLayout::kPerfTrace
             ? payloads_.ReadWorkArguments(kind, head.payload, event)
             : payloads_.ReadWork(kind, head.payload, event);
}

TextParser::Taken TextParser::TakeEvent(const EventHead& head, std::string_view ahead,
                                        EventSorter& out) {
  queued_.reset();
  Event event{};
  event.pid = head.pid;
  event.cpu = head.cpu;
  event.flags = head.flags;
  // A line of another tracer has time and task like any other.
  EventNames::Entry* const name = head.event.empty() ? nullptr : &events_.Of(head.event);
  bool wanted = name != nullptr && name->kind.has_value();
  if (wanted) {
    event.kind = *name->kind;
    const PayloadResult read = ReadPayload(event.kind, head, event);
    const bool of_work = event.kind <= EventKind::kExecuteEnd;
    if (of_work && read == PayloadResult::kBad) return Taken::kNo;
    if (read == PayloadResult::kPartial) return Taken::kPartial;
    if (read == PayloadResult::kOpen && LooksBroken(ahead)) return Taken::kPartial;
    wanted = read != PayloadResult::kBad;
    // Of <idle> that may have been interrupted nobody knows whether it queued the work.
    if (!head.has_flags && head.pid == Pid{0} && event.kind == EventKind::kQueueWork) {
      event.pid = Pid::kNone;
    }
  }
  if (name != nullptr) ++name->count;
  CpuState& state = StateOf(head.cpu);
  event.at = TimeOf(head, state);
  CountEvent(head, state, event.at);
  NoteCommOfLine(head);
  if (state.loss_open) EndLoss(state, event, out);
  if (!wanted) return Taken::kYes;
  if (event.kind <= EventKind::kExecuteEnd) {
    stats_.seen_events.Add(event.kind);
  } else {
    NoteTasks(event);
  }
  out.Add(event);
  if (event.kind == EventKind::kQueueWork) queued_ = event;
  return Taken::kYes;
}

void TextParser::EndStack(EventSorter& out) {
  const std::optional<Event> stack = stacks_.End();
  if (!stack) return;
  ++stats_.queue_stacks;
  out.Add(*stack);
}

void TextParser::NoteUnread(std::string_view line) {
  ++stats_.unread_lines;
  if (stats_.first_unread_line.empty()) {
    stats_.first_unread_line.assign(line.substr(0, kShownOfUnread));
  }
}

void TextParser::DropHeld() {
  if (held_parts_ > 0 && held_.find("workqueue_") != std::string::npos) NoteUnread(held_);
  held_parts_ = 0;
}

void TextParser::Hold(std::string_view line) {
  held_.assign(line.substr(0, kLongestHeld));
  held_parts_ = 1;
}

// The held line with `line` behind it.  Returns whether that made an event, or may with one more.
bool TextParser::Join(std::string_view line, std::string_view ahead, EventSorter& out) {
  Scanner scan(line);
  scan.TakeBlanks();
  const std::string_view part = scan.rest();
  if (part.empty() || held_.size() + part.size() > kLongestHeld) return false;
  const size_t before = held_.size();
  // Only the result shows whether the line was broken at a blank or within a word.
  const bool at_blank = before <= kHardCut && !IsBlank(held_.back());
  for (int i = at_blank ? 0 : 1; i < 2; ++i) {
    held_.resize(before);
    if (i == 0) held_ += ' ';
    held_ += part;
    EventHead head;
    const HeadResult result = ReadHead(held_, header_.columns, layout_, head);
    const bool whole = result == HeadResult::kWhole && !head.event.empty();
    const Taken taken = whole                            ? TakeEvent(head, ahead, out)
                        : result == HeadResult::kPartial ? Taken::kPartial
                                                         : Taken::kNo;
    if (taken == Taken::kYes) held_parts_ = 0;
    if (taken == Taken::kYes) return true;
    if (taken == Taken::kPartial) return ++held_parts_ <= kMostParts;
  }
  held_.resize(before);
  return false;
}

// What is no event: marks, headers, messages of a log.
void TextParser::TakeOther(std::string_view line, std::string_view ahead, EventSorter& out) {
  const LogLine read = log_reader_.Read(line);
  const bool stamped = read.stamp || !read.wall.empty() || !read.tag.empty();
  if (stamped) ++findings_.log_lines;
  if (const auto mark = ReadLossMark(read.text)) return TakeLoss(*mark, out);
  if (headers_.Read(read.text, header_)) return;
  if (read.text.find("(ftrace buffer empty)") != read.text.npos) findings_.buffer_empty = true;
  if (read.text.size() < line.size()) {
    EventHead head;
    const HeadResult result = ReadHead(read.text, header_.columns, layout_, head);
    if (result == HeadResult::kWhole) layout_ = head.layout;
    if (result == HeadResult::kWhole && TakeEvent(head, ahead, out) == Taken::kYes) return;
  }
  if (NamesAnEvent(read.text)) NoteUnread(line);
  if (options_.log != nullptr) options_.log->Add(read);
}

void TextParser::Add(std::string_view line, std::string_view ahead, EventSorter& out) {
  ++findings_.lines;
  line.remove_prefix(QuoteLength(line));
  if (line.empty()) return;
  if (stacks_.open()) {
    if (stacks_.Take(line)) return;
    EndStack(out);
  }
  if (line[0] == '#' && headers_.Read(line, header_)) {
    payloads_.set_cpus(header_.cpus);
    return;
  }
  EventHead head;
  const HeadResult result = ReadHead(line, header_.columns, layout_, head);
  if (held_parts_ > 0) {
    if (result == HeadResult::kNone && Join(line, ahead, out)) return;
    DropHeld();
  }
  if (result == HeadResult::kNone) return TakeOther(line, ahead, out);
  if (result == HeadResult::kPartial) return Hold(line);
  layout_ = head.layout;
  const Taken taken = TakeEvent(head, ahead, out);
  if (taken == Taken::kYes) stacks_.NoteLine(head, line, queued_ ? &*queued_ : nullptr);
  switch (taken) {
    case Taken::kNo:
      return NoteUnread(line);
    case Taken::kPartial:
      return Hold(line);
    case Taken::kYes:
      return;
  }
}

void TextParser::AddUnended(std::string_view line, EventSorter& out) {
  const size_t names = names_.size();
  const uint8_t digits = payloads_.pointers().digits;
  line.remove_prefix(QuoteLength(line));
  EventHead head;
  Event event{};
  if (ReadHead(line, header_.columns, layout_, head) != HeadResult::kWhole || held_parts_ > 0) {
    Add(line, {}, out);
    stats_.truncated |= held_parts_ > 0;
    held_parts_ = 0;
    return;
  }
  const EventNames::Entry& name = events_.Of(head.event);
  if (!name.kind || *name.kind > EventKind::kExecuteEnd) return Add(line, {}, out);
  const PayloadResult read = ReadPayload(*name.kind, head, event);
  // An address or a function's name that is cut looks like a shorter one.
  bool cut = read == PayloadResult::kBad || read == PayloadResult::kPartial ||
             payloads_.pointers().digits < digits;
  if (read == PayloadResult::kOpen && ToInt(event.work.function) >= names) {
    const std::string_view function = names_.Get(event.work.function);
    for (size_t i = 0; i < names && !cut; ++i) {
      const std::string_view other = names_.Get(static_cast<NameId>(i));
      cut = other.size() > function.size() && other.starts_with(function);
    }
  }
  if (!cut) return Add(line, {}, out);
  ++findings_.lines;
  stats_.truncated = true;
}

}  // namespace wqprof
