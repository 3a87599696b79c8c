// SPDX-License-Identifier: Apache-2.0
#include "render/item_table.h"

#include <algorithm>

#include "render/cells.h"
#include "render/text.h"
#include "render/text_table.h"

namespace wqprof {
namespace {

// The first items decide how wide the columns are; then each portion is written as it comes.
constexpr size_t kPortion = 4096;

// The first of an item's times that was seen.
Timestamp FirstSeen(const WorkItem& item) {
  for (const Timestamp at : {item.queued, item.activated, item.started, item.ended}) {
    if (at != kUnseen) return at;
  }
  return kUnseen;
}

// A span that the end of the trace cut is told as a lower bound.
Cell Span(Timestamp from, Timestamp to, bool open, Timestamp trace_end) {
  if (const std::optional<Nanos> span = Between(from, to)) return *span;
  const std::optional<Nanos> so_far = Between(from, trace_end);
  if (!open || !so_far) return {};
  return Estimate{*so_far, false, true};
}

// Who queued, as one word: "ptyload-4711", "softirq", "xfs_end_io".
Cell OriginCell(const Origin& origin, const EventSource& source) {
  const NameTable& names = source.names();
  switch (origin.kind) {
    case Origin::Kind::kUnknown:
      return {};
    case Origin::Kind::kTask:
      return fmt::format("{}-{}", names.Get(source.CommOf(origin.pid)), ToInt(origin.pid));
    case Origin::Kind::kWork:
      return fmt::format("work {}", SplitFunction(names.Get(origin.function)).name);
    default:
      return std::string(ToString(origin.kind));
  }
}

Cell WorkerCell(const WorkItem& item, const EventSource& source) {
  if (item.worker == Pid::kNone) return {};
  if (item.softirq) return std::string("softirq");
  const std::string_view comm = source.names().Get(source.CommOf(item.worker));
  return fmt::format("{}-{}", comm, ToInt(item.worker));
}

class ItemTable : public ItemWriter {
 public:
  ItemTable(const EventSource& source, const Reconstructor& model, const TextStyle& style)
      : source_(source), model_(model), writer_(style) {
    table_.columns = {{"at", "FIRST SEEN"},
                      {"latency_ns", "LATENCY"},
                      {"activation_wait_ns", "INACT", kText, 0, 2},
                      {"execution_ns", "EXEC"},
                      {"state", "STATE", kText, 0, 1},
                      {"run_cpu", "CPU", kText, 0, 3},
                      {"pool", "POOL", kText, 0, 4},
                      {"worker", "WORKER", kText, 10, 5},
                      {"origin", "QUEUED BY", kText, 10, 6},
                      {"workqueue", "WORKQUEUE", kText, 10},
                      {"function", "FUNCTION", kText, 16}};
  }
  void Begin(fmt::memory_buffer&) override {}
  void Add(std::span<const WorkItem> items, const SplitLookup&, fmt::memory_buffer& out) override {
    for (const WorkItem& item : items) {
      table_.rows.push_back(Row(item));
      if (table_.rows.size() >= kPortion) Flush(out);
    }
  }
  void End(fmt::memory_buffer& out) override { Flush(out); }

 private:
  std::vector<Cell> Row(const WorkItem& item) const {
    const NameTable& names = source_.names();
    const Timestamp end = source_.stats().end;
    const bool timed = source_.info().clock_is_ns;
    const bool waiting = item.state == ItemState::kPending;
    const bool running = item.state == ItemState::kRunning;
    // What a loss or the PENDING window puts in doubt is marked.
    const std::string doubt = item.tainted() || item.ambiguous ? "?" : "";
    const bool ran = item.started != kUnseen || item.ended != kUnseen;
    return {StampCell(source_.info(), FirstSeen(item)),
            timed ? Span(item.queued, item.started, waiting, end) : Cell(),
            timed ? Span(item.queued, item.activated, waiting, end) : Cell(),
            timed ? Span(item.started, item.ended, running, end) : Cell(),
            std::string(ToString(item.state)) + doubt,
            CpuCell(item.run_cpu),
            ran || item.pool != PoolId::kUnknown ? WordCell(model_.pool(item.pool).name) : Cell(),
            WorkerCell(item, source_),
            OriginCell(item.origin, source_),
            WordCell(names.Get(item.workqueue)),
            WordCell(names.Get(item.function))};
  }

  void Flush(fmt::memory_buffer& out) {
    std::string text;
    writer_.Append(text, table_);
    out.append(text.data(), text.data() + text.size());
    table_.rows.clear();
  }

  const EventSource& source_;
  const Reconstructor& model_;
  TextTableWriter writer_;
  Table table_;
};

}  // namespace

std::unique_ptr<ItemWriter> MakeItemTable(const EventSource& source, const Reconstructor& model,
                                          const TextStyle& style) {
  return std::make_unique<ItemTable>(source, model, style);
}

}  // namespace wqprof
