// SPDX-License-Identifier: Apache-2.0
#include "trace/stack_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mutex>
#include <string>

#include "wqprof/stack_text.h"

namespace wqprof {

NameId StackTable::NameOf(const Key& key) {
  std::vector<std::string> frames;
  for (size_t i = 1; i < key.size(); ++i) frames.push_back(symbols_.NameOf(key[i]));
  if (key[0] != 0) frames.emplace_back(kDeeperFrames);
  return names_.Intern(whole_ ? fmt::format("{}", fmt::join(frames, ";")) : StackText(frames));
}

const StackTable::Entry& StackTable::Get(const Key& key) {
  {
    std::shared_lock lock(mutex_);
    if (const auto it = stacks_.find(key); it != stacks_.end()) return *it->second;
    if (stacks_.size() >= kMaxStacks && other_.name != NameId::kUnknown) return other_;
  }
  std::unique_lock lock(mutex_);
  if (const auto it = stacks_.find(key); it != stacks_.end()) return *it->second;
  if (stacks_.size() >= kMaxStacks) {
    other_.name = names_.Intern(kOtherStacks);
    return other_;
  }
  std::unique_ptr<Entry>& entry = stacks_[key];
  entry = std::make_unique<Entry>(Entry{key, NameOf(key)});
  return *entry;
}

NameId StackNamer::NameOf(std::span<const uint64_t> frames, bool whole) {
  key_.assign(1, whole ? 0 : 1);
  key_.insert(key_.end(), frames.begin(), frames.end());
  uint64_t hash = 0;
  for (const uint64_t word : key_) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  const StackTable::Entry*& entry = recent_[hash % recent_.size()];
  if (entry == nullptr || entry->key != key_) entry = &table_.Get(key_);
  return entry->name;
}

}  // namespace wqprof
