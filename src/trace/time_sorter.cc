// SPDX-License-Identifier: Apache-2.0
#include "trace/time_sorter.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace wqprof {
namespace {

uint64_t Offset(Timestamp from, Timestamp at) {
  return static_cast<uint64_t>(at.time_since_epoch().count()) -
         static_cast<uint64_t>(from.time_since_epoch().count());
}

}  // namespace

void TimeSorter::Sort(std::span<const Event> in, Timestamp from, Timestamp last,
                      std::span<Event> out) {
  assert(from <= last && out.size() >= in.size());
  const int bits = static_cast<int>(std::bit_width(Offset(from, last)));
  const int shift = std::max(0, bits - kBucketBits);
  begins_.fill(0);
  for (const Event& e : in) ++begins_[(Offset(from, e.at) >> shift) + 1];
  uint32_t most = 0;
  for (size_t b = 1; b < begins_.size(); ++b) {
    most = std::max(most, begins_[b]);
    begins_[b] += begins_[b - 1];
  }
  for (const Event& e : in) out[begins_[Offset(from, e.at) >> shift]++] = e;
  if (most > kFew) {
    // By now each entry is where its bucket ends.
    for (size_t b = 0, begin = 0; b < begins_.size() - 1; begin = begins_[b++]) {
      if (begins_[b] - begin > kFew) MergeBucket(out.subspan(begin, begins_[b] - begin));
    }
  }

  bool ties = false;
  for (size_t i = 1; i < in.size(); ++i) {
    ties |= out[i].at == out[i - 1].at;
    if (out[i].at >= out[i - 1].at) [[likely]]
      continue;
    const Event e = out[i];
    size_t to_place = i;
    for (; to_place > 0 && out[to_place - 1].at > e.at; --to_place) {
      out[to_place] = out[to_place - 1];
    }
    out[to_place] = e;
    moves_ += i - to_place;
    ties |= to_place > 0 && out[to_place - 1].at == e.at;
  }
  if (!ties) return;
  for (size_t i = 0; i < in.size();) {
    size_t end = i + 1;
    bool mixed = false;
    for (; end < in.size() && out[end].at == out[i].at; ++end) mixed |= out[end].cpu != out[i].cpu;
    if (mixed) OrderTie(out.subspan(i, end - i));
    i = end;
  }
}

void TimeSorter::MergeBucket(std::span<Event> events) {
  const auto earlier = [](const Event& a, const Event& b) { return a.at < b.at; };
  run_ends_.clear();
  for (size_t i = 1; i < events.size(); ++i) {
    if (events[i].at < events[i - 1].at) run_ends_.push_back(i);
  }
  run_ends_.push_back(events.size());
  spare_.resize(std::max(spare_.size(), events.size()));
  Event *from = events.data(), *to = spare_.data();
  for (; run_ends_.size() > 1; std::swap(from, to)) {
    size_t begin = 0, runs = 0;
    for (size_t r = 0; r < run_ends_.size(); r += 2) {
      const size_t middle = run_ends_[r];
      const size_t end = r + 1 < run_ends_.size() ? run_ends_[r + 1] : middle;
      std::merge(from + begin, from + middle, from + middle, from + end, to + begin, earlier);
      run_ends_[runs++] = begin = end;
    }
    run_ends_.resize(runs);
    moves_ += events.size();
  }
  if (from != events.data()) std::copy(from, from + events.size(), events.data());
}

// What stands in it is still one CPU after another.
void TimeSorter::OrderTie(std::span<Event> tie) {
  tie_.assign(tie.begin(), tie.end());
  segments_.clear();
  for (const Event& e : tie_) {
    if (segments_.empty() || segments_.back().first->cpu != e.cpu) segments_.emplace_back(&e, &e);
    segments_.back().second = &e + 1;
  }
  for (Event& out : tie) {
    Segment* next = nullptr;
    for (Segment& s : segments_) {
      if (s.first != s.second && (next == nullptr || s.first->kind < next->first->kind)) next = &s;
    }
    out = *next->first++;
  }
}

}  // namespace wqprof
