// SPDX-License-Identifier: Apache-2.0
#include "wqprof/name_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace wqprof {
namespace {

// Where the name of an id is: block k holds 2^k of them.
struct Place {
  explicit Place(size_t id)
      : block(std::bit_width(id + 1) - 1), index(id + 1 - (size_t{1} << block)) {}
  size_t block, index;
};

}  // namespace

// std::unordered_map rather than Abseil's: Debian builds Abseil with a string_view of its
// own, for which looking up a std::string_view does not compile.
struct NameTable::State {
  mutable std::shared_mutex mutex;
  // A name never moves: the keys below point to it, and Get() needs no lock, as `size` grows
  // after the name is in its place.
  std::array<std::unique_ptr<std::string[]>, std::bit_width(kMaxNames + 1)> blocks;
  std::atomic<size_t> size = 0;
  std::unordered_map<std::string_view, NameId> ids;
  NameId overflow = NameId::kUnknown;

  NameId Append(std::string_view name) {
    const size_t id = size.load(std::memory_order_relaxed);
    const Place place(id);
    if (place.index == 0) {
      // No block is larger than all names, which g++ 14 does not see.
      const size_t size_of_block = std::min<size_t>(size_t{1} << place.block, kMaxNames + 1);
      blocks[place.block] = std::make_unique<std::string[]>(size_of_block);
    }
    std::string& kept = blocks[place.block][place.index];
    kept = name;
    ids.emplace(kept, NameId{static_cast<uint32_t>(id)});
    size.store(id + 1, std::memory_order_release);
    return NameId{static_cast<uint32_t>(id)};
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
  if (state_->size.load(std::memory_order_relaxed) < kMaxNames) return state_->Append(name);
  if (state_->overflow == NameId::kUnknown) state_->overflow = state_->Append("(other names)");
  return state_->overflow;
}

std::string_view NameTable::Get(NameId id) const {
  const size_t i = ToInt(id);
  if (i >= size()) return {};
  const Place place(i);
  return state_->blocks[place.block][place.index];
}

size_t NameTable::size() const { return state_->size.load(std::memory_order_acquire); }

FunctionName SplitFunction(std::string_view text) {
  const size_t bracket = text.rfind(" [");
  if (bracket == std::string_view::npos || !text.ends_with(']')) return {text, {}};
  return {text.substr(0, bracket), text.substr(bracket + 2, text.size() - bracket - 3)};
}

}  // namespace wqprof
