// SPDX-License-Identifier: Apache-2.0
#include "support/text_printer.h"

#include <fmt/format.h>

#include <algorithm>

namespace wqprof::testing {
namespace {

// kernel/trace/trace_output.c: irqs, resched, context, preemption depth, migration.
std::string Flags(uint8_t flags, size_t columns) {
  const bool hard = flags & kFlagHardirq, soft = flags & kFlagSoftirq, nmi = flags & kFlagNmi;
  std::string out(columns, '.');
  if (flags & kFlagIrqsOff) out[0] = 'd';
  out[2] = nmi && hard ? 'Z' : nmi ? 'z' : hard && soft ? 'H' : hard ? 'h' : soft ? 's' : '.';
  return out;
}

class Printer {
 public:
  Printer(EventSource& source, PrintedBy by) : source_(source), by_(by) {}

  std::string Line(const Event& e) const {
    if (e.kind == EventKind::kLossBegin) return "";
    if (e.kind == EventKind::kLossEnd) {
      if (by_ == PrintedBy::kTraceCmd)
        return fmt::format("CPU:{} [{} EVENTS DROPPED]\n", ToInt(e.cpu), e.loss.count);
      return e.loss.known ? fmt::format("CPU:{} [LOST {} EVENTS]\n", ToInt(e.cpu), e.loss.count)
                          : fmt::format("CPU:{} [LOST EVENTS]\n", ToInt(e.cpu));
    }
    return Head(e) + Payload(e) + "\n";
  }

 private:
  std::string_view Name(NameId id) const { return source_.names().Get(id); }
  std::string_view Comm(Pid pid) const {
    return pid == Pid{0} ? "<idle>" : Name(source_.CommOf(pid));
  }

  std::string Head(const Event& e) const {
    const int64_t us = e.at.time_since_epoch().count() / 1000;
    const int pid = ToInt(e.pid), cpu = ToInt(e.cpu);
    const std::string_view comm = Comm(e.pid);
    const std::string stamp = fmt::format("{:5}.{:06}", us / 1000000, us % 1000000);
    const std::string_view event = EventName(e.kind);
    switch (by_) {
      case PrintedBy::kTrace:
        return fmt::format("{:>16}-{:<7} [{:03}] {} {}: {}: ", comm, pid, cpu, Flags(e.flags, 5),
                           stamp, event);
      case PrintedBy::kOldTrace:
        return fmt::format("{:>16}-{:<5} ({:>5}) [{:03}] {} {}: {}: ", comm, pid, "-----", cpu,
                           Flags(e.flags, 4), stamp, event);
      case PrintedBy::kNoFlags:
        return fmt::format("{:>16}-{:<7} [{:03}] {}: {}: ", comm, pid, cpu, stamp, event);
      case PrintedBy::kLatency:
        return fmt::format("{:>8.8}-{:<7} {:3}{} {:4}us : {}: ", comm, pid, cpu, Flags(e.flags, 5),
                           us, event);
      case PrintedBy::kConsole:
        return fmt::format("[  312.401303][    C1] {:>8.8}-{:<7} {:3}{} {:4}us!: {}: ", comm, pid,
                           cpu, Flags(e.flags, 5), us, event);
      case PrintedBy::kVerbose:
        return fmt::format("{:>16} {:7} {:3} {} {:08x} {:08x} [{:08x}] {}.{:03}ms (+0.001ms): {}: ",
                           comm, pid, cpu, e.flags, 1, 7, 99, us / 1000, us % 1000, event);
      case PrintedBy::kTraceCmd:
        return fmt::format("{:>16}-{:<5} [{:03}] {} {}: {:<21} ", comm, pid, cpu, Flags(e.flags, 5),
                           stamp, fmt::format("{}:", event));
      case PrintedBy::kTraceCmdRaw:
        return fmt::format("{:>16}-{:<5} [{:03}] {} {}: {}:  ", comm, pid, cpu, Flags(e.flags, 5),
                           stamp, event);
      case PrintedBy::kPerfScript:
        return fmt::format("{:>16} {:5} [{:03}] {}: {:>30}: ", comm, pid, cpu, stamp,
                           fmt::format("workqueue:{}", event));
    }
    return "";
  }

  std::string Payload(const Event& e) const {
    const Event::Work& w = e.work;
    const uint64_t work = ToInt(w.work);
    const std::string_view function = Name(w.function);
    if (by_ == PrintedBy::kTraceCmdRaw) {
      if (e.kind != EventKind::kQueueWork) {
        // Up to 6.9 an activation has none.
        return function.empty() ? fmt::format("work={:#x}", work)
                                : fmt::format("work={:#x} function={}", work, function);
      }
      return fmt::format("work={:#x} function={} workqueue={} req_cpu={} cpu={}", work, function,
                         Name(w.workqueue), Requested(w), ToInt(w.target_cpu));
    }
    const bool prefixed = by_ == PrintedBy::kTraceCmd || by_ == PrintedBy::kPerfScript;
    const std::string address =
        prefixed ? fmt::format("{:#x}", work) : fmt::format("{:016x}", work);
    const bool old = by_ == PrintedBy::kOldTrace;
    switch (e.kind) {
      case EventKind::kQueueWork:
        return fmt::format("work struct={} function={} workqueue={} req_cpu={} cpu={}", address,
                           function, Name(w.workqueue), Requested(w),
                           old ? static_cast<uint32_t>(ToInt(w.target_cpu))
                               : static_cast<int64_t>(ToInt(w.target_cpu)));
      case EventKind::kActivateWork:
        return fmt::format("work struct {}", address);
      case EventKind::kExecuteStart:
        return fmt::format("work struct {}: function {}", address, function);
      default:
        return old ? fmt::format("work struct {}", address)
                   : fmt::format("work struct {}: function {}", address, function);
    }
  }

  static int Requested(const Event::Work& w) {
    return w.requested_cpu == Cpu::kNone ? 8192 : ToInt(w.requested_cpu);
  }
  static std::string_view EventName(EventKind kind) {
    constexpr std::string_view kNames[] = {"workqueue_queue_work", "workqueue_activate_work",
                                           "workqueue_execute_start", "workqueue_execute_end"};
    return kNames[static_cast<size_t>(kind)];
  }

  EventSource& source_;
  PrintedBy by_;
};

class StringStream : public ByteStream {
 public:
  StringStream(std::string text, size_t piece) : text_(std::move(text)), piece_(piece) {}
  absl::StatusOr<size_t> Read(std::span<char> out) override {
    const size_t n = std::min({out.size(), piece_, text_.size() - at_});
    std::copy_n(text_.data() + at_, n, out.data());
    at_ += n;
    return n;
  }

 private:
  std::string text_;
  size_t piece_, at_ = 0;
};

}  // namespace

std::string_view NameOf(PrintedBy by) {
  constexpr std::string_view kNames[] = {"trace",        "old trace",   "no flags",
                                         "latency",      "verbose",     "trace-cmd",
                                         "trace-cmd -R", "perf script", "console"};
  return kNames[static_cast<size_t>(by)];
}

std::string PrintAsText(EventSource& source, PrintedBy by) {
  const Printer printer(source, by);
  std::string out;
  while (true) {
    const auto events = source.Next();
    if (!events.ok() || events->empty()) return out;
    for (const Event& event : *events) {
      if (event.kind <= EventKind::kLossEnd) out += printer.Line(event);
    }
  }
}

std::unique_ptr<ByteStream> StreamOf(std::string text, size_t piece) {
  return std::make_unique<StringStream>(std::move(text), piece);
}

}  // namespace wqprof::testing
