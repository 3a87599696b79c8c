// SPDX-License-Identifier: Apache-2.0
#include "klog/work_list.h"

#include <algorithm>
#include <array>
#include <limits>

namespace wqprof::klog {
namespace {

constexpr std::string_view kBarrier = "wq_barrier_func";
// From here on a record may have been cut.
constexpr size_t kLongRecord = 940;
// Different works that are kept of one list.
constexpr size_t kMaxWorks = 512;

// One entry of a list.
struct Item {
  std::string function;
  std::optional<int32_t> worker_pid, barrier_of_pid;
  std::optional<uint64_t> seconds;
  uint64_t count = 1;
  bool worker = false;  // it executes; else it waits or is linked
  bool rescuer = false;
};

// "27(RESCUER):fn for 3s", "bh-hi:fn".
bool TakeWorker(Scan& scan, Item& item) {
  Scan ahead = scan;
  if (!ahead.Take("bh-hi:") && !ahead.Take("bh:")) {
    if (!ahead.TakeNumber(item.worker_pid)) return false;
    item.rescuer = ahead.Take("(RESCUER)");
    if (!ahead.Take(":")) return false;
  }
  if (!TakeFunction(ahead, item.function)) return false;
  Scan age = ahead;
  uint64_t seconds;
  if (age.Take(" for ") && age.TakeNumber(seconds) && age.Take("s")) {
    item.seconds = seconds;
    ahead = age;
  }
  item.worker = true;
  scan = ahead;
  return true;
}

// "BAR(901)", "9*psi_avgs_work", "psi_avgs_work".
bool TakeWork(Scan& scan, Item& item) {
  Scan ahead = scan;
  if (ahead.Take("BAR(")) {
    if (!ahead.TakeNumber(item.barrier_of_pid) || !ahead.Take(")")) return false;
    item.function = kBarrier;
    scan = ahead;
    return true;
  }
  Scan times = ahead;
  if (times.TakeNumber(item.count) && times.Take("*")) {
    ahead = times;
  } else {
    item.count = 1;
  }
  if (!TakeFunction(ahead, item.function)) return false;
  scan = ahead;
  return true;
}

uint64_t AddCounts(uint64_t a, uint64_t b) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  return std::min(kMost, std::min(kMost, a) + std::min(kMost, b));
}

bool AddWaiting(const Item& item, ListKind kind, std::string_view workqueue, LoggedPwq& pwq) {
  const bool inactive = kind == ListKind::kInactive;
  for (LoggedWaiting& known : pwq.waiting) {
    if (known.inactive == inactive && known.function == item.function &&
        known.barrier_of_pid == item.barrier_of_pid) {
      known.count = AddCounts(known.count, item.count);
      return true;
    }
  }
  if (pwq.waiting.size() == kMaxWorks) return false;
  pwq.waiting.push_back(
      {item.function, std::string(workqueue), item.count, inactive, item.barrier_of_pid});
  return true;
}

bool AddInFlight(const Item& item, std::string_view workqueue, LoggedPwq& pwq) {
  if (pwq.in_flight.size() == kMaxWorks) return false;
  LoggedExecution row;
  row.function = item.function;
  row.workqueue = workqueue;
  row.worker_pid = item.worker_pid;
  row.rescuer = item.rescuer;
  row.seconds = item.seconds;
  row.count = item.count;
  row.barrier_of_pid = item.barrier_of_pid;
  if (!item.worker) {  // linked: the worker before it runs it next
    if (pwq.in_flight.empty()) return false;
    row.linked = true;
    row.worker_pid = pwq.in_flight.back().worker_pid;
    row.rescuer = pwq.in_flight.back().rescuer;
  }
  pwq.in_flight.push_back(std::move(row));
  return true;
}

// Whether a name at the end of a long record is one that the list had before, and so whole.
bool IsKnown(const Item& item, const LoggedPwq& pwq) {
  const auto same = [&item](const auto& row) { return row.function == item.function; };
  return std::any_of(pwq.waiting.begin(), pwq.waiting.end(), same) ||
         std::any_of(pwq.in_flight.begin(), pwq.in_flight.end(), same);
}

}  // namespace

std::optional<ListHead> ReadListHead(std::string_view text) {
  struct Word {
    std::string_view text;
    ListKind kind;
  };
  constexpr std::array<Word, 4> kWords = {{{"in-flight:", ListKind::kInFlight},
                                           {"pending:", ListKind::kPending},
                                           {"inactive:", ListKind::kInactive},
                                           {"delayed:", ListKind::kInactive}}};
  const std::string_view line = Trimmed(text);
  for (const Word& word : kWords) {
    if (line.starts_with(word.text)) return ListHead{word.kind, line.substr(word.text.size())};
  }
  return std::nullopt;
}

bool ReadList(const ListHead& list, std::string_view workqueue, size_t record_length,
              LoggedPwq& pwq) {
  Scan scan(list.items);
  bool whole = true;
  while (true) {
    scan.TakeBlanks();
    const bool comma = scan.Take(",");
    scan.TakeBlanks();
    if (scan.empty()) return whole && !comma;
    Item item;
    const bool worker = list.kind == ListKind::kInFlight && TakeWorker(scan, item);
    if (!worker) {
      item = {};
      if (!TakeWork(scan, item)) return false;
    }
    if (scan.empty() && record_length >= kLongRecord && !IsKnown(item, pwq)) return false;
    whole &= list.kind == ListKind::kInFlight ? AddInFlight(item, workqueue, pwq)
                                              : AddWaiting(item, list.kind, workqueue, pwq);
  }
}

}  // namespace wqprof::klog
