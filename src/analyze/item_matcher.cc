// SPDX-License-Identifier: Apache-2.0
#include <fnmatch.h>

#include <algorithm>

#include "wqprof/analyze.h"

namespace wqprof {

bool ItemFilter::empty() const {
  return workqueues.empty() && functions.empty() && cpus.empty() && states.empty() &&
         from == kUnseen && to == kUnseen;
}

namespace {

bool MatchesAny(const std::vector<std::string>& globs, std::string_view name) {
  const std::string text(name);
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    return fnmatch(glob.c_str(), text.c_str(), 0) == 0;
  });
}

// The verdicts of a list of globs on names, each asked once.
class NameVerdicts {
 public:
  NameVerdicts(const std::vector<std::string>& globs, const NameTable& names)
      : globs_(globs), names_(names) {}

  bool Matches(NameId name) {
    if (globs_.empty()) return true;
    const size_t i = ToInt(name);
    if (i >= verdicts_.size()) verdicts_.resize(std::max(i + 1, names_.size()), -1);
    if (verdicts_[i] < 0) {
      // A glob is meant for the function, but may name its module as well.
      const std::string_view text = names_.Get(name);
      verdicts_[i] = MatchesAny(globs_, text) || MatchesAny(globs_, SplitFunction(text).name);
    }
    return verdicts_[i] == 1;
  }

 private:
  const std::vector<std::string>& globs_;
  const NameTable& names_;
  std::vector<int8_t> verdicts_;
};

}  // namespace

struct ItemMatcher::State {
  State(const ItemFilter& f, const NameTable& names)
      : filter(f),
        all(f.empty()),
        workqueues(filter.workqueues, names),
        functions(filter.functions, names) {}
  const ItemFilter filter;
  const bool all;
  NameVerdicts workqueues, functions;
};

ItemMatcher::ItemMatcher(const ItemFilter& filter, const NameTable& names)
    : state_(std::make_unique<State>(filter, names)) {}
ItemMatcher::~ItemMatcher() = default;

bool ItemMatcher::Matches(const WorkItem& item) {
  if (state_->all) return true;
  const ItemFilter& f = state_->filter;
  if (!f.states.empty() &&
      std::find(f.states.begin(), f.states.end(), item.state) == f.states.end()) {
    return false;
  }
  if (!f.cpus.empty()) {
    const Cpu cpu = item.run_cpu != Cpu::kNone ? item.run_cpu : item.queue_cpu;
    if (std::find(f.cpus.begin(), f.cpus.end(), cpu) == f.cpus.end()) return false;
  }
  const Timestamp last = std::max({item.queued, item.activated, item.started, item.ended});
  if (f.from != kUnseen && last < f.from) return false;
  if (f.to != kUnseen && last > f.to) return false;
  return state_->workqueues.Matches(item.workqueue) && state_->functions.Matches(item.function);
}

}  // namespace wqprof
