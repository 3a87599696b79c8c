// SPDX-License-Identifier: Apache-2.0
#include "cli/live_pipeline.h"

#include <utility>
#include <vector>

namespace wqprof {
namespace {

// So often it is looked who holds a pool: rounds may come faster.
constexpr Nanos kLook = std::chrono::milliseconds(100);

}  // namespace

LivePipeline::LivePipeline(PageFeed& feed, const HolderLimits& limits)
    : feed_(feed),
      pipeline_(feed),
      asks_(limits.stall != Nanos::max() || limits.execution != Nanos::max()),
      finder_(feed, pipeline_.model(), limits),
      probe_(feed.info()) {
  if (asks_) pipeline_.Attach(finder_);
}

absl::Status LivePipeline::End() {
  feed_.EndAll();
  if (absl::Status status = pipeline_.Poll(); !status.ok()) return status;
  feed_.UpdateStats();
  pipeline_.End();
  if (asks_) TakeStacks(Timestamp::max());
  return absl::OkStatus();
}

void LivePipeline::AskHolders() {
  TakeStacks(pipeline_.now());
  const auto now = std::chrono::steady_clock::now();
  if (now - asked_ < kLook) return;
  asked_ = now;
  const std::vector<HolderStack> holders = finder_.Find();
  if (!holders.empty()) finder_.Expect(probe_.Ask(holders));
}

void LivePipeline::TakeStacks(Timestamp now) {
  if (auto stacks = probe_.Take()) finder_.Answer(*std::move(stacks));
  feed_.NoteStacks(finder_.Confirmed(now));
}

}  // namespace wqprof
