// SPDX-License-Identifier: Apache-2.0
// What `info` shows of a file.
#include <map>
#include <utility>

#include "render/config_tables.h"
#include "render/holder_text.h"
#include "wqprof/columns.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

// A trace's facts, and what was seen when it was read.
struct Facts {
  const TraceInfo& info;
  const ReadStats& stats;
};

// Facts for programs and people; those without a heading for programs only.
ColumnOf<Facts> Fact(std::string key, std::string heading, auto cell) {
  const Audience audience = heading.empty() ? kJson : Audience(kText | kJson);
  return {{std::move(key), std::move(heading), audience}, std::move(cell)};
}

// The same in other words for people.
ColumnOf<Facts> TextFact(std::string heading, auto cell) {
  return {{"", std::move(heading), kText}, std::move(cell)};
}

template <class T>
std::optional<Id> IfPositive(T number) {
  return number > 0 ? std::optional(Id{static_cast<int64_t>(number)}) : std::nullopt;
}

std::string BufferName(const std::string& instance) {
  return instance.empty() ? "top level" : "instance " + instance;
}

std::vector<std::string> BufferNames(const std::vector<std::string>& instances) {
  std::vector<std::string> names;
  for (const std::string& instance : instances) names.push_back(BufferName(instance));
  return names;
}

Table FileTable(const Facts& facts) {
  Columns<Facts> columns = {
      Fact("path", "File", [](const Facts& f) { return f.info.path; }),
      Fact("format", "Format", [](const Facts& f) { return Word{f.info.format}; }),
      Fact("version", "", [](const Facts& f) { return IfPositive(f.info.version); }),
      Fact("compression", "Compression", [](const Facts& f) { return Word{f.info.compression}; }),
      Fact("data_bytes", "Event data, bytes", [](const Facts& f) { return f.info.data_bytes; }),
      Fact("page_size", "Sub-buffer, bytes",
           [](const Facts& f) {
             return f.info.page_size > 0 ? std::optional(uint64_t{f.info.page_size}) : std::nullopt;
           }),
      Fact("pages", "Pages", [](const Facts& f) { return f.stats.pages; }),
      Fact("instance", "", [](const Facts& f) { return f.info.instance; }),
      Fact("instances", "", [](const Facts& f) { return f.info.instances; }),
      TextFact("Buffer read", [](const Facts& f) { return BufferName(f.info.instance); }),
      TextFact("Buffers", [](const Facts& f) { return BufferNames(f.info.instances); }),
      Fact("big_endian", "", [](const Facts& f) { return f.info.big_endian; }),
      Fact("long_size", "Kernel's long, bytes",
           [](const Facts& f) { return Id{f.info.long_size}; }),
      Fact("hashed_addresses", "Addresses hashed",
           [](const Facts& f) { return f.info.hashed_addresses; }),
      Fact("corrupt_pages", "Damaged pages", [](const Facts& f) { return f.stats.corrupt_pages; }),
      Fact("truncated", "Truncated", [](const Facts& f) { return f.stats.truncated; }),
      Fact("unfinished", "Unfinished", [](const Facts& f) { return f.info.unfinished; }),
      Fact("incomplete", "", [](const Facts& f) { return f.info.incomplete; }),
  };
  if (facts.info.incomplete) {
    columns.push_back(TextFact("Incomplete", [](const Facts& f) { return f.info.incomplete; }));
  }
  return MakeRecord("file", columns, facts);
}

std::optional<Nanos> DurationOf(const Facts& f) {
  return f.info.clock_is_ns ? Between(f.stats.begin, f.stats.end) : std::nullopt;
}

