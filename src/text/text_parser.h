// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_TEXT_PARSER_H_
#define WQPROF_TEXT_TEXT_PARSER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "text/event_head.h"
#include "text/event_names.h"
#include "text/event_payload.h"
#include "text/event_sorter.h"
#include "text/stack_lines.h"
#include "text/trace_marks.h"
#include "wqprof/log_line.h"
#include "wqprof/text.h"

namespace wqprof {

// Makes events of lines, one after the other, and keeps what the lines say about the trace.
class TextParser {
 public:
  TextParser(NameTable& names, const TextOptions& options);

  // A line, and what comes behind it in the text.
  void Add(std::string_view line, std::string_view ahead, EventSorter& out);
  // The last line, if no line end came behind it: it may be cut, and is taken if it can be whole.
  void AddUnended(std::string_view line, EventSorter& out);
  // The text cannot be read further.
  void NoteDamage() { stats_.truncated = true; }
  // No line comes any more.
  void Finish(EventSorter& out);

  // What is known so far.
  void Describe(TraceInfo& info) const;
  ReadStats Stats() const;
  TextFindings findings() const;
  NameId CommOf(Pid pid) const;
  // The latest of the CPUs' first events.
  Timestamp latest_first() const { return latest_first_; }
  Timestamp begin() const { return stats_.begin; }
  // The trace's own header says that nothing was overwritten.
  bool is_whole() const { return header_.written && header_.entries == header_.written; }
  bool one_cpu() const { return header_.cpus == 1; }

 private:
  // Of a CPU, or of all lines that name none.
  struct CpuState {
    bool seen = false;
    bool loss_open = false;
    uint64_t lost = 0;  // since its last event
    bool lost_known = false;
    int64_t raw = 0;  // its last stamp as printed
    Timestamp at = kUnseen;
    uint64_t events = 0;
  };
  // What stood before a task's id in its last line.
  struct CommEntry {
    int32_t pid = -1;
    uint8_t size = 0;
    std::array<char, 24> text{};
  };
  enum class Taken : uint8_t { kNo, kPartial, kYes };

  Taken TakeEvent(const EventHead& head, std::string_view ahead, EventSorter& out);
  void EndStack(EventSorter& out);
  PayloadResult ReadPayload(EventKind kind, const EventHead& head, Event& event);
  void TakeOther(std::string_view line, std::string_view ahead, EventSorter& out);
  void TakeLoss(const LossMark& mark, EventSorter& out);
  void LoseOn(CpuState& state, Cpu cpu, std::optional<uint64_t> count, EventSorter& out);
  void EndLoss(CpuState& state, const Event& event, EventSorter& out);
  void Hold(std::string_view line);
  bool Join(std::string_view line, std::string_view ahead, EventSorter& out);
  void DropHeld();
  void NoteUnread(std::string_view line);
  void NoteComm(Pid pid, NameId comm);
  void NoteCommOfLine(const EventHead& head);
  void NoteTasks(const Event& event);
  Timestamp TimeOf(const EventHead& head, CpuState& state);
  CpuState& StateOf(Cpu cpu);
  void CountEvent(const EventHead& head, CpuState& state, Timestamp at);

  NameTable& names_;
  const TextOptions options_;
  PayloadReader payloads_;
  StackLines stacks_;
  std::optional<Event> queued_;  // by the last line of a trace
  LogLineReader log_reader_;
  HeaderReader headers_;
  TraceHeader header_;
  TextFindings findings_;
  ReadStats stats_;
  TextLayout layout_ = TextLayout::kFtrace;
  StampForm form_ = StampForm::kNone;
  bool perf_ = false, ftrace_ = false;
  bool seen_switch_ = false, seen_waking_ = false, seen_timers_ = false;
  std::vector<CpuState> cpus_;
  int most_cpu_ = -1;
  Timestamp latest_first_ = kUnseen;
  uint64_t sequence_ = 0;  // stands for a stamp where there is none
  absl::flat_hash_map<int32_t, NameId> comms_;
  std::array<CommEntry, 1024> comm_cache_;
  // A line that goes on in the next one.
  std::string held_;
  int held_parts_ = 0;
  EventNames events_;
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_TEXT_PARSER_H_
