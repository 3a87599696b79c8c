// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "render/cells.h"
#include "render/text.h"
#include "wqprof/render_chains.h"

namespace wqprof {
namespace {

Table StepTable(const Chain& chain) {
  Table table{.key = "steps", .title = ""};
  table.columns = {{"id", "ITEM"},
                   {"since", "QUEUED", kText},
                   {"queued_ns", "", kMachine},
                   {"activation_wait_ns", "INACT", kAll, 0, 2},
                   {"latency_ns", "LATENCY"},
                   {"until_next_ns", "QUEUED NEXT", kAll},
                   {"execution_ns", "EXEC"},
                   {"pool", "POOL", kAll, 0, 1},
                   {"workqueue", "WORKQUEUE", kAll, 10},
                   {"function", "", kMachine},
                   {"module", "", kMachine},
                   {"name", "FUNCTION", kText, 16}};
  for (const ChainStep& step : chain.steps) {
    const std::optional<Nanos> since = Between(chain.steps.front().queued, step.queued);
    const bool last = &step == &chain.steps.back();
    table.rows.push_back(
        {Id{static_cast<int64_t>(step.id)},
         since ? Cell("+" + DurationText(std::max(Nanos(0), *since))) : Cell(),
         TimeCell(step.queued), OptionalCell(Between(step.queued, step.activated)),
         OptionalCell(Between(step.queued, step.started)),
         last ? Cell() : OptionalCell(step.until_next),
         OptionalCell(Between(step.started, step.ended)), WordCell(step.pool),
         WordCell(step.workqueue), WordCell(step.function), WordCell(step.module),
         WordCell(step.module.empty() ? step.function
                                      : fmt::format("{} [{}]", step.function, step.module))});
  }
  return table;
}

Table ChainTable(const ChainReport& chains) {
  Table table{.key = "chains", .title = "Chains"};
  table.columns = {{"item", ""},        {"whole", ""},   {"origin_kind", ""},
                   {"origin_name", ""}, {"span_ns", ""}, {"steps", ""}};
  for (Column& column : table.columns) column.audience = kJson;
  for (const Chain& chain : chains.chains) {
    table.rows.push_back({Id{static_cast<int64_t>(chain.item)}, chain.whole,
                          WordCell(chain.origin_kind), WordCell(chain.origin_name),
                          OptionalCell(chain.Span()), std::vector<Table>{StepTable(chain)}});
  }
  return table;
}

// The functions from the top down to each node.
std::vector<std::vector<std::string>> PathsOf(const ChainReport& chains) {
  std::vector<std::vector<std::string>> paths;
  std::vector<std::string> path;
  for (const ChainNode& node : chains.tree) {
    path.resize(std::min(path.size(), node.depth));
    path.push_back(node.function.empty() ? "?" : node.function);
    paths.push_back(path);
  }
  return paths;
}

Table TreeTable(const ChainReport& chains) {
  Table table{.key = "tree", .title = "Who queued whom"};
  table.columns = {{"depth", "", kMachine},
                   {"items", "COUNT"},
                   {"waited_ns", "WAITED"},
                   {"executed_ns", "EXECUTED"},
                   {"workqueue", "WORKQUEUE", kAll, 10},
                   {"function", "", kMachine},
                   {"indented", "FUNCTION", kText, 20},
                   {"path", "", kMachine}};
  const std::vector<std::vector<std::string>> paths = PathsOf(chains);
  for (size_t i = 0; i < chains.tree.size(); ++i) {
    const ChainNode& node = chains.tree[i];
    table.rows.push_back({uint64_t{node.depth}, node.items, node.waited, node.executed,
                          WordCell(node.workqueue), WordCell(node.function),
                          std::string(2 * std::min<size_t>(node.depth, 20), ' ') +
                              (node.function.empty() ? "?" : node.function),
                          paths[i]});
  }
  return table;
}

Table CountTable(const ChainReport& chains) {
  Table table{.key = "parents", .title = "", .record = true};
  table.columns = {{"known", "", kJson}, {"lost", "", kJson}};
  table.rows = {{chains.edges, chains.lost_parents}};
  return table;
}

// Only the trees in which a work queued another one; the others are what `report` shows.
void DropSingleNodes(Table& tree, const ChainReport& chains) {
  std::vector<std::vector<Cell>> kept;
  for (size_t i = 0; i < chains.tree.size(); ++i) {
    const bool leads = i + 1 < chains.tree.size() && chains.tree[i + 1].depth > 0;
    if (chains.tree[i].depth > 0 || leads) kept.push_back(std::move(tree.rows[i]));
  }
  tree.rows = std::move(kept);
}

std::string ChainTitle(const Chain& chain) {
  const std::string origin = chain.origin_name.empty()
                                 ? chain.origin_kind
                                 : fmt::format("{} {}", chain.origin_kind, chain.origin_name);
  const auto span = chain.Span();
  return fmt::format("Item {}: {}{}, first queued by {}{}", chain.item,
                     CountOf(chain.steps.size(), "step"),
                     span ? fmt::format(" in {}", DurationText(*span)) : "", Escaped(origin),
                     chain.whole ? "" : ", of which no more is known");
}

std::string ChainText(const Report& report, const ChainReport& chains, Table tree, const View& view,
                      const TextStyle& style) {
  std::string out = HeaderLine(report, style);
  for (const std::string& note : QualityNotes(report)) out += "  " + note + "\n";
  for (const Chain& chain : chains.chains) {
    Table steps = StepTable(chain);
    steps.title = ChainTitle(chain);
    out += '\n';
    AppendTextTable(out, steps, style);
  }
  if (!view.tables.empty()) return out;
  DropSingleNodes(tree, chains);
  CutRows(tree, view.top);
  out += '\n';
  AppendTextTable(out, tree, style);
  if (chains.lost_parents > 0) {
    out += fmt::format(
        "{} by works that are not known: begun before the trace, lost, or too long ago\n",
        CountOf(chains.lost_parents, "item was queued", "items were queued"));
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> RenderChains(const Report& report, const ChainReport& chains,
                                         Format format, const View& view, const TextStyle& style) {
  constexpr std::string_view kSchema = "wqprof.chains/1";
  Table tree = TreeTable(chains);
  if (format == Format::kTable) {
    return ChainText(report, chains, std::move(tree), view, style);
  }
  CutRows(tree, view.top);
  if (format == Format::kCsv) return ToCsv(tree);
  std::vector<Table> tables;
  for (Table& table : ReportTables(report)) {
    if (table.key == "source" || table.key == "quality") tables.push_back(std::move(table));
  }
  tables.push_back(CountTable(chains));
  tables.push_back(ChainTable(chains));
  tables.push_back(std::move(tree));
  return format == Format::kJson ? ToJson(kSchema, tables) : ToNdjson(kSchema, tables);
}

std::string FoldedChains(const ChainReport& chains) {
  std::string out;
  const std::vector<std::vector<std::string>> paths = PathsOf(chains);
  for (size_t i = 0; i < chains.tree.size(); ++i) {
    const Nanos time = AddSaturated(chains.tree[i].waited, chains.tree[i].executed);
    if (time == Nanos(0)) continue;
    std::string line = fmt::format("{}", fmt::join(paths[i], "\x1f"));
    // A name may hold any character, but these two have a meaning here.
    std::replace(line.begin(), line.end(), ';', ':');
    std::replace(line.begin(), line.end(), '\x1f', ';');
    out += fmt::format("{} {}\n", Escaped(line), time.count());
  }
  return out;
}

}  // namespace wqprof
