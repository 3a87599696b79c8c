// SPDX-License-Identifier: Apache-2.0
#include "klog/dump.h"

#include "klog/work_list.h"

namespace wqprof::klog {

void DumpReader::Begin(std::optional<Nanos> at, bool freezable_only) {
  dump_ = {};
  dump_.at = at;
  dump_.freezable_only = freezable_only;
  open_ = true;
  in_pwq_ = false;
  pwqs_ = 0;
  traced_pool_.reset();
}

Dump DumpReader::Take() {
  open_ = false;
  return std::exchange(dump_, {});
}

void DumpReader::SetWorkqueue(std::string name, std::optional<uint32_t> flags) {
  in_pwq_ = false;
  if (dump_.workqueues.size() == kMaxPwqs) return;
  dump_.workqueues.push_back({std::move(name), flags, {}});
}

DumpReader::Line DumpReader::AddPwq(std::string_view text, std::optional<Nanos> at) {
  LoggedPwq pwq;
  switch (ReadPwq(text, pwq)) {
    case Reading::kOther:
      return Line::kOther;
    case Reading::kCut:
      in_pwq_ = false;
      return Line::kUnread;
    case Reading::kRead:
      break;
  }
  pwq.at = at;
  if (!open_) Begin(at, false);
  in_pwq_ = pwqs_ < kMaxPwqs;
  if (!in_pwq_) return Line::kCut;
  ++pwqs_;
  if (dump_.workqueues.empty()) dump_.workqueues.emplace_back();  // its line was lost
  dump_.workqueues.back().pwqs.push_back(std::move(pwq));
  return Line::kTaken;
}

DumpReader::Line DumpReader::AddPool(std::string_view text, std::optional<Nanos> at) {
  if (const auto id = ReadPoolHeading(text)) {
    if (dump_.backtraces == Dump::Backtraces::kNone) return Line::kOther;
    traced_pool_ = id;
    return Line::kTaken;
  }
  LoggedPoolState pool;
  const Reading reading = ReadPool(text, pool);
  if (reading == Reading::kOther) return Line::kOther;
  in_pwq_ = false;
  if (reading == Reading::kCut) return Line::kUnread;
  if (!open_) Begin(at, false);
  pool.at = at;
  if (dump_.pools.size() == kMaxPwqs) return Line::kCut;
  dump_.pools.push_back(std::move(pool));
  return Line::kTaken;
}

DumpReader::Line DumpReader::Add(std::string_view text, std::optional<Nanos> at) {
  const std::string_view line = Trimmed(text);
  if (line.empty()) return Line::kOther;
  if (open_ && line.starts_with("Showing backtraces of ")) {
    const bool running = line.find("of running workers") != std::string_view::npos;
    dump_.backtraces = running ? Dump::Backtraces::kRunning : Dump::Backtraces::kBusy;
    in_pwq_ = false;
    return Line::kTaken;
  }
  if (line.starts_with("pwq ")) return AddPwq(text, at);
  if (line.starts_with("pool ")) return AddPool(text, at);
  if (line.starts_with("workqueue ")) {
    std::string name;
    uint32_t flags = 0;
    const Reading reading = ReadWorkqueue(text, name, flags);
    if (reading == Reading::kOther) return Line::kOther;
    if (!open_) Begin(at, false);
    SetWorkqueue(std::move(name), reading == Reading::kRead ? std::optional(flags) : std::nullopt);
    return reading == Reading::kRead ? Line::kTaken : Line::kUnread;
  }
  if (!open_ || !in_pwq_) return Line::kOther;
  const std::optional<ListHead> list = ReadListHead(text);
  if (!list) return Line::kOther;
  Dump::Workqueue& workqueue = dump_.workqueues.back();
  return ReadList(*list, workqueue.name, text.size(), workqueue.pwqs.back()) ? Line::kTaken
                                                                             : Line::kCut;
}

void DumpReader::AddTrace(int32_t pid) {
  if (!open_ || !traced_pool_ || dump_.traced.size() == kMaxPwqs) return;
  dump_.traced.emplace_back(*traced_pool_, pid);
}

}  // namespace wqprof::klog
