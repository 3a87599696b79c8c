// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PFTRACE_TRACE_READER_H_
#define WQPROF_PFTRACE_TRACE_READER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "pftrace/compact_sched.h"
#include "pftrace/ftrace_event.h"
#include "pftrace/packet_stream.h"
#include "pftrace/short_names.h"
#include "pftrace/work_identity.h"
#include "wqprof/event_batch.h"
#include "wqprof/event_source.h"
#include "wqprof/round_sorter.h"
#include "wqprof/symbols.h"

namespace wqprof {

// Makes events of the packets of a Perfetto trace, and keeps what they say of the recording.
class TraceReader : public EventSource {
 public:
  TraceReader(std::string path, Symbols symbols, std::unique_ptr<ByteStream> bytes);

  // Reads all of it.
  absl::Status Read();
  // The next run of events, in order of time.
  absl::StatusOr<std::span<const Event>> Next() override;

  const TraceInfo& info() const override { return info_; }
  const ReadStats& stats() const override { return stats_; }
  const NameTable& names() const override { return names_; }
  NameId CommOf(Pid pid) const override;

 private:
  // What packets of one writer have in common.
  struct Sequence {
    absl::flat_hash_map<uint64_t, NameId> symbols;  // by their number
    uint64_t generation = 0;                        // of the numbers of works
    int last_cpu = INT32_MAX;
    uint64_t drops = 0;  // times that packets are missing
  };
  // What is known of one CPU from its bundles so far.
  struct CpuState {
    uint64_t events = 0;
    bool seen = false;
    uint64_t end = 0;    // stamp of the last event
    uint64_t drops = 0;  // of the sequence, when its last bundle came
    CompactSched::Running running;
  };
  struct Packet;
  struct Bundle;

  void TakePacket(std::string_view bytes);
  void TakeInterned(std::string_view bytes, Sequence& sequence);
  void TakeBundle(std::string_view bytes, Sequence& sequence);
  void NoteGaps(const Bundle& bundle, Sequence& sequence, CpuState& state);
  void TakeEvent(std::string_view bytes, Cpu cpu, const Sequence& sequence, CpuState& state);
  bool Fill(const FtraceEvent& from, const Sequence& sequence, Event& to);
  void FillWork(const FtraceEvent& from, const Sequence& sequence, Event& to);
  void Add(const Event& event, std::string_view name, CpuState& state);
  void TakeTasks(std::string_view bytes);
  void TakeClocks(std::string_view bytes);
  void TakeSystem(std::string_view bytes);
  void NoteComm(Pid pid, NameId comm);
  NameId FunctionOf(uint64_t value, const Sequence& sequence);
  WorkAddr WorkOf(uint64_t value, const Sequence& sequence);
  CpuState* StateOf(uint64_t cpu);
  absl::Status Finish();
  void ResolveRun(std::span<const Event> run);

  std::string path_;
  Symbols symbols_;
  PacketStream in_;
  NameTable names_;
  ShortNames short_names_{names_};
  RoundSorter sorter_{"the events of a Perfetto trace"};
  WorkIdentity identity_;
  TraceInfo info_;
  ReadStats stats_;
  absl::flat_hash_map<uint32_t, Sequence> sequences_;
  size_t interned_ = 0;  // symbols of all sequences
  uint64_t generation_ = NumberedWork::kFirstGeneration;
  std::vector<std::unique_ptr<CpuState>> cpus_;
  absl::flat_hash_map<int32_t, NameId> comms_;         // by the kernel's own events
  absl::flat_hash_map<int32_t, NameId> listed_comms_;  // by /proc
  absl::flat_hash_map<uint64_t, NameId> addresses_;    // names of functions
  std::map<std::string, uint64_t, std::less<>> counts_;
  std::optional<uint32_t> clock_;
  std::map<uint64_t, Nanos> wall_offsets_;  // by Perfetto's number of a clock
  int known_cpus_ = 0;
  bool overwritten_ = false;  // something was recorded before the first packets
  bool seen_switch_ = false, seen_waking_ = false, seen_timers_ = false;
  bool unnamed_ = false;
  EventBatch out_;
  absl::Status failed_;  // of the temporary file
};

}  // namespace wqprof

#endif  // WQPROF_PFTRACE_TRACE_READER_H_
