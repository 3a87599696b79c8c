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
  while (since_begin / width_ >= static_cast<Nanos::rep>(kMaxBlocks)) {
    for (size_t i = 1; i < blocks_.size(); i += 2) blocks_[i - 1].Merge(blocks_[i]);
    std::vector<Block> halved;
    for (size_t i = 0; i < blocks_.size(); i += 2) halved.push_back(std::move(blocks_[i]));
    blocks_ = std::move(halved);
    width_ *= 2;
  }
  const auto index = static_cast<size_t>(since_begin / width_);
  if (index >= blocks_.size()) blocks_.resize(index + 1);
  return blocks_[index];
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
