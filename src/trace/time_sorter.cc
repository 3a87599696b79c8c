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

void TimeSorter::Sort(std::span<const Event> in, Timestamp from, Timestamp to,
                      std::span<Event> out) {
  assert(from < to && out.size() >= in.size());
  const int bits = static_cast<int>(std::bit_width(Offset(from, to) - 1));
  const int shift = std::max(0, bits - kBucketBits);
  begins_.fill(0);
  for (const Event& e : in) ++begins_[(Offset(from, e.at) >> shift) + 1];
  for (size_t b = 1; b < begins_.size(); ++b) begins_[b] += begins_[b - 1];
  for (const Event& e : in) out[begins_[Offset(from, e.at) >> shift]++] = e;

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
