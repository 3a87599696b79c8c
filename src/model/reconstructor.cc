// SPDX-License-Identifier: Apache-2.0
#include "model/matcher.h"
#include "wqprof/model.h"

namespace wqprof {

struct Reconstructor::State {
  State(const EventSource& source, Options options) : matcher(source, options) {}
  Matcher matcher;
};

Reconstructor::Reconstructor(const EventSource& source, Options options)
    : state_(std::make_unique<State>(source, options)) {}
Reconstructor::~Reconstructor() = default;

void Reconstructor::Want(const Options& options) { state_->matcher.Want(options); }
void Reconstructor::Add(std::span<const Event> events) { state_->matcher.Add(events); }
void Reconstructor::CatchUp() { state_->matcher.CatchUp(); }
void Reconstructor::Finish() { state_->matcher.Finish(); }
void Reconstructor::Take(Completed& out) { state_->matcher.Take(out); }
const MatchQuality& Reconstructor::quality() const { return state_->matcher.quality(); }
const Pool& Reconstructor::pool(PoolId id) const { return state_->matcher.pools()[id]; }
std::vector<PoolOccupancy> Reconstructor::Pools() const {
  return state_->matcher.occupancy().Occupancy(state_->matcher.now());
}
std::vector<WorkerOccupancy> Reconstructor::Workers() const {
  return state_->matcher.workers().Occupancy(state_->matcher.now());
}
OpenState Reconstructor::Open(Timestamp since) const { return state_->matcher.Open(since); }
std::vector<ActivationAccount> Reconstructor::Activations() const {
  return state_->matcher.activations().Accounts();
}
std::vector<IdleWaitAccount> Reconstructor::IdleWaits() const {
  return state_->matcher.idle_waits().Accounts();
}

}  // namespace wqprof
