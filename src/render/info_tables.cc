// SPDX-License-Identifier: Apache-2.0
// What `info` shows of a file.
#include <map>
#include <utility>

#include "render/cells.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

// Collects the facts of a record: name in JSON, name in text, value.
class RecordBuilder {
 public:
  explicit RecordBuilder(std::string key) {
    table_.key = std::move(key);
    table_.record = true;
    table_.rows.emplace_back();
  }
  void Add(std::string key, std::string heading, Cell cell) {
    const Audience audience = heading.empty() ? kJson : Audience(kText | kJson);
    table_.columns.push_back({std::move(key), std::move(heading), audience});
    table_.rows.front().push_back(std::move(cell));
  }
  // A fact that people want to read in other words than programs.
  void AddText(std::string heading, Cell cell) {
    table_.columns.push_back({"", std::move(heading), kText});
    table_.rows.front().push_back(std::move(cell));
  }
  Table Take() && { return std::move(table_); }

 private:
  Table table_;
};

std::string BufferName(const std::string& instance) {
  return instance.empty() ? "top level" : "instance " + instance;
}

std::vector<std::string> BufferNames(const std::vector<std::string>& instances) {
  std::vector<std::string> names;
  for (const std::string& instance : instances) names.push_back(BufferName(instance));
  return names;
}

Table FileTable(const TraceInfo& info, const ReadStats& stats) {
  RecordBuilder file("file");
  file.Add("path", "File", info.path);
  file.Add("format", "Format", WordCell(info.format));
  file.Add("version", "", info.version > 0 ? Cell(Id{info.version}) : Cell());
  file.Add("compression", "Compression", WordCell(info.compression));
  file.Add("data_bytes", "Event data, bytes", info.data_bytes);
  file.Add("page_size", "Sub-buffer, bytes",
           info.page_size > 0 ? Cell(uint64_t{info.page_size}) : Cell());
  file.Add("pages", "Pages", stats.pages);
  file.Add("instance", "", info.instance);
  file.Add("instances", "", info.instances);
  file.AddText("Buffer read", BufferName(info.instance));
  file.AddText("Buffers", BufferNames(info.instances));
  file.Add("big_endian", "", info.big_endian);
  file.Add("long_size", "Kernel's long, bytes", Id{info.long_size});
  file.Add("hashed_addresses", "Addresses hashed", info.hashed_addresses);
  file.Add("corrupt_pages", "Damaged pages", stats.corrupt_pages);
  file.Add("truncated", "Truncated", stats.truncated);
  file.Add("unfinished", "Unfinished", info.unfinished);
  return std::move(file).Take();
}

Table TraceTable(const TraceInfo& info, const ReadStats& stats) {
  RecordBuilder trace("trace");
  std::optional<Nanos> duration = Between(stats.begin, stats.end);
  if (!info.clock_is_ns) duration.reset();
  trace.Add("machine", "Host", WordCell(info.machine));
  trace.Add("kernel", "Kernel", WordCell(info.kernel));
  trace.Add("uname", "", WordCell(info.uname));
  trace.Add("cpus", "CPUs", info.cpus > 0 ? Cell(Id{info.cpus}) : Cell());
  trace.Add("clock", "Clock", WordCell(info.clock));
  trace.Add("clock_is_ns", "Clock in ns", info.clock_is_ns);
  trace.Add("begin_ns", "First event", StampCell(info, stats.begin));
  trace.Add("end_ns", "Last event", StampCell(info, stats.end));
  trace.Add("duration_ns", "Duration", OptionalCell(duration));
  trace.Add("events", "Events", stats.events);
  // A mark without a number makes the sum unknown, which is not "-".
  trace.Add("lost_events", "", OptionalCell(stats.lost_events));
  trace.AddText("Lost", stats.lost_events ? Cell(*stats.lost_events)
                                          : Cell(std::string("an unknown number")));
  trace.Add("lost_gaps", "Gaps", stats.lost_gaps);
  trace.Add("time_reversals", "Stamps going back", stats.time_reversals);
  trace.Add("has_sched", "Scheduler events", info.has_sched);
  trace.Add("has_timers", "Timer events", info.has_timers);
  trace.Add("has_queue", "", info.has_queue);
  trace.Add("has_activate", "", info.has_activate);
  return std::move(trace).Take();
}

// All events that the file has a format for, also those that never happened.
Table EventTable(const TraceInfo& info, const ReadStats& stats) {
  std::map<std::string, uint64_t> counts;
  for (const std::string& name : info.events) counts[name] = 0;
  for (const auto& [name, count] : stats.events_by_name) counts[name] += count;
  Table table{.key = "events", .title = "Events"};
  table.columns = {{"event", "EVENT"}, {"count", "COUNT"}};
  for (const auto& [name, count] : counts) table.rows.push_back({name, count});
  return table;
}

Table CpuTable(const TraceInfo& info, const ReadStats& stats) {
  std::map<int, std::pair<uint64_t, CpuStats>> cpus;
  for (size_t i = 0; i < stats.events_by_cpu.size(); ++i) {
    cpus[static_cast<int>(i)].first = stats.events_by_cpu[i];
  }
  for (const CpuStats& cpu : info.cpu_stats) cpus[ToInt(cpu.cpu)].second = cpu;
  Table table{.key = "cpus", .title = "CPUs"};
  table.columns = {{"cpu", "CPU"},
                   {"events", "EVENTS"},
                   {"overrun", "OVERRUN"},
                   {"commit_overrun", "COMMIT OVERRUN"},
                   {"dropped_events", "DROPPED"},
                   {"entries", "STILL IN BUFFER"},
                   {"read_events", "READ"}};
  for (const auto& [cpu, row] : cpus) {
    const CpuStats& kept = row.second;
    table.rows.push_back({Id{cpu}, row.first, OptionalCell(kept.overrun),
                          OptionalCell(kept.commit_overrun), OptionalCell(kept.dropped_events),
                          OptionalCell(kept.entries), OptionalCell(kept.read_events)});
  }
  return table;
}

// wqprof's own note in the file: "key=value" lines.
Table SettingTable(const TraceInfo& info) {
  Table table{.key = "settings", .title = "Settings of wqprof record"};
  table.columns = {{"key", "SETTING"}, {"value", "VALUE"}};
  std::string_view rest = info.settings;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t equals = line.find('=');
    if (line.empty()) continue;
    const bool has_value = equals != std::string_view::npos;
    table.rows.push_back({std::string(line.substr(0, equals)),
                          has_value ? Cell(std::string(line.substr(equals + 1))) : Cell()});
  }
  return table;
}

}  // namespace

std::vector<Table> InfoTables(const TraceInfo& info, const ReadStats& stats) {
  return {FileTable(info, stats), TraceTable(info, stats), EventTable(info, stats),
          CpuTable(info, stats), SettingTable(info)};
}

}  // namespace wqprof
