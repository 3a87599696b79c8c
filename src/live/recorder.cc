// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>

#include "live/metadata.h"
#include "live/recorder_state.h"
#include "live/recording_note.h"
#include "live/wall_clock.h"
#include "wqprof/live.h"

namespace wqprof {
namespace {

using Clock = std::chrono::steady_clock;

// With less than that in the buffers a round was early; and more than the other is taken of no CPU
// at once, so that memory does not grow with what has piled up.
constexpr uint64_t kRoundBytes = 512 << 10, kMostOfRound = 2 << 20;
constexpr auto kCountsPeriod = std::chrono::milliseconds(1000);
// Some kernels wake readers for every event; then they are let collect some.
constexpr auto kPauseAfterLittle = std::chrono::milliseconds(50);
constexpr auto kPauseAfterLittleRound = std::chrono::milliseconds(10);
constexpr uint64_t kFurtherPages = 16;
constexpr auto kLongestWait = std::chrono::seconds(60);

}  // namespace

absl::Status Recorder::State::Switch(bool on) {
  if (attached) return absl::OkStatus();
  const ssize_t n = pwrite(tracing_on.get(), on ? "1" : "0", 1, 0);
  return n == 1 ? absl::OkStatus()
                : TracingError("cannot switch tracing", instance->File("tracing_on"), errno);
}

absl::Status Recorder::Start() {
  state_->urgency.emplace();
  state_->started = Clock::now();
  state_->next_counts = state_->next_partial = state_->started + kCountsPeriod;
  if (state_->round_period > Nanos(0)) state_->next_counts = state_->started + state_->round_period;
  absl::Status status = state_->Switch(true);
  // What somebody else's buffer holds has a beginning of its own.
  if (status.ok() && state_->probe != nullptr && !state_->attached) state_->probe->Begin();
  return Tracing(std::move(status));
}

absl::Status Recorder::Drain(PageSink& sink, Nanos timeout, int wake_fd) {
  absl::Status status = state_->Drain(sink, timeout, wake_fd);
  if (state_->tsc && Clock::now() >= state_->tsc->due()) state_->tsc->Read();
  return Tracing(std::move(status));
}

absl::Status Recorder::DrainNow(PageSink& sink) {
  if (state_->round_period == Nanos(0)) return absl::OkStatus();
  return Tracing(state_->DrainRound(sink));
}

absl::Status Recorder::State::Drain(PageSink& sink, Nanos timeout, int wake_fd) {
  assert(!stopped);
  auto ready = Wait(timeout, wake_fd);
  if (!ready.ok()) return ready.status();
  if (round_period > Nanos(0)) {
    if (ready->empty() && Clock::now() < next_counts) return absl::OkStatus();
    return DrainRound(sink);
  }
  uint64_t full = 0;
  for (CpuBuffer* buffer : *ready) {
    buffer->RefreshCounts();
    full += buffer->full();
    absl::Status status = buffer->Drain(buffer->full(), pipe, scratch, &sink);
    if (!status.ok()) return status;
  }
  little = !ready->empty() && full == 0;
  return Clock::now() < next_counts ? absl::OkStatus() : DrainByCounts(sink);
}

// The buffers that are worth reading.
absl::StatusOr<std::vector<CpuBuffer*>> Recorder::State::Wait(Nanos timeout, int wake_fd) {
  timeout = std::min<Nanos>(timeout, std::max<Nanos>(next_counts - Clock::now(), Nanos(0)));
  if (tsc) timeout = std::min<Nanos>(timeout, std::max<Nanos>(tsc->due() - Clock::now(), Nanos(0)));
  std::array<pollfd, 2> fds = {{{epoll.get(), POLLIN, 0}, {wake_fd, POLLIN, 0}}};
  if (little) {  // do not look at the buffers
    fds[0].fd = -1;
    timeout = std::min<Nanos>(timeout,
                              round_period > Nanos(0) ? kPauseAfterLittleRound : kPauseAfterLittle);
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  std::vector<CpuBuffer*> out;
  if (poll(fds.data(), fds.size(), static_cast<int>(ms)) < 0 && errno != EINTR) {
    return TracingError("cannot wait for the ring buffer", instance->File("per_cpu"), errno);
  }
  little = false;
  if ((fds[0].revents & POLLIN) == 0) return out;
  std::array<epoll_event, 64> found;
  const int n = epoll_wait(epoll.get(), found.data(), static_cast<int>(found.size()), 0);
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = found[static_cast<size_t>(i)];
    CpuBuffer* const buffer = buffers.at(static_cast<Cpu>(event.data.u64)).get();
    if ((event.events & EPOLLIN) != 0) {
      out.push_back(buffer);
    } else {
      // A CPU without a buffer, as it is offline: it would wake us without end.  Its counts
      // are looked at all the same, and show when it is back.
      epoll_ctl(epoll.get(), EPOLL_CTL_DEL, buffer->fd(), nullptr);
      unwatched.insert(buffer->cpu());
    }
  }
  return out;
}

// CPUs with few events never fill the share of their buffer that wakes us.  What fills
// sub-buffers is taken every second; less than that at ever longer intervals, as each such
// round stores a nearly empty sub-buffer for each CPU.
absl::Status Recorder::State::DrainByCounts(PageSink& sink) {
  const auto now = Clock::now();
  const bool partial = now >= next_partial;
  for (const auto& [cpu, buffer] : buffers) {
    buffer->RefreshCounts();
    if (buffer->counts().entries != 0 && unwatched.erase(cpu) != 0) {
      if (absl::Status status = Watch(*buffer); !status.ok()) return status;
    }
    const uint64_t limit = buffer->full() + (partial && buffer->counts().entries != 0 ? 1 : 0);
    if (absl::Status status = buffer->Drain(limit, pipe, scratch, &sink); !status.ok())
      return status;
  }
  next_counts = Clock::now() + kCountsPeriod;
  if (partial) {
    next_partial = now + std::min<Nanos>(now - started, kLongestWait);
  }
  return absl::OkStatus();
}

// All that there is, of every CPU, as far as one round goes.
absl::Status Recorder::State::DrainRound(PageSink& sink) {
  const uint64_t most = std::max<uint64_t>(kMostOfRound / metadata.page_size, 1);
  std::vector<Cpu> behind;
  uint64_t reads = 0;
  for (const auto& [cpu, buffer] : buffers) {
    const uint64_t before = buffer->reads();
    buffer->RefreshCounts();
    if (buffer->counts().entries == 0) continue;
    if (unwatched.erase(cpu) != 0) {
      if (absl::Status status = Watch(*buffer); !status.ok()) return status;
    }
    const auto all = buffer->DrainToWriter(most, scratch, sink);
    if (!all.ok()) return all.status();
    if (!*all) behind.push_back(cpu);
    reads += buffer->reads() - before;
  }
  little = reads * metadata.page_size < kRoundBytes / 2;
  next_counts = Clock::now() + (behind.empty() ? round_period : Nanos(0));
  return sink.EndRound(behind);
}

absl::Status Recorder::Stop(PageSink* sink) {
  State& state = *state_;
  if (state.stopped) return absl::OkStatus();
  state.stopped = true;
  for (const auto& [cpu, buffer] : state.buffers) buffer->RefreshCounts();
  // What the owner of an instance does with it is his own business.
  if (!state.attached) {
    state.disturbances = state.Disturbances();
  }
  const auto cleared = [](const auto& buffer) { return buffer.second->cleared(); };
  if (std::any_of(state.buffers.begin(), state.buffers.end(), cleared)) {
    state.disturbances.emplace_back("the buffer was cleared");
  }
  for (const std::string& what : state.disturbances) state.ending.settings.Add("disturbed", what);
  // Counted while events are recorded, so that all that was counted is there; but a recording that
  // is over before that can be done does not go on for it.
  const bool counted = state.probe != nullptr && !state.probe->Loading();
  if (counted) state.ending.workqueues = ConfigToJson(state.probe->SinceBegin());
  absl::Status status = state.Switch(false);
  if (state.probe != nullptr && !counted) {
    state.ending.workqueues = ConfigToJson(state.probe->Now());
  }
  state.ending.flushes =
      state.flushes != nullptr ? FlushesToJson(state.flushes->End()) : state.metadata.flushes;
  state.ending.calibration = state.CalibrateNow();
  status.Update(state.OpenBuffers());
  for (const auto& [cpu, buffer] : state.buffers) {
    // No more come in, unless it is an instance that goes on; sub-buffers are not quite full.
    const uint64_t all = state.attached ? 2 * buffer->full() + kFurtherPages : ~uint64_t{0};
    if (absl::Status drained = buffer->Drain(all, state.pipe, state.scratch, sink); !drained.ok()) {
      status.Update(drained);
      sink = nullptr;
    }
    buffer->RefreshCounts();
    // A CPU that never was online has nothing to report.
    const bool online = ToInt(cpu) < state.metadata.cpus;
    if (online || buffer->reads() != 0) {
      state.ending.cpu_stats.emplace_back(
          cpu, state.attached ? buffer->LateStatsText() : buffer->stats_text());
    }
  }
  state.urgency.reset();
  state.ending.saved_cmdlines = state.CmdlinesNow();
  return Tracing(std::move(status));
}

std::vector<std::string> Recorder::State::Disturbances() const {
  std::vector<std::string> out = FindDisturbances(*instance, events, metadata.trace_clock);
  if (stacks != nullptr && !stacks->IsThere()) {
    out.emplace_back("the trigger that takes stacks was removed");
  }
  return out;
}

std::string Recorder::State::CmdlinesNow() const {
  return MergeCmdlines(ReadText(tracefs->File("saved_cmdlines")).text, first_threads,
                       KernelThreads());
}

TraceEnding Recorder::Ending() const {
  assert(state_->stopped);
  return state_->ending;
}

std::vector<FlushWait> Recorder::TakeFlushes() {
  return state_->flushes != nullptr ? state_->flushes->Latest() : std::vector<FlushWait>();
}

TraceEnding Recorder::EndingNow(Timestamp since) {
  const State& state = *state_;
  TraceEnding out;
  out.saved_cmdlines = state.CmdlinesNow();
  // Stop() itself switches tracing off.
  const auto disturbances = state.stopped ? state.disturbances : state.Disturbances();
  for (const std::string& what : disturbances) out.settings.Add("disturbed", what);
  // What was counted since the recording began is not of this part of it.
  if (state.probe != nullptr) out.workqueues = ConfigToJson(state.probe->Now());
  out.flushes =
      state.flushes != nullptr ? FlushesToJson(state.flushes->Look(since)) : state.metadata.flushes;
  return out;
}

std::optional<ClockReading> Recorder::LastClockReading() const {
  return state_->tsc ? std::optional(state_->tsc->last()) : std::nullopt;
}

RecordingStats Recorder::stats() const {
  if (state_->final_stats) return *state_->final_stats;
  RecordingStats out;
  out.disturbances = state_->disturbances;
  for (const auto& [cpu, buffer] : state_->buffers) {
    const BufferCounts& counts = buffer->counts();
    out.events += counts.read + (state_->attached ? 0 : counts.entries);
    out.lost += counts.lost;
    out.bytes += buffer->bytes();
    out.reads += buffer->reads();
    if (counts.lost != 0 || buffer->gaps() != 0) {
      out.losses.push_back({cpu, counts.lost, buffer->gaps()});
    }
  }
  return out;
}

uint64_t Recorder::CountBuffered() {
  uint64_t bytes = 0;
  for (const auto& [cpu, buffer] : state_->buffers) {
    buffer->RefreshCounts();
    bytes += buffer->counts().bytes;
  }
  return bytes;
}

absl::Status Recorder::Remove() {
  state_->final_stats = stats();
  state_->stacks.reset();
  state_->buffers.clear();
  state_->epoll.Reset();
  state_->tracing_on.Reset();
  return Tracing(state_->instance->Remove());
}

}  // namespace wqprof
