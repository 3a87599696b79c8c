// SPDX-License-Identifier: Apache-2.0
#include "wqprof/event_spool.h"

#include <fmt/format.h>

#include <algorithm>

namespace wqprof {
namespace {

constexpr size_t kBuffersBytes = 16 << 20;
constexpr size_t kMostRuns = 4096;
constexpr size_t kMostBufferEvents = 16 << 10;

}  // namespace

absl::StatusOr<std::unique_ptr<EventSpool>> EventSpool::Create(std::string what) {
  auto file = TemporaryFile::Create(what);
  if (!file.ok()) return file.status();
  return std::unique_ptr<EventSpool>(new EventSpool(*std::move(file), std::move(what)));
}

absl::Status EventSpool::Add(std::span<const Event> run) {
  if (run.empty()) return absl::OkStatus();
  const bool goes_on = !runs_.empty() && run.front().cpu == last_cpu_ && run.front().at >= last_at_;
  if (!goes_on && runs_.size() == kMostRuns) {
    return absl::ResourceExhaustedError(
        fmt::format("cannot sort {}: the stamps go back too often\nread a shorter part of it, or "
                    "sort it by time first",
                    what_));
  }
  if (!goes_on) runs_.push_back({written_, 0, {}, 0});
  return Append(run);
}

absl::Status EventSpool::Append(std::span<const Event> events) {
  if (events.empty()) return absl::OkStatus();
  if (absl::Status s = file_->Append(std::as_bytes(events)); !s.ok()) return s;
  runs_.back().left += events.size();
  written_ += events.size();
  last_cpu_ = events.back().cpu;
  last_at_ = events.back().at;
  return absl::OkStatus();
}

bool EventSpool::After(size_t a, size_t b) const {
  const Event& x = runs_[a].events[runs_[a].at];
  const Event& y = runs_[b].events[runs_[b].at];
  if (x.at != y.at) return x.at > y.at;
  if (x.kind != y.kind) return x.kind > y.kind;
  return a > b;
}

void EventSpool::BeginMerge() {
  buffer_events_ = std::clamp<size_t>(
      kBuffersBytes / sizeof(Event) / std::max<size_t>(runs_.size(), 1), 64, kMostBufferEvents);
}

absl::Status EventSpool::Refill(Run& run) {
  run.events.resize(std::min<uint64_t>(buffer_events_, run.left));
  run.at = 0;
  const auto bytes = std::as_writable_bytes(std::span(run.events));
  if (absl::Status s = file_->ReadAt(run.offset * sizeof(Event), bytes); !s.ok()) return s;
  run.offset += run.events.size();
  run.left -= run.events.size();
  return absl::OkStatus();
}

absl::Status EventSpool::Merge(EventBatch& out, size_t most) {
  const auto after = [this](size_t a, size_t b) { return After(a, b); };
  if (heap_.empty() && written_ > 0) {
    for (size_t i = 0; i < runs_.size(); ++i) {
      if (absl::Status s = Refill(runs_[i]); !s.ok()) return s;
      heap_.push_back(i);
    }
    std::make_heap(heap_.begin(), heap_.end(), after);
    written_ = 0;
  }
  while (!heap_.empty() && out.size() < most) {
    std::pop_heap(heap_.begin(), heap_.end(), after);
    Run& run = runs_[heap_.back()];
    out.push_back(run.events[run.at++]);
    if (run.at == run.events.size()) {
      if (run.left == 0) {
        heap_.pop_back();
        run.events = {};
        continue;
      }
      if (absl::Status s = Refill(run); !s.ok()) return s;
    }
    std::push_heap(heap_.begin(), heap_.end(), after);
  }
  return absl::OkStatus();
}

}  // namespace wqprof
