// SPDX-License-Identifier: Apache-2.0
#include "wqprof/pipeline.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "wqprof/crew.h"
#include "wqprof/stream_copy.h"

namespace wqprof {
namespace {

// Hands what the model completes to the consumers, behind the thread that reconstructs it if there
// is a helper.  Batches arrive in the order of their departure, so that the result is the same.
class ConsumerJob : public Crew::Job {
 public:
  explicit ConsumerJob(Crew* crew)
      : crew_(crew != nullptr && crew->helpers() > 0 ? crew : nullptr) {}
  ~ConsumerJob() override {
    if (crew_ != nullptr) crew_->Forget(*this);
  }

  void Attach(ItemConsumer& consumer) { consumers_.push_back(&consumer); }

  void Take(Reconstructor& model) {
    model.Take(completed_);
    if (crew_ == nullptr) {
      HandOn(completed_);
      return;
    }
    crew_->WaitUntil(*this, [this] { return batches_.has_room(); });
    Completed& batch = batches_.next();
    batch.trace_begin = completed_.trace_begin;
    Copy(completed_.items, batch.items);
    Copy(completed_.splits, batch.splits);
    Copy(completed_.pool_steps, batch.pool_steps);
    Copy(completed_.run_parts, batch.run_parts);
    std::swap(completed_.gaps, batch.gaps);
    std::swap(completed_.losses, batch.losses);
    std::swap(completed_.barrier_waits, batch.barrier_waits);
    batches_.Pass();
    crew_->Schedule(*this);
  }
  // Returns once the consumers have all that was taken.
  void Drain() {
    if (crew_ != nullptr) crew_->WaitUntil(*this, [this] { return batches_.all_back(); });
  }
  void Finish() {
    for (ItemConsumer* consumer : consumers_) consumer->Finish();
  }
  bool full() const { return full_.load(std::memory_order_relaxed); }

  bool Step() override {
    if (!batches_.ready()) return false;
    HandOn(batches_.Take());
    batches_.Return();
    return batches_.ready();
  }

 private:
  void HandOn(const Completed& completed) {
    bool full = !consumers_.empty();
    for (ItemConsumer* consumer : consumers_) {
      consumer->Add(completed);
      full &= consumer->full();
    }
    if (full) full_.store(true, std::memory_order_relaxed);
  }

  template <typename T>
  static void Copy(const Completed::Batch<T>& from, Completed::Batch<T>& to) {
    to.resize(from.size());
    StreamCopy(to.data(), from.data(), from.size());
  }

  Crew* const crew_;
  std::vector<ItemConsumer*> consumers_;
  Completed completed_;
  BatchRing<Completed, 4> batches_;
  std::atomic<bool> full_{false};
};

}  // namespace

struct Pipeline::State {
  explicit State(EventSource& s) : source(s), model(s, Reconstructor::Nothing()), job(s.crew()) {}

  // All that the source has.
  absl::Status Pump() {
    // A batch is a few hundred items: still in the cache when it is summed up.
    constexpr size_t kEventsPerBatch = 2048;
    for (size_t events = 0; !job.full();) {
      const auto run = source.Next();
      if (!run.ok()) return run.status();
      if (run->empty()) break;
      now = std::max(now, run->back().at);
      model.Add(*run);
      events += run->size();
      if (events < kEventsPerBatch) continue;
      events = 0;
      job.Take(model);
    }
    return absl::OkStatus();
  }

  EventSource& source;
  Reconstructor model;
  ConsumerJob job;
  Timestamp now = kUnseen;
};

Pipeline::Pipeline(EventSource& source) : state_(std::make_unique<State>(source)) {}
Pipeline::~Pipeline() = default;

const Reconstructor& Pipeline::model() const { return state_->model; }

void Pipeline::Attach(ItemConsumer& consumer) {
  state_->model.Want(consumer.wants());
  state_->job.Attach(consumer);
}

absl::Status Pipeline::Run() {
  const absl::Status status = state_->Pump();
  End();
  return status;
}

absl::Status Pipeline::Poll() {
  const absl::Status status = state_->Pump();
  state_->model.CatchUp();
  state_->job.Take(state_->model);
  state_->job.Drain();
  return status;
}

void Pipeline::End() {
  state_->model.Finish();
  state_->job.Take(state_->model);
  state_->job.Drain();
  state_->job.Finish();
}

Timestamp Pipeline::now() const { return state_->now; }

RunFacts Pipeline::facts() const {
  return {state_->source.info(), state_->source.stats(), state_->model.quality()};
}

}  // namespace wqprof
