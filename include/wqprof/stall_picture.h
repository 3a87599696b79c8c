// SPDX-License-Identifier: Apache-2.0
// One stall over time: its pool's CPU, its workers and its backlog.
#ifndef WQPROF_STALL_PICTURE_H_
#define WQPROF_STALL_PICTURE_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "wqprof/model.h"
#include "wqprof/pipeline.h"
#include "wqprof/report.h"
#include "wqprof/timeline.h"

namespace wqprof {

// What is drawn of it.
struct StallPicture {
  // A task had the pool's CPU.
  struct Run {
    Task task;
    Timestamp begin = kUnseen, end = kUnseen;
  };
  // The worker that ended it, or one that executed meanwhile.
  struct Worker {
    std::string name;
    Pid pid = Pid::kNone;
    std::array<GapPicture::Did, GapPicture::kParts> did{};
  };
  Timeline timeline;  // of the stall's time: its pool alone, or none
  // With scheduler events:
  Cpu cpu = Cpu::kNone;  // of a per-CPU pool
  std::vector<Run> runs;
  std::vector<Worker> workers;
};

// Collects the picture of a stall that was found before, from the same input.
class StallPictureCollector : public ItemConsumer {
 public:
  // `source` and `model` must outlive this object.
  StallPictureCollector(const EventSource& source, const Reconstructor& model, const Stall& stall);
  Reconstructor::Options wants() const override;
  void Add(const Completed& completed) override;
  void Finish() override { timeline_.Finish(); }
  // REQUIRES: after Finish().
  StallPicture Take() const;

 private:
  const EventSource& source_;
  const Reconstructor& model_;
  const std::string pool_;
  const Timestamp begin_;
  const Nanos duration_;
  TimelineCollector timeline_;
  std::shared_ptr<const GapPicture> gap_;  // null: not seen yet, or without scheduler events
  Cpu cpu_ = Cpu::kNone;
};

}  // namespace wqprof

#endif  // WQPROF_STALL_PICTURE_H_
