// SPDX-License-Identifier: Apache-2.0
#include "text/event_sorter.h"

#include <algorithm>
#include <utility>

namespace wqprof {
namespace {

constexpr size_t kWindowEvents = 16 << 10;
constexpr size_t kKeptEvents = 4 << 10;  // of a window, for those that come later
// A text CPU by CPU has few blocks; more are one run.
constexpr size_t kMostRunsOfAWindow = 64;

bool IsEarlier(const Event& a, const Event& b) { return a.at < b.at; }

}  // namespace

void EventSorter::NoteBlock(const Event& first) {
  last_cpu_ = first.cpu;
  if (blocks_.size() < kMostBlocks) blocks_.push_back(window_.size() - 1);
  const auto i = static_cast<size_t>(ToInt(first.cpu) + 1);
  if (i >= block_cpus_.size()) block_cpus_.resize(i + 1);
  cpus_return_ |= block_cpus_[i];
  block_cpus_[i] = true;
}

// Whether each CPU has one block of lines, and one of them goes back in time.
bool EventSorter::IsByCpu() const { return !cpus_return_ && !in_order_ && blocks_.size() > 1; }

void EventSorter::SortWindow() {
  if (in_order_) return;
  if (IsByCpu()) {
    MergeBlocks();
  } else {
    std::stable_sort(window_.begin(), window_.end(), IsEarlier);
  }
}

// Of several CPUs at one time, a work is queued before it is activated before it starts.
void EventSorter::MergeBlocks() {
  EventBatch merged;
  merged.reserve(window_.size());
  std::vector<std::pair<size_t, size_t>> runs;  // what is left of each
  for (size_t i = 0; i < blocks_.size(); ++i) {
    runs.emplace_back(blocks_[i], i + 1 < blocks_.size() ? blocks_[i + 1] : window_.size());
  }
  const auto after = [&](const auto& a, const auto& b) {
    const Event& x = window_[a.first];
    const Event& y = window_[b.first];
    if (x.at != y.at) return x.at > y.at;
    if (x.kind != y.kind) return x.kind > y.kind;
    return a.second > b.second;
  };
  std::make_heap(runs.begin(), runs.end(), after);
  while (!runs.empty()) {
    std::pop_heap(runs.begin(), runs.end(), after);
    merged.push_back(window_[runs.back().first++]);
    if (runs.back().first == runs.back().second) {
      runs.pop_back();
    } else {
      std::push_heap(runs.begin(), runs.end(), after);
    }
  }
  window_ = std::move(merged);
}

absl::Status EventSorter::Spool() {
  if (!spool_) {
    auto made = EventSpool::Create("the events of a text that is not in order of time");
    if (!made.ok()) return made.status();
    spool_ = *std::move(made);
  }
  const std::span<const Event> window(window_);
  if (blocks_.size() <= kMostRunsOfAWindow) {
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const size_t end = i + 1 < blocks_.size() ? blocks_[i + 1] : window.size();
      if (absl::Status s = spool_->Add(window.subspan(blocks_[i], end - blocks_[i])); !s.ok()) {
        return s;
      }
    }
  } else {
    std::stable_sort(window_.begin(), window_.end(), IsEarlier);
    if (absl::Status s = spool_->Add(window_); !s.ok()) return s;
  }
  window_.clear();
  blocks_.clear();
  return absl::OkStatus();
}

absl::Status EventSorter::Flush(bool one_cpu) {
  if (mode_ == Mode::kHead) {
    const bool of_one_cpu = blocks_.size() == 1 && !one_cpu;
    mode_ = of_one_cpu || IsByCpu() ? Mode::kSpools : Mode::kStreams;
    if (mode_ == Mode::kStreams) limit_ = kWindowEvents;
  }
  if (mode_ == Mode::kSpools) return Spool();
  SortWindow();
  const size_t ready = window_.size() - std::min(window_.size(), kKeptEvents);
  const auto end = window_.begin() + static_cast<std::ptrdiff_t>(ready);
  out_.assign(window_.begin(), end);
  window_.erase(window_.begin(), end);
  if (window_.capacity() > 2 * limit_) {
    EventBatch smaller;
    smaller.reserve(2 * limit_);
    smaller.assign(window_.begin(), window_.end());
    window_ = std::move(smaller);
  }
  if (!out_.empty()) emitted_until_ = out_.back().at;
  in_order_ = true;
  last_at_ = window_.empty() ? kUnseen : window_.back().at;
  blocks_.clear();
  cpus_return_ = true;  // it is no text CPU by CPU
  taken_ = out_.empty();
  return absl::OkStatus();
}

absl::Status EventSorter::Finish() {
  if (mode_ == Mode::kSpools) {
    if (absl::Status s = Spool(); !s.ok()) return s;
    spool_->BeginMerge();
    merges_ = true;
    return absl::OkStatus();
  }
  SortWindow();
  out_ = std::exchange(window_, {});
  taken_ = out_.empty();
  return absl::OkStatus();
}

absl::StatusOr<std::span<const Event>> EventSorter::Take() {
  if (merges_) {
    out_.clear();
    if (absl::Status s = spool_->Merge(out_, kWindowEvents); !s.ok()) return s;
    return std::span<const Event>(out_);
  }
  if (std::exchange(taken_, true)) return std::span<const Event>();
  return std::span<const Event>(out_);
}

}  // namespace wqprof
