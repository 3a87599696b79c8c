// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_MATCHER_H_
#define WQPROF_MODEL_MATCHER_H_

#include <cstdint>
#include <span>

#include "model/activation_tracker.h"
#include "model/activations_ahead.h"
#include "model/barrier_waits.h"
#include "model/executions.h"
#include "model/gap_describer.h"
#include "model/interrupts.h"
#include "model/item_outlet.h"
#include "model/item_splitter.h"
#include "model/orphan_starts.h"
#include "model/pending_window.h"
#include "model/queueing.h"
#include "model/tables.h"
#include "wqprof/model.h"

namespace wqprof {

// The algorithm of doc/kernel.md §8: hands each event to the piece that it is for, keeps the time,
// and forgets what is long over.
class Matcher {
 public:
  Matcher(const EventSource& source, const Reconstructor::Options& options)
      : tables_(source),
        outlet_(source.info().noted_events),
        settled_(outlet_.recorded().settled()),
        gaps_(tables_, outlet_, options.gap_floor) {
    Want(options);
  }

  void Want(const Reconstructor::Options& options);
  void Add(std::span<const Event> events);
  // No event that comes yet is before those that came.
  void CatchUp();
  void Finish();
  void Take(Completed& out);

  const MatchQuality& quality() const { return outlet_.quality(); }
  const PoolTable& pools() const { return tables_.pools; }
  const PoolTracker& occupancy() const { return tables_.occupancy; }
  const WorkerTable& workers() const { return tables_.workers; }
  const ActivationTracker& activations() const { return activations_; }
  const IdleWaits& idle_waits() const { return executions_.idle_waits(); }
  Timestamp now() const { return tables_.now; }
  OpenState Open(Timestamp since) const { return gaps_.Open(since); }

 private:
  // Inlined into the loop over events.  What handles an event stays out of line, here and in the
  // pieces: else each event would pay for the registers and the stack of the kind that needs most.
  [[gnu::always_inline]] void Step(const Event& e);
  [[gnu::always_inline]] void Handle(const Event& e);
  [[gnu::noinline]] void HandleTask(const Event& e);
  [[gnu::noinline]] void OnWake(const Event& e);
  [[gnu::noinline]] void OnSwitch(const Event& e);
  [[gnu::noinline]] void OnLossBegin(const Event& e);
  [[gnu::noinline]] void OnLossEnd(const Event& e);
  [[gnu::noinline]] void See(EventKind kind);
  [[gnu::noinline]] void Trim();

  Tables tables_;
  ItemOutlet outlet_;
  bool settled_;  // which events were recorded, and what follows from it
  LastWorkEvents last_;
  ActivationTracker activations_;
  Interrupts interrupts_{tables_.workers, tables_.sched};
  ItemSplitter splitter_{tables_, interrupts_, outlet_};
  GapDescriber gaps_;
  PendingWindow window_{tables_, splitter_, outlet_};
  OrphanStarts orphans_{tables_, outlet_};
  Queueing queueing_{tables_, last_, activations_, window_, orphans_, outlet_};
  BarrierWaits barriers_;
  Executions executions_{
      tables_,
      {last_, activations_, interrupts_, splitter_, gaps_, window_, orphans_, barriers_},
      outlet_};
  ActivationsAhead ahead_;
  bool forgets_workers_ = false;
  bool finished_ = false;
  uint32_t since_trim_ = 0;  // events
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_MATCHER_H_
