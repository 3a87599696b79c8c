// SPDX-License-Identifier: Apache-2.0
// Where the time of `wqprof report` goes: its stages, each alone and on one thread, over one
// recording.  WQPROF_TRACE names it.  How to read the table: README.md beside this file.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wqprof/analyze.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

// So many events are kept in memory for the stages that come after decoding.
constexpr size_t kEvents = 2'000'000;
constexpr size_t kRun = 512;        // as the reader hands them on
constexpr size_t kPerBatch = 2048;  // events, as Pipeline does

std::string TracePath() {
  const char* path = std::getenv("WQPROF_TRACE");
  if (path == nullptr) {
    std::fprintf(stderr, "stages: WQPROF_TRACE=FILE names the recording to read\n");
    std::exit(2);
  }
  return path;
}

std::unique_ptr<EventSource> Open() {
  OpenOptions options;
  options.threads = 1;
  auto source = OpenTrace(TracePath(), options);
  if (!source.ok()) {
    std::fprintf(stderr, "stages: %s\n", std::string(source.status().message()).c_str());
    std::exit(5);
  }
  return *std::move(source);
}

// The first events of the recording, and what became of them.
struct Kept {
  std::unique_ptr<EventSource> source = Open();
  std::vector<Event> events;
  std::unique_ptr<Reconstructor> model;
  std::vector<Completed> batches;

  Kept() {
    while (events.size() < kEvents) {
      const auto run = source->Next();
      if (!run.ok() || run->empty()) break;
      events.insert(events.end(), run->begin(), run->end());
    }
    model = std::make_unique<Reconstructor>(*source);
    Replay(*model, [this] { model->Take(batches.emplace_back()); });
  }

  template <typename F>
  void Replay(Reconstructor& into, F&& batch_is_full) const {
    const std::span<const Event> all(events);
    for (size_t at = 0; at < all.size(); at += kRun) {
      into.Add(all.subspan(at, std::min(kRun, all.size() - at)));
      if (at / kPerBatch != (at + kRun) / kPerBatch) batch_is_full();
    }
  }
};

const Kept& TheKept() {
  static const Kept kept;
  return kept;
}

void CountEvents(benchmark::State& state, uint64_t events) {
  state.counters["ns/event"] = benchmark::Counter(
      static_cast<double>(events) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void Read(benchmark::State& state) {
  const std::string path = TracePath();
  std::vector<char> buffer(64 << 10);
  for (auto _ : state) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    std::setbuf(file, nullptr);
    while (std::fread(buffer.data(), 1, buffer.size(), file) > 0) benchmark::ClobberMemory();
    std::fclose(file);
  }
  const auto source = Open();
  while (!source->Next()->empty()) continue;
  CountEvents(state, source->stats().events);
}

void ReadDecodeMerge(benchmark::State& state) {
  uint64_t events = 0;
  for (auto _ : state) {
    const auto source = Open();
    while (!source->Next()->empty()) continue;
    events = source->stats().events;
  }
  CountEvents(state, events);
}

void Reconstruct(benchmark::State& state) {
  const Kept& kept = TheKept();
  Completed batch;
  for (auto _ : state) {
    Reconstructor model(*kept.source);
    kept.Replay(model, [&] { model.Take(batch); });
  }
  CountEvents(state, kept.events.size());
}

void SumUp(benchmark::State& state) {
  const Kept& kept = TheKept();
  for (auto _ : state) {
    Analyzer analyzer(*kept.source, *kept.model, {});
    for (const Completed& batch : kept.batches) analyzer.Add(batch);
    benchmark::DoNotOptimize(analyzer);
  }
  CountEvents(state, kept.events.size());
}

void Render(benchmark::State& state) {
  const auto source = Open();
  const auto report = Analyze(*source, {});
  for (auto _ : state) benchmark::DoNotOptimize(RenderReport(*report, Format::kTable, {}, {}));
  CountEvents(state, source->stats().events);
}

void Whole(benchmark::State& state) {
  uint64_t events = 0;
  for (auto _ : state) {
    OpenOptions options;
    options.threads = static_cast<int>(state.range(0));
    const auto source = OpenTrace(TracePath(), options);
    benchmark::DoNotOptimize(Analyze(**source, {}));
    events = (*source)->stats().events;
  }
  CountEvents(state, events);
}

BENCHMARK(Read)->Unit(benchmark::kMillisecond);
BENCHMARK(ReadDecodeMerge)->Unit(benchmark::kMillisecond);
BENCHMARK(Reconstruct)->Unit(benchmark::kMillisecond);
BENCHMARK(SumUp)->Unit(benchmark::kMillisecond);
BENCHMARK(Render)->Unit(benchmark::kMillisecond);
BENCHMARK(Whole)->Arg(1)->Arg(2)->UseRealTime()->MeasureProcessCPUTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace wqprof

BENCHMARK_MAIN();