Table TraceTable(const Facts& facts) {
  Columns<Facts> columns = {
      Fact("machine", "Host", [](const Facts& f) { return Word{f.info.machine}; }),
      Fact("kernel", "Kernel", [](const Facts& f) { return Word{f.info.kernel}; }),
      Fact("uname", "", [](const Facts& f) { return Word{f.info.uname}; }),
      Fact("arch", "", [](const Facts& f) { return Word{f.info.arch}; }),
      Fact("boot_id", "", [](const Facts& f) { return Word{f.info.boot_id}; }),
      Fact("wall_begin", "", [](const Facts& f) { return Word{f.info.wall_begin}; }),
      Fact("cpus", "CPUs", [](const Facts& f) { return IfPositive(f.info.cpus); }),
      Fact("clock", "Clock", [](const Facts& f) { return Word{f.info.clock}; }),
      Fact("clock_is_ns", "Clock in ns", [](const Facts& f) { return f.info.clock_is_ns; }),
      Fact("clock_error_ns", "", [](const Facts& f) { return f.info.clock_error; }),
      Fact("clock_line_error_ns", "", [](const Facts& f) { return f.info.clock_line_error; }),
      Fact("begin_ns", "First event", [](const Facts& f) { return Timed(f.info, f.stats.begin); }),
      Fact("end_ns", "Last event", [](const Facts& f) { return Timed(f.info, f.stats.end); }),
      Fact("duration_ns", "Duration", DurationOf),
      Fact("events", "Events", [](const Facts& f) { return f.stats.events; }),
      // A mark without a number makes the sum unknown, which is not "-".
      Fact("lost_events", "", [](const Facts& f) { return f.stats.lost_events; }),
      TextFact("Lost",
               [](const Facts& f) {
                 return f.stats.lost_events ? Cell(*f.stats.lost_events)
                                            : Cell(std::string("an unknown number"));
               }),
      Fact("lost_gaps", "Gaps", [](const Facts& f) { return f.stats.lost_gaps; }),
      Fact("time_reversals", "Stamps going back",
           [](const Facts& f) { return f.stats.time_reversals; }),
      Fact("has_sched", "Scheduler events", [](const Facts& f) { return f.info.has_sched; }),
      Fact("has_timers", "Timer events", [](const Facts& f) { return f.info.has_timers; }),
      Fact("queue_stacks", "", [](const Facts& f) { return f.stats.queue_stacks; }),
      Fact("has_queue", "", [](const Facts& f) { return f.info.has_queue; }),
      Fact("has_activate", "", [](const Facts& f) { return f.info.has_activate; }),
  };
  // For people only where it is known.
  if (facts.info.clock_error) {
    columns.push_back(
        TextFact("Clock off by at most", [](const Facts& f) { return f.info.clock_error; }));
    columns.push_back(
        TextFact("... for trace-cmd", [](const Facts& f) { return f.info.clock_line_error; }));
  }
  if (!facts.info.config.empty()) {
    columns.push_back(TextFact("Workqueues, pools", [](const Facts& f) {
      return fmt::format("{}, {} (info --workqueues shows them)", f.info.config.workqueues.size(),
                         f.info.config.pools.size());
    }));
  }
  if (facts.stats.queue_stacks > 0) {
    columns.push_back(
        TextFact("Kernel stacks", [](const Facts& f) { return f.stats.queue_stacks; }));
  }
  if (!facts.info.wall_begin.empty()) {
    columns.push_back(
        TextFact("First event, UTC", [](const Facts& f) { return f.info.wall_begin; }));
    columns.push_back(TextFact("Boot", [](const Facts& f) { return f.info.boot_id; }));
  }
  return MakeRecord("trace", columns, facts);
}

// All events that the file has a format for, also those that never happened.
Table EventTable(const TraceInfo& info, const ReadStats& stats) {
  std::map<std::string, uint64_t> counts;
  for (const std::string& name : info.events) counts[name] = 0;
  for (const auto& [name, count] : stats.events_by_name) counts[name] += count;
  using Row = std::pair<const std::string, uint64_t>;
  const Columns<Row> columns = {
      {{"event", "EVENT"}, [](const Row& row) { return row.first; }},
      {{"count", "COUNT"}, [](const Row& row) { return row.second; }},
  };
  return MakeTable({.key = "events", .title = "Events"}, columns, counts);
}

