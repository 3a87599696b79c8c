// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "wqprof/analyze.h"
#include "wqprof/glob.h"

namespace wqprof {

bool ItemFilter::empty() const {
  return workqueues.empty() && functions.empty() && pools.empty() && origins.empty() &&
         workers.empty() && cpus.empty() && states.empty() && from == kUnseen && to == kUnseen;
}

std::string OriginName(const EventSource& source, const Origin& origin) {
  const std::string_view name = SplitFunction(source.names().Get(origin.NameIn(source))).name;
  return name.empty() ? std::string(ToString(origin.kind))
                      : fmt::format("{} {}", ToString(origin.kind), name);
}

namespace {

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
      verdicts_[i] = PassesGlobs(globs_, {text, SplitFunction(text).name});
    }
    return verdicts_[i] == 1;
  }

 private:
  const std::vector<std::string>& globs_;
  const NameTable& names_;
  std::vector<int8_t> verdicts_;
};

template <class T>
bool Holds(const std::vector<T>& list, T value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

struct ItemMatcher::State {
  State(const ItemFilter& f, const EventSource& s, const Reconstructor& m)
      : filter(f),
        all(f.empty()),
        source(s),
        model(m),
        workqueues(filter.workqueues, s.names()),
        functions(filter.functions, s.names()) {}

  bool InTime(const WorkItem& item) const {
    const Timestamp last = std::max({item.queued, item.activated, item.started, item.ended});
    return (filter.from == kUnseen || last >= filter.from) &&
           (filter.to == kUnseen || last <= filter.to);
  }

  bool ByOrigin(const Origin& origin) const {
    return filter.origins.empty() ||
           PassesGlobs(filter.origins, {ToString(origin.kind), OriginName(source, origin)});
  }

  bool ByWorker(const WorkItem& item) const {
    if (filter.workers.empty()) return true;
    if (item.worker == Pid::kNone) return false;
    return PassesGlobs(filter.workers, {source.names().Get(source.CommOf(item.worker)),
                                        fmt::format_int(ToInt(item.worker)).c_str()});
  }

  const ItemFilter filter;
  const bool all;
  const EventSource& source;
  const Reconstructor& model;
  NameVerdicts workqueues, functions;
};

ItemMatcher::ItemMatcher(const ItemFilter& filter, const EventSource& source,
                         const Reconstructor& model)
    : state_(std::make_unique<State>(filter, source, model)) {}
ItemMatcher::~ItemMatcher() = default;
ItemMatcher::ItemMatcher(ItemMatcher&&) noexcept = default;

bool ItemMatcher::Matches(const WorkItem& item) {
  if (state_->all) return true;
  const ItemFilter& f = state_->filter;
  if (!Holds(f.states, item.state) || !Holds(f.cpus, item.cpu()) || !state_->InTime(item) ||
      !state_->workqueues.Matches(item.workqueue) || !state_->functions.Matches(item.function)) {
    return false;
  }
  if (!f.pools.empty() && !PassesGlobs(f.pools, {state_->model.pool(item.its_pool()).name})) {
    return false;
  }
  return state_->ByWorker(item) && state_->ByOrigin(item.origin);
}

}  // namespace wqprof
