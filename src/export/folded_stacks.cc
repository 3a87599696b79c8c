// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/export.h"
#include "wqprof/stack_text.h"

namespace wqprof {
namespace {

// Control bytes would end a line, or change a terminal that shows it.
std::string Printed(std::string_view frame) {
  std::string out(frame);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  return out;
}

}  // namespace

struct FoldedStacks::State {
  State(const EventSource& s, const Reconstructor& model, const ItemFilter& filter, Weight w)
      : source(s), matcher(filter, s, model), weight(w) {}

  const EventSource& source;
  ItemMatcher matcher;
  const Weight weight;
  absl::flat_hash_map<std::pair<NameId, NameId>, uint64_t> weights;  // by stack and function
};

FoldedStacks::FoldedStacks(const EventSource& source, const Reconstructor& model,
                           const ItemFilter& filter, Weight weight)
    : state_(std::make_unique<State>(source, model, filter, weight)) {}
FoldedStacks::~FoldedStacks() = default;

Reconstructor::Options FoldedStacks::wants() const { return Reconstructor::Nothing(); }

void FoldedStacks::Add(const Completed& completed) {
  for (const WorkItem& item : completed.items) {
    if (item.stack == NameId::kUnknown || !state_->matcher.Matches(item)) continue;
    uint64_t& weight = state_->weights[{item.stack, item.function}];
    if (state_->weight == Weight::kCount) {
      ++weight;
    } else if (const auto execution = item.Execution(); execution && !item.run_tainted) {
      const auto so_far = Nanos(static_cast<int64_t>(weight));
      const Nanos sum = AddSaturated(so_far, std::max(*execution, Nanos(0)));
      weight = static_cast<uint64_t>(sum.count());
    }
  }
}

std::string FoldedStacks::Text() const {
  const NameTable& names = state_->source.names();
  // By text: ids depend on which CPU was read first.
  std::map<std::string, uint64_t> lines;
  for (const auto& [key, weight] : state_->weights) {
    if (weight == 0) continue;
    std::vector<std::string_view> frames = FramesOf(names.Get(key.first));
    std::reverse(frames.begin(), frames.end());
    frames.push_back(names.Get(key.second));
    std::string line;
    for (const std::string_view frame : frames) {
      if (!line.empty()) line += kBetweenFrames;
      line += Printed(frame);
    }
    lines[std::move(line)] += weight;
  }
  std::string out;
  for (const auto& [line, weight] : lines) out += fmt::format("{} {}\n", line, weight);
  return out;
}

}  // namespace wqprof
