// SPDX-License-Identifier: Apache-2.0
// From a source through the reconstruction to whoever takes its items: the one way of all
// commands, with a file and with a recording that goes on.
#ifndef WQPROF_PIPELINE_H_
#define WQPROF_PIPELINE_H_

#include <memory>

#include "absl/status/status.h"
#include "wqprof/event_source.h"
#include "wqprof/model.h"

namespace wqprof {

// Takes what the model completes: sums it up, writes it, draws it.
//
// With a crew, Add() and full() are called on other threads than the one that reads, one call at a
// time and in order; the source and the model go on meanwhile.  Of these a consumer may then use
// what never changes or is safe to share: source.info(), names(), CommOf() and model.pool().
// stats(), quality() and the accounts of pools and workers are for Finish(), and for later.
class ItemConsumer {
 public:
  virtual ~ItemConsumer() = default;
  // What the model must do beyond items; it is asked once, when the consumer is attached.
  virtual Reconstructor::Options wants() const { return Reconstructor::Nothing(); }
  // REQUIRES of the caller: gaps, items and steps in the order in which they were complete.
  virtual void Add(const Completed& completed) = 0;
  // Asked after Add(): true when no more items are wanted, e.g. as nobody reads the output.
  virtual bool full() const { return false; }
  // All was added; the source and the model are at their ends.
  virtual void Finish() {}
};

// What is known of a run apart from its items.
struct RunFacts {
  TraceInfo source;
  ReadStats read;
  MatchQuality match;
};

// Drives one source through a Reconstructor, and hands what is complete to its consumers.  If the
// source has a crew, the consumers work beside the thread that reads and matches.  What they are
// given does not depend on the number of threads, but for where one batch ends.
class Pipeline {
 public:
  // `source` must outlive this object.
  explicit Pipeline(EventSource& source);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // The model, for consumers to refer to.
  const Reconstructor& model() const;
  // `consumer` must outlive the last call.  REQUIRES: before Run() and Poll().
  void Attach(ItemConsumer& consumer);

  // Reads the source to its end, or until all consumers are full.  An error is the source's; what
  // was read before it is handed on and finished all the same.
  absl::Status Run();

  // For a recording that goes on: takes what the source has by now, and returns when all of it is
  // handed on.  The consumers may be looked at between calls.
  absl::Status Poll();
  // Nothing more comes: the model and the consumers are finished.
  void End();

  // Of the last event that the model was given; kUnseen: none.
  Timestamp now() const;
  // As far as it was read; complete after Run() or End().  A live source's stats are as new as
  // its owner keeps them.
  RunFacts facts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_PIPELINE_H_
