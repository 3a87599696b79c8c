// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RAW_RECORDS_H_
#define WQPROF_RAW_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "wqprof/event_source.h"
#include "wqprof/name_table.h"

namespace wqprof {

// Records of the kernel's events that somebody took out of a ring buffer, as perf does: which event
// a record is of, and what it holds.  Reads only within the record whatever it holds.
class RawRecords {
 public:
  // `texts` are what perf copies out of tracefs: the head of a trace.dat v6.  Numbers are in the
  // byte order of x86.  `path` is for messages.
  // kDataLoss: they make no sense, or have no workqueue event.
  static absl::StatusOr<std::unique_ptr<RawRecords>> Create(std::string_view texts,
                                                            const std::string& path,
                                                            NameTable& names);
  ~RawRecords();

  // Both before the first record.  The kernel's symbols, in the layout of /proc/kallsyms; without
  // them functions are addresses.
  void SetSymbols(std::string kallsyms);
  // How many CPUs the traced machine may have.
  void SetCpus(int cpus);
  // The texts themselves brought symbols.
  bool has_symbols() const;

  // Notes in `info` which events there are formats of.
  void Describe(TraceInfo& info) const;
  // What the events with this id are, where they are of use.
  std::optional<EventKind> KindOf(uint64_t id) const;
  // The last name that the texts know of a task.
  NameId CommOf(Pid pid) const;

  enum class Taken : uint8_t { kEvent, kOther, kUnreadable };
  // Makes an event of a record, but for the fields `at` and `cpu`; kOther: one of no use.
  Taken Take(std::span<const std::byte> record, Event& event);
  // Adds what was taken so far to `stats`, by event.
  void Count(ReadStats& stats) const;

 private:
  struct State;
  explicit RawRecords(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_RAW_RECORDS_H_
