// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PERF_PERF_READER_H_
#define WQPROF_PERF_PERF_READER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "perf/attr.h"
#include "perf/facts.h"
#include "perf/record_stream.h"
#include "wqprof/event_source.h"
#include "wqprof/perf_data.h"
#include "wqprof/raw_records.h"
#include "wqprof/round_sorter.h"

namespace wqprof {

// Makes events of the records of a perf.data, and keeps what they say of the recording.
class PerfReader : public EventSource {
 public:
  // What a header says before the first record; of a pipe nothing.
  PerfReader(std::string path, PerfFacts facts, PerfAttrs attrs, std::unique_ptr<RecordStream> in);

  // Reads up to the first record of an event: all that describes them stands before it.
  absl::Status ReadHead(const PerfSymbols& symbols);
  // Reads on until there are events to take, or none come any more.
  absl::StatusOr<std::span<const Event>> Next() override;

  const TraceInfo& info() const override { return info_; }
  const ReadStats& stats() const override { return stats_; }
  const NameTable& names() const override { return names_; }
  NameId CommOf(Pid pid) const override;

 private:
  // What a CPU's buffer lost, as it is counted in two ways.
  struct Losses {
    uint64_t recorded = 0;  // by records in their place
    uint64_t counted = 0;   // by the kernel, of all
  };

  // Takes what describes the recording; false: `record` is of another kind.
  absl::StatusOr<bool> TakeDescription(const PerfRecord& record);
  void TakeAttr(std::string_view body);
  void TakeIndex(std::string_view body);
  absl::Status MakeRecords(const PerfSymbols& symbols);
  absl::Status CheckAttrs() const;
  void Describe();

  absl::Status ReadRecord();
  absl::Status Take(const PerfRecord& record);
  void TakeSample(std::string_view body);
  void TakeComm(std::string_view body);
  void TakeLost(const PerfRecord& record);
  void Lose(Cpu cpu, std::optional<uint64_t> count);
  absl::Status End();
  void NoteFirst();
  Losses& LossesOf(Cpu cpu);

  std::string path_;
  PerfFacts facts_;
  PerfAttrs attrs_;
  std::unique_ptr<RecordStream> in_;
  NameTable names_;
  std::unique_ptr<RawRecords> records_;
  RoundSorter sorter_{"the events of a perf.data"};
  TraceInfo info_;
  ReadStats stats_;
  absl::flat_hash_map<int32_t, NameId> comms_;
  std::vector<Losses> losses_;        // by CPU, from Cpu::kNone on
  std::vector<uint64_t> cpu_events_;  // by CPU
  PerfRecord first_;                  // the first record of an event
  bool has_first_ = false;
  bool loses_next_ = false;  // events of the next sample's CPU were lost, so many:
  std::optional<uint64_t> next_lost_;
  uint64_t lost_ = 0;
  bool lost_known_ = true;
  bool ended_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_PERF_PERF_READER_H_
