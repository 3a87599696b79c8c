// SPDX-License-Identifier: Apache-2.0
#include "wqprof/name_table.h"

#include <deque>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace wqprof {

// std::unordered_map rather than Abseil's: Debian builds Abseil with a string_view of its
// own, for which looking up a std::string_view does not compile.
struct NameTable::State {
  mutable std::shared_mutex mutex;
  std::deque<std::string> names;  // stable addresses: the keys below point into it
  std::unordered_map<std::string_view, NameId> ids;
  NameId overflow = NameId::kUnknown;

  NameId Append(std::string_view name) {
    const NameId id{static_cast<uint32_t>(names.size())};
    names.emplace_back(name);
    ids.emplace(names.back(), id);
    return id;
  }
};

NameTable::NameTable() : state_(std::make_unique<State>()) {
  state_->Append("");
  state_->Append("wq_barrier_func");
  state_->Append("delayed_work_timer_fn");
}
NameTable::~NameTable() = default;

NameId NameTable::Intern(std::string_view name) {
  {
    std::shared_lock lock(state_->mutex);
    if (auto it = state_->ids.find(name); it != state_->ids.end()) return it->second;
  }
  std::unique_lock lock(state_->mutex);
  if (auto it = state_->ids.find(name); it != state_->ids.end()) return it->second;
  if (state_->names.size() < kMaxNames) return state_->Append(name);
  if (state_->overflow == NameId::kUnknown) state_->overflow = state_->Append("(other names)");
  return state_->overflow;
}

std::string_view NameTable::Get(NameId id) const {
  std::shared_lock lock(state_->mutex);
  const size_t i = ToInt(id);
  return i < state_->names.size() ? std::string_view(state_->names[i]) : std::string_view();
}

size_t NameTable::size() const {
  std::shared_lock lock(state_->mutex);
  return state_->names.size();
}

FunctionName SplitFunction(std::string_view text) {
  const size_t bracket = text.rfind(" [");
  if (bracket == std::string_view::npos || !text.ends_with(']')) return {text, {}};
  return {text.substr(0, bracket), text.substr(bracket + 2, text.size() - bracket - 3)};
}

}  // namespace wqprof
