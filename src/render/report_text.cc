// SPDX-License-Identifier: Apache-2.0
// The words around a report's tables.
#include "render/finding_text.h"
#include "render/flush_table.h"
#include "render/holder_text.h"
#include "render/pictures.h"
#include "render/text.h"
#include "wqprof/anomaly.h"
#include "wqprof/render.h"
#include "wqprof/wall_clock.h"

namespace wqprof {
namespace {

// One part of the header line.
struct Part {
  std::string text;
  bool worrying = false;
};

// How many works were executed, or what is known instead.
std::string WorkWords(const Report& report) {
  if (TellsLatency(report.recorded)) return CountOf(report.quality.match.executed, "work");
  uint64_t queued = 0, executed = 0;
  for (const FunctionRow& row : report.functions) {
    queued += row.measures.queued;
    executed += row.measures.executed;
  }
  const bool starts = report.recorded.Has(EventKind::kExecuteStart);
  return starts ? CountOf(executed, "work") + " executed" : CountOf(queued, "work") + " queued";
}

std::vector<Part> HeaderParts(const Report& report, const TextStyle& style) {
  const bool ascii = !style.utf8;
  const TraceInfo& source = report.source;
  const MatchQuality& match = report.quality.match;
  std::vector<Part> parts = {{"wqprof"}};
  parts.push_back(
      {"host " + (source.machine.empty() ? "unknown" : Escaped(source.machine, ascii))});
  parts.push_back({"Linux " + (source.kernel.empty() ? "unknown" : Escaped(source.kernel, ascii))});
  parts.push_back(
      {source.cpus > 0 ? CountOf(static_cast<uint64_t>(source.cpus), "CPU") : "CPUs unknown"});
  std::string when = source.clock_is_ns ? DurationText(report.duration) : "duration unknown";
  if (const auto clock = WallClock::Of(source.wall_begin, report.read.begin, style.utc)) {
    when += fmt::format(" from {} {} {}", clock->Date(), clock->TimeOfDay(report.read.begin),
                        Escaped(clock->Zone(), ascii));
  }
  parts.push_back({std::move(when)});
  parts.push_back({WorkWords(report)});
  const std::optional<uint64_t>& lost = report.quality.lost_events;
  parts.push_back({"lost " + (lost ? CountText(*lost) : "unknown"), lost != uint64_t{0}});
  const uint64_t unpaired = match.unmatched_starts + match.unmatched_ends;
  std::string text = "unpaired " + CountText(unpaired);
  if (unpaired > 0 && report.quality.paired_fraction) {
    text += fmt::format(" ({})", PercentText(1 - *report.quality.paired_fraction));
  }
  parts.push_back({std::move(text), unpaired > 0});
  return parts;
}

// What was left out of the percentiles because it is no whole life of a work.
std::string LeftOut(const Quality& quality) {
  std::vector<std::string> parts;
  for (const Anomaly& anomaly : kAnomalies) {
    const uint64_t n = anomaly.count(quality).value_or(0);
    if (anomaly.severity != AnomalySeverity::kNormal || anomaly.many.empty() || n == 0) continue;
    parts.push_back(fmt::format("{} {}", CountText(n), n == 1 ? anomaly.one : anomaly.many));
  }
  return parts.empty() ? "" : fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

namespace {

// Which CPUs' events end first, of a recording that lacks the last ones.
std::string EndsByCpu(const Report& report) {
  constexpr size_t kMost = 4;
  std::vector<std::pair<Timestamp, size_t>> ends;
  for (size_t cpu = 0; cpu < report.read.end_by_cpu.size(); ++cpu) {
    ends.emplace_back(report.read.end_by_cpu[cpu], cpu);
  }
  std::sort(ends.begin(), ends.end());
  std::vector<std::string> parts;
  for (const auto& [end, cpu] : ends) {
    if (parts.size() == kMost) break;
    const std::optional<Nanos> offset = Between(report.read.begin, end);
    parts.push_back(offset ? fmt::format("CPU {} ends at +{:.6f} s", cpu,
                                         std::chrono::duration<double>(*offset).count())
                           : fmt::format("CPU {} has no events", cpu));
  }
  if (ends.size() > kMost) {
    parts.push_back(CountOf(ends.size() - kMost, "CPU ends later", "CPUs end later"));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::vector<std::string> LossNotes(const Report& report) {
  std::vector<std::string> notes;
  const Quality& quality = report.quality;
  if (quality.lost_events != uint64_t{0} || quality.lost_gaps > 0) {
    const std::string lost = quality.lost_events ? CountOf(*quality.lost_events, "event")
                                                 : "an unknown number of events";
    std::string note = fmt::format("lost: {}", lost);
    // What damage hid has no marks of its own.
    if (quality.lost_gaps > 0) note += fmt::format(" in {}", CountOf(quality.lost_gaps, "gap"));
    if (quality.match.tainted > 0) {
      note += fmt::format("; {} that this may have cut {} in no percentile",
                          CountOf(quality.match.tainted, "item"),
                          quality.match.tainted == 1 ? "is" : "are");
    }
    notes.push_back(std::move(note));
  }
  if (quality.corrupt_pages > 0) {
    notes.push_back(
        fmt::format("damaged: {} of {} pages; what comes before the damage in each was used",
                    CountText(quality.corrupt_pages), CountText(report.read.pages)));
  }
  if (quality.truncated) {
    notes.push_back("truncated: the file ends before its data do; what is there was used");
  }
  if (quality.unfinished) {
    notes.push_back("unfinished: the recorder did not end this file; all whole pages were used");
  }
  if (quality.incomplete) {
    notes.push_back(
        "incomplete: recording ended by an error, and the last events are not in the "
        "file; " +
        EndsByCpu(report));
  }
  if (quality.missing_starts > 0) {
    notes.push_back(
        fmt::format("missing: the kernel counted {}, only {} are here, and nothing says why",
                    CountOf(*quality.counted_starts, "start"), CountText(quality.seen_starts)));
  }
  for (const std::string& what : report.source.disturbances) {
    notes.push_back(fmt::format(
        "disturbed: somebody else changed the trace instance: {}; events may be missing", what));
  }
  return notes;
}

namespace {

void AddMatchNotes(const Report& report, std::vector<std::string>& notes) {
  for (const Anomaly& anomaly : kAnomalies) {
    const uint64_t n = anomaly.count(report.quality).value_or(0);
    if (anomaly.label.empty() || n == 0) continue;
    std::string label(anomaly.label);
    if (label == "clock") label += fmt::format(" '{}'", Escaped(report.source.clock));
    std::string note =
        fmt::format("{}: {} {}", label, CountText(n), n == 1 ? anomaly.one : anomaly.many);
    if (label == "unpaired") {
      note += report.quality.match.unseen_switches > 0
                  ? "; a filter, or the kernel, left out events without counting them"
                  : ", which nothing explains";
    }
    notes.push_back(std::move(note));
  }
  if (const std::string left_out = LeftOut(report.quality); !left_out.empty()) {
    notes.push_back("in no percentile: " + left_out);
  }
  const Quality& quality = report.quality;
  if (quality.counted_starts && quality.missing_starts == 0) {
    notes.push_back(fmt::format("counted: the kernel counted {}, {} seen",
                                CountOf(*quality.counted_starts, "start"),
                                CountText(quality.seen_starts)));
  }
}

// Works that the kernel itself found to keep their CPU.
void AddHogNotes(const WorkqueueConfig& config, std::vector<std::string>& notes) {
  constexpr size_t kMost = 5;
  const std::string_view threshold = config.Parameter("cpu_intensive_thresh_us");
  size_t shown = 0;
  for (const WorkqueueSetup& workqueue : config.workqueues) {
    const uint64_t hogs = workqueue.Counted(WorkqueueCounter::kCpuIntensive).value_or(0);
    // It counts those of WQ_CPU_INTENSIVE as well, which are meant to.
    if (hogs == 0 || workqueue.Has("WQ_CPU_INTENSIVE") || ++shown > kMost) continue;
    notes.push_back(fmt::format(
        "hogs: works of {} kept their CPU {}{}, by the kernel's count", Escaped(workqueue.name),
        threshold.empty() ? "too long " : fmt::format("for {}us or more ", Escaped(threshold)),
        CountOf(hogs, "time")));
  }
}

// What the configuration says of the workqueues that are in the report.
void AddConfigNotes(const Report& report, std::vector<std::string>& notes) {
  constexpr size_t kMost = 5;
  const WorkqueueConfig& config = report.source.config;
  std::vector<std::string> doubles;
  for (const WorkqueueRow& row : report.workqueues) {
    if (doubles.size() < kMost && config.CountOf(row.workqueue) > 1)
      doubles.push_back(Escaped(row.workqueue));
  }
  if (!doubles.empty()) {
    notes.push_back(
        fmt::format("same name: several workqueues are called {}; each row is their sum",
                    fmt::join(doubles, ", ")));
  }
  size_t shown = 0;
  for (const WorkqueueSetup& workqueue : config.workqueues) {
    const uint64_t rescued = workqueue.Counted(WorkqueueCounter::kRescued).value_or(0);
    if (rescued == 0 || ++shown > kMost) continue;
    notes.push_back(fmt::format("rescued: the rescuer of {} started {}", Escaped(workqueue.name),
                                CountOf(rescued, "item")));
  }
  AddHogNotes(config, notes);
}

// What the events that were not recorded leave unknown, said once.
void AddRecordedNote(const Report& report, std::vector<std::string>& notes) {
  const WorkqueueEvents recorded = report.recorded;
  constexpr EventKind kQueue = EventKind::kQueueWork;
  if (recorded.Has(kQueue) && !report.read.seen_events.Has(kQueue)) {
    const bool timed = report.source.clock_is_ns && report.duration > Nanos(0);
    notes.push_back(timed ? "no work was queued in " + DurationText(report.duration)
                          : std::string("no work was queued"));
  }
  if (recorded == WorkqueueEvents::All()) return;
  if (recorded.empty()) {
    notes.push_back("no workqueue event was recorded: nothing is known of works");
    return;
  }
  std::vector<std::string> missing, unknown;
  for (const EventKind kind : kWorkqueueEventKinds) {
    if (!recorded.Has(kind)) missing.push_back(fmt::format("{}", WorkqueueEventName(kind)));
  }
  const auto rests_on = [&](WorkqueueEvents needed, std::string_view what) {
    if (!recorded.HasAll(needed)) unknown.emplace_back(what);
  };
  rests_on({EventKind::kQueueWork}, "who queued");
  rests_on({EventKind::kQueueWork, EventKind::kExecuteStart}, "latencies");
  rests_on({EventKind::kActivateWork, EventKind::kExecuteStart}, "stalls");
  rests_on({EventKind::kExecuteStart, EventKind::kExecuteEnd}, "executions");
  std::string note = fmt::format("not recorded: {}", fmt::join(missing, ", "));
  if (!unknown.empty()) note += fmt::format("; unknown: {}", fmt::join(unknown, ", "));
  notes.push_back(std::move(note));
}

void AddSourceNotes(const Report& report, std::vector<std::string>& notes) {
  const TraceInfo& source = report.source;
  if (!source.unnamed_functions.empty()) notes.push_back("no names: " + source.unnamed_functions);
  if (!source.clock_is_ns) {
    notes.push_back(fmt::format("clock '{}' does not count nanoseconds: there are no times",
                                Escaped(source.clock)));
  }
  AddRecordedNote(report, notes);
  for (const std::string& filter : report.filters) notes.push_back("only " + Escaped(filter));
}

}  // namespace

std::string HeaderLine(const Report& report, const TextStyle& style) {
  std::string out;
  size_t column = 0;
  for (const Part& part : HeaderParts(report, style)) {
    const size_t width = DisplayWidth(part.text);
    if (column > 0 && style.columns > 0 && column + 2 + width > style.columns) {
      out += "\n      ";
      column = 6;
    }
    if (column > 0) {
      out += "  ";
      column += 2;
    }
    out += part.worrying ? Warned(part.text, style) : Emphasized(part.text, style);
    column += width;
  }
  return out + "\n";
}

std::vector<std::string> QualityNotes(const Report& report) {
  std::vector<std::string> notes;
  AddSourceNotes(report, notes);
  for (std::string& note : LossNotes(report)) notes.push_back(std::move(note));
  AddMatchNotes(report, notes);
  AddConfigNotes(report, notes);
  AddFlushNotes(report.source.flushes.get(), notes);
  for (std::string& note : StackNotes(report.source.holder_stacks))
    notes.push_back(std::move(note));
  return notes;
}

std::string Heading(const Report& report, const TextStyle& style) {
  constexpr size_t kIndent = 2, kFurther = 4;
  std::string out = HeaderLine(report, style);
  for (const std::string& note : QualityNotes(report)) {
    out.append(kIndent, ' ');
    AppendWrapped(out, note, kFurther, style.columns);
  }
  return out;
}

namespace {

// "    because  ...": a part of a finding, wrapped below itself.
void AppendPart(std::string& out, std::string_view label, std::string_view text,
                const TextStyle& style) {
  constexpr size_t kIndent = 4, kLabel = 9;
  if (text.empty()) return;
  out += fmt::format("{:{}}{:{}}", "", kIndent, label, kLabel);
  AppendWrapped(out, Escaped(text, !style.utf8), kIndent + kLabel, style.columns);
}

void AppendFinding(std::string& out, const Finding& finding, const FindingWords& words,
                   const TextStyle& style) {
  const std::string number = fmt::format(" {}. ", finding.id);
  std::string text;
  AppendWrapped(text, Escaped(words.text, !style.utf8), number.size(), style.columns);
  text.pop_back();
  const std::string line = number + text;
  out += finding.severity == Severity::kHigh ? Alarmed(line, style) : Emphasized(line, style);
  out += '\n';
  AppendPart(out, "because", words.because, style);
  AppendPart(out, "delayed", words.delayed, style);
  for (const std::string& stack : words.stacks) {
    AppendPart(out, "stack", "taken while it went on: " + stack, style);
  }
  for (size_t i = 0; i < words.tries.size(); ++i) {
    AppendPart(out, i == 0 ? "try" : "or", words.tries[i], style);
  }
  // Not wrapped: a command is there to be copied.
  if (!words.next.empty()) {
    out += fmt::format("    {:9}{}\n", "more", Escaped(words.next, !style.utf8));
  }
}

}  // namespace

std::string NothingText(const Report& report) {
  const LongWaits& waits = report.long_waits;
  std::string out;
  if (waits.items == 0) {
    out = "nothing waited 1ms or more";
  } else {
    out = fmt::format("nothing; {} waited 1ms or more, the longest {} ({}{})",
                      CountOf(waits.items, "item"), DurationText(waits.worst),
                      waits.function.empty() ? "a function unknown" : waits.function,
                      waits.workqueue.empty() ? "" : fmt::format(" [{}]", waits.workqueue));
  }
  return fmt::format("{}. Looked for: {}.", out, LookedFor(report));
}

void AppendFindings(std::string& out, const Report& report, size_t most, const Invocation& by,
                    const TextStyle& style) {
  if (report.findings.empty()) {
    // Where no latency is known, nothing can be said of waits.
    if (!report.source.clock_is_ns || !report.source.has_queue || report.recorded.empty()) return;
    const std::string label = "What stands out: ";
    out += Emphasized(label, style);
    AppendWrapped(out, Escaped(NothingText(report), !style.utf8), 2, style.columns);
    return;
  }
  out += Emphasized("What stands out", style) + "\n";
  for (const Finding& finding : report.findings) {
    if (finding.id > most) break;
    AppendFinding(out, finding, WordsOf(finding, report, by), style);
  }
  if (report.findings.size() > most) {
    out += fmt::format(" {} more, none worse: --format json shows all.\n",
                       CountText(report.findings.size() - most));
  }
}

}  // namespace wqprof