Table CpuTable(const TraceInfo& info, const ReadStats& stats) {
  // What was read of a CPU, and what the recorder noted of it.
  struct Row {
    uint64_t events = 0;
    CpuStats noted;
  };
  std::map<int, Row> cpus;
  for (size_t i = 0; i < stats.events_by_cpu.size(); ++i) {
    cpus[static_cast<int>(i)].events = stats.events_by_cpu[i];
  }
  for (const CpuStats& cpu : info.cpu_stats) cpus[ToInt(cpu.cpu)].noted = cpu;
  using Entry = std::pair<const int, Row>;
  const auto noted = [](std::optional<uint64_t> CpuStats::*field) {
    return [field](const Entry& entry) { return entry.second.noted.*field; };
  };
  const Columns<Entry> columns = {
      {{"cpu", "CPU"}, [](const Entry& entry) { return Id{entry.first}; }},
      {{"events", "EVENTS"}, [](const Entry& entry) { return entry.second.events; }},
      {{"overrun", "OVERRUN"}, noted(&CpuStats::overrun)},
      {{"commit_overrun", "COMMIT OVERRUN"}, noted(&CpuStats::commit_overrun)},
      {{"dropped_events", "DROPPED"}, noted(&CpuStats::dropped_events)},
      {{"entries", "STILL IN BUFFER"}, noted(&CpuStats::entries)},
      {{"read_events", "READ"}, noted(&CpuStats::read_events)},
  };
  return MakeTable({.key = "cpus", .title = "CPUs"}, columns, cpus);
}

// wqprof's own note in the file.
Table SettingTable(const TraceInfo& info) {
  const Columns<Settings::Entry> columns = {
      {{"key", "SETTING"}, [](const Settings::Entry& entry) { return entry.key; }},
      {{"value", "VALUE"}, [](const Settings::Entry& entry) { return entry.value; }},
  };
  return MakeTable({.key = "settings", .title = "Settings of wqprof record"}, columns,
                   info.settings.entries());
}

// Where the configuration of workqueues comes from.
Table ConfigTable(const WorkqueueConfig& config) {
  const Columns<WorkqueueConfig> columns = {
      {{"source", "", kJson, 0, 0, "bpf: all of it; sysfs: what is shown there and in /proc."},
       [](const WorkqueueConfig& c) { return Word{c.source}; }},
      {{"limited_by", "", kJson, 0, 0, "Why it is not all of it."},
       [](const WorkqueueConfig& c) { return Word{c.limited_by}; }},
      {{"cut", "", kJson, 0, 0, "There were more than could be read."},
       [](const WorkqueueConfig& c) { return c.cut; }},
  };
  return MakeRecord("configuration", columns, config);
}

Table ParameterTable(const WorkqueueConfig& config) {
  using Row = std::pair<std::string, std::string>;
  const Columns<Row> columns = {
      {{"key", "PARAMETER"}, [](const Row& row) { return row.first; }},
      {{"value", "VALUE"}, [](const Row& row) { return row.second; }},
  };
  return MakeTable({.key = "parameters", .title = "Parameters of workqueues"}, columns,
                   config.parameters);
}

}  // namespace

std::vector<Table> InfoTables(const TraceInfo& info, const ReadStats& stats) {
  const Facts facts{info, stats};
  return {FileTable(facts),
          TraceTable(facts),
          EventTable(info, stats),
          CpuTable(info, stats),
          SettingTable(info),
          ConfigTable(info.config),
          WorkqueueConfigTable(info.config),
          PoolConfigTable(info.config),
          ParameterTable(info.config),
          HolderStackTable(info.holder_stacks.all())};
}

}  // namespace wqprof
