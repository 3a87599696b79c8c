// SPDX-License-Identifier: Apache-2.0
#include "budget/block_series.h"

#include <algorithm>
#include <cassert>

namespace wqprof {

void BlockSeries::Block::Add(Nanos value, uint64_t times) {
  counts[value.count() == 0 ? kZeroBucket : Histogram::IndexOf(value.count())] += times;
  n += times;
  sum_ns += static_cast<double>(value.count()) * static_cast<double>(times);
}

void BlockSeries::Block::Merge(const Block& other) {
  for (const auto& [bucket, count] : other.counts) counts[bucket] += count;
  n += other.n;
  sum_ns += other.sum_ns;
}

BlockSeries::Block& BlockSeries::At(Nanos since_begin) {
  assert(since_begin >= Nanos(0));
  while (since_begin / width_ >= static_cast<Nanos::rep>(kMaxBlocks)) Halve();
  const auto index = static_cast<size_t>(since_begin / width_);
  auto at = blocks_.end();
  while (at != blocks_.begin() && (at - 1)->index >= index) --at;
  if (at != blocks_.end() && at->index == index) return *at;
  at = blocks_.insert(at, Block{});
  at->index = index;
  return *at;
}

void BlockSeries::Halve() {
  std::vector<Block> halved;
  for (Block& block : blocks_) {
    block.index /= 2;
    if (!halved.empty() && halved.back().index == block.index) {
      halved.back().Merge(block);
    } else {
      halved.push_back(std::move(block));
    }
  }
  blocks_ = std::move(halved);
  width_ *= 2;
}

void BlockSeries::Add(Nanos since_begin, Nanos value) {
  At(since_begin).Add(value, 1);
  all_.Add(value);
}

void BlockSeries::AddAtEnd(Nanos duration, Nanos value, uint64_t times) {
  At(duration).Add(value, times);
  all_.AddTimes(value, times);
}

}  // namespace wqprof
