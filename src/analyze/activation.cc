// SPDX-License-Identifier: Apache-2.0
#include "analyze/activation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "wqprof/name_table.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

std::string FunctionText(const EventSource& source, NameId function) {
  return std::string(SplitFunction(source.names().Get(function)).name);
}

ActivationRow ToRow(const EventSource& source, const ActivationAccount& account, Nanos duration) {
  ActivationRow row;
  row.workqueue = source.names().Get(account.workqueue);
  row.cpu = account.cpu;
  row.items = account.items;
  row.waited = account.waited;
  row.worst = account.worst;
  row.at_limit = account.at_limit;
  row.inactive_max = account.inactive_max;
  if (duration > Nanos(0)) {
    row.inactive_mean =
        static_cast<double>(account.waited.count()) / static_cast<double>(duration.count());
  }
  row.active_min = account.active_min;
  row.active_max = account.active_max;
  for (const auto& holder : account.holders) {
    row.holders.push_back({FunctionText(source, holder.function), holder.held});
  }
  std::sort(row.holders.begin(), row.holders.end(), [](const auto& a, const auto& b) {
    return a.held != b.held ? a.held > b.held : a.function < b.function;
  });
  row.unheld = account.unheld;
  row.released_by_end = account.released_by_end;
  for (const auto& activator : account.activators) {
    row.activators.push_back({std::string(source.names().Get(activator.comm)), activator.count});
  }
  std::sort(row.activators.begin(), row.activators.end(), [](const auto& a, const auto& b) {
    return a.count != b.count ? a.count > b.count : a.comm < b.comm;
  });
  row.shared_by_pools = account.shared_by_pools;
  return row;
}

}  // namespace

std::vector<ActivationRow> ActivationRows(const EventSource& source, const Reconstructor& model,
                                          const ItemFilter& filter, Nanos duration) {
  ItemFilter by_workqueue;
  by_workqueue.workqueues = filter.workqueues;
  ItemMatcher matcher(by_workqueue, source, model);
  std::vector<ActivationRow> rows;
  for (const ActivationAccount& account : model.Activations()) {
    WorkItem any;
    any.workqueue = account.workqueue;
    if (matcher.Matches(any)) rows.push_back(ToRow(source, account, duration));
  }
  std::sort(rows.begin(), rows.end(), [](const ActivationRow& a, const ActivationRow& b) {
    return std::tie(a.workqueue, a.cpu) < std::tie(b.workqueue, b.cpu);
  });
  return rows;
}

std::string ActivationWords(const Report& report, const std::string& workqueue) {
  Nanos waited{0}, unheld{0}, held{0};
  uint32_t active_max = 0;
  std::map<std::string, Nanos> by_function;
  for (const ActivationRow& row : report.activation) {
    if (row.workqueue != workqueue) continue;
    waited = AddSaturated(waited, row.waited);
    unheld = AddSaturated(unheld, row.unheld);
    active_max = std::max(active_max, row.active_max.value_or(0));
    for (const auto& holder : row.holders) {
      Nanos& sum = by_function[holder.function];
      sum = AddSaturated(sum, holder.held);
      held = AddSaturated(held, holder.held);
    }
  }
  if (waited == Nanos(0)) return {};
  if (unheld > waited / 2) {
    return "none of its items was active meanwhile: it was frozen, or plugged, or what held it "
           "began before the trace";
  }
  const auto most =
      std::max_element(by_function.begin(), by_function.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == by_function.end()) return {};
  const double share =
      static_cast<double>(most->second.count()) / static_cast<double>(held.count());
  if (active_max == 0)
    return fmt::format("behind {}", most->first.empty() ? "others" : most->first);
  return fmt::format("behind up to {}, mostly {} ({})", CountOf(active_max, "active item"),
                     most->first.empty() ? "others" : most->first, PercentText(share));
}

}  // namespace wqprof
