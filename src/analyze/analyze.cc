// SPDX-License-Identifier: Apache-2.0
#include "wqprof/analyze.h"

#include <utility>

#include "wqprof/crew.h"
#include "wqprof/hand_over.h"

namespace wqprof {
namespace {

// Sums up what the model completes, behind the thread that reconstructs it if there is a helper.
// Items arrive in the order of their departure, so that the result is the same.
class Summing : public Crew::Job {
 public:
  Summing(Crew* crew, Analyzer& analyzer)
      : crew_(crew != nullptr && crew->helpers() > 0 ? crew : nullptr), analyzer_(analyzer) {}
  ~Summing() override {
    if (crew_ != nullptr) crew_->Forget(*this);
  }

  void Take(Reconstructor& model) {
    model.Take(completed_);
    if (crew_ == nullptr) {
      analyzer_.Add(completed_);
      return;
    }
    crew_->WaitUntil(*this, [this] { return lots_.has_room(); });
    Completed& lot = lots_.next();
    Copy(completed_.items, lot.items);
    Copy(completed_.splits, lot.splits);
    std::swap(completed_.gaps, lot.gaps);
    lots_.Pass();
    crew_->Schedule(*this);
  }
  void Finish() {
    if (crew_ != nullptr) crew_->WaitUntil(*this, [this] { return lots_.all_back(); });
  }

  bool Step() override {
    if (!lots_.ready()) return false;
    analyzer_.Add(lots_.Take());
    lots_.Return();
    return lots_.ready();
  }

 private:
  template <typename T>
  static void Copy(const Completed::Lot<T>& from, Completed::Lot<T>& to) {
    to.resize(from.size());
    HandOver(to.data(), from.data(), from.size());
  }

  Crew* const crew_;
  Analyzer& analyzer_;
  Completed completed_;
  LotRing<Completed, 4> lots_;
};

// Reads `source` to its end; `hand_on` is called now and then, and at the end.
template <typename F>
absl::Status Reconstruct(EventSource& source, Reconstructor& model, F&& hand_on) {
  // A lot is a few hundred items: still in the cache when it is summed up.
  constexpr size_t kEventsPerLot = 2048;
  for (size_t events = 0;;) {
    auto run = source.Next();
    if (!run.ok()) return run.status();
    if (run->empty()) break;
    model.Add(*run);
    events += run->size();
    if (events < kEventsPerLot) continue;
    events = 0;
    hand_on();
  }
  model.Finish();
  hand_on();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> Analyze(EventSource& source, const AnalyzeOptions& options) {
  Reconstructor model(source, {.gap_floor = options.stall_threshold});
  Analyzer analyzer(source, model, options);
  Summing summing(source.crew(), analyzer);
  const absl::Status status = Reconstruct(source, model, [&] { summing.Take(model); });
  summing.Finish();
  if (!status.ok()) return status;
  return std::move(analyzer).Finish();
}

}  // namespace wqprof
