// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "live/event_plan.h"
#include "live/kernel_threads.h"
#include "live/metadata.h"
#include "live/page_pipe.h"
#include "live/recording_note.h"
#include "live/ring_buffer.h"
#include "live/trace_instance.h"
#include "live/tracefs.h"
#include "live/wall_clock.h"
#include "wqprof/error_kind.h"
#include "wqprof/live.h"

namespace wqprof {
namespace {

using Clock = std::chrono::steady_clock;

// Readers are woken when this share of a buffer is filled.
constexpr int kBufferPercent = 50;
// In rounds they are woken for this much, which whoever takes the events still finds in the cache;
// and more than that is taken of no CPU at once, so that memory does not grow with what has piled
// up.
constexpr uint64_t kRoundBytes = 512 << 10, kMostOfRound = 2 << 20;
// What is read before it is written: small enough to stay in the cache in between.
constexpr size_t kScratchBytes = 512 << 10;
constexpr auto kCountsPeriod = std::chrono::milliseconds(1000);
// Some kernels wake readers for every event; then they are let collect some.
constexpr auto kPauseAfterLittle = std::chrono::milliseconds(50);
constexpr auto kPauseAfterLittleRound = std::chrono::milliseconds(10);
constexpr auto kLongestWait = std::chrono::seconds(60);

// Whatever goes wrong here, and is nobody else's trouble, means that this machine cannot trace.
absl::Status Tracing(absl::Status status) {
  if (absl::IsInvalidArgument(status)) return status;
  return WithKind(std::move(status), ErrorKind::kCannotTrace);
}

// Lets the collector run as soon as it is woken, however busy the machine: else it is the
// traced load itself that keeps it from reading in time.  Ends with the object.
class Urgency {
 public:
  Urgency() : nice_(getpriority(PRIO_PROCESS, 0)) { setpriority(PRIO_PROCESS, 0, kMostUrgent); }
  ~Urgency() { setpriority(PRIO_PROCESS, 0, nice_); }
  Urgency(const Urgency&) = delete;
  Urgency& operator=(const Urgency&) = delete;

 private:
  static constexpr int kMostUrgent = -20;
  int nice_;
};

}  // namespace

// Members are destroyed from the last to the first: all files in the instance are closed
// before it is removed, and it before tracefs is unmounted.
struct Recorder::State {
  std::unique_ptr<Tracefs> tracefs;
  std::unique_ptr<TraceInstance> instance;
  ScopedFd tracing_on;
  ScopedFd epoll;
  std::map<Cpu, std::unique_ptr<CpuBuffer>> buffers;
  std::vector<PlannedEvent> events;
  TraceMetadata metadata;
  Comms first_threads;
  TraceEnding ending;
  std::optional<RecordingStats> final_stats;  // once the buffers are gone
  std::vector<std::string> notes;
  PagePipe pipe;
  std::vector<std::byte> scratch;
  std::optional<Urgency> urgency;  // of the thread that records
  Clock::time_point started, next_counts, next_partial;
  std::set<Cpu> unwatched;  // by epoll
  bool little = false;      // the last round found hardly anything
  Nanos round_period{0};
  bool stopped = false;
  std::vector<std::string> disturbances;

  absl::Status SetUp(const RecorderOptions& options);
  absl::Status SetUpInstance(const RecorderOptions& options, BufferSetup& buffer);
  absl::Status OpenBuffers();
  absl::Status Watch(const CpuBuffer& buffer) const;
  absl::StatusOr<std::vector<CpuBuffer*>> Wait(Nanos timeout, int wake_fd);
  absl::Status Drain(PageSink& sink, Nanos timeout, int wake_fd);
  absl::Status DrainByCounts(PageSink& sink);
  absl::Status DrainRound(PageSink& sink);
  absl::Status Switch(bool on);
};

// --- Setup -------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<Recorder>> Recorder::Create(const RecorderOptions& options) {
  auto state = std::make_unique<State>();
  if (absl::Status status = state->SetUp(options); !status.ok()) return Tracing(status);
  return std::unique_ptr<Recorder>(new Recorder(std::move(state)));
}

absl::Status Recorder::State::SetUp(const RecorderOptions& options) {
  round_period = options.round_period;
  auto found = Tracefs::Open();
  if (!found.ok()) return found.status();
  tracefs = *std::move(found);
  for (const std::string& name : RemoveLeftoverInstances(*tracefs)) {
    notes.push_back(
        fmt::format("removed the trace instance {} of a recorder that was killed", name));
  }
  first_threads = KernelThreads();
  const KernelSymbols symbols = ReadKernelSymbols();
  if (symbols.text.empty()) {
    notes.push_back(
        "the kernel hides its symbols, so functions will be numbers; "
        "to see names: sysctl kernel.kptr_restrict=1");
  }
  FilterFacts facts;
  facts.workers_have_prefix = RescuersHavePrefix(first_threads);
  if (options.timers) facts.delayed_work_timer_fn = symbols.AddressOf("delayed_work_timer_fn");
  events = PlanEvents(options, facts);
  if (absl::Status status = CheckEvents(*tracefs, events); !status.ok()) return status;

  BufferSetup buffer;
  if (absl::Status status = SetUpInstance(options, buffer); !status.ok()) return status;
  auto read = ReadMetadata(*instance, events, symbols);
  if (!read.ok()) return read.status();
  metadata = *std::move(read);
  metadata.saved_cmdlines =
      MergeCmdlines(ReadText(tracefs->File("saved_cmdlines")).text, first_threads, {});
  if (options.clock == "x86-tsc") metadata.tsc = ReadTscScale();
  if (options.clock == "counter" || options.clock == "uptime" ||
      (options.clock == "x86-tsc" && metadata.tsc.mult == 0)) {
    notes.push_back(
        fmt::format("the clock {} does not count nanoseconds here: reports of this "
                    "recording have its ticks for times",
                    options.clock));
  }
  if (absl::Status status = OpenBuffers(); !status.ok()) return status;
  if (absl::Status status = EnableEvents(*instance, events, notes); !status.ok()) return status;
  metadata.settings = NoteSettings(events, options, buffer);
  NoteClocks(options.clock, *buffers.begin()->second, metadata.settings);
  return absl::OkStatus();
}

absl::Status Recorder::State::SetUpInstance(const RecorderOptions& options, BufferSetup& buffer) {
  auto created = TraceInstance::Create(*tracefs);
  if (!created.ok()) return created.status();
  instance = *std::move(created);
  auto set_up = SetUpBuffer(*instance, options.clock, options.buffer_bytes, notes);
  if (!set_up.ok()) return set_up.status();
  buffer = *set_up;
  // Old kernels have no such file, and wake readers at once.
  const uint64_t percent =
      options.round_period == Nanos(0)
          ? kBufferPercent
          : std::clamp<uint64_t>(100 * kRoundBytes / buffer.bytes, 1, kBufferPercent);
  WriteText(instance->File("buffer_percent"), fmt::format("{}", percent));
  // An instance inherits the options of the top level.
  const std::string overwrite = instance->File("options/overwrite");
  if (const int error = WriteText(overwrite, "1"); error != 0) {
    return TracingError("cannot set up the trace instance", overwrite, error);
  }
  const std::string on = instance->File("tracing_on");
  tracing_on.Reset(open(on.c_str(), O_WRONLY | O_CLOEXEC));
  return tracing_on.ok() ? absl::OkStatus() : TracingError("cannot trace", on, errno);
}

// Also finds the buffers of CPUs that came up since.
absl::Status Recorder::State::OpenBuffers() {
  if (!epoll.ok()) epoll.Reset(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return absl::ResourceExhaustedError("cannot trace: epoll_create1 failed");
  for (const Cpu cpu : BufferCpus(*instance)) {
    if (buffers.contains(cpu)) continue;
    auto buffer = CpuBuffer::Open(*instance, cpu, metadata.page_size);
    if (!buffer.ok()) return buffer.status();
    if (absl::Status status = Watch(**buffer); !status.ok()) return status;
    buffers.emplace(cpu, *std::move(buffer));
  }
  scratch.resize(std::max<size_t>(kScratchBytes / metadata.page_size, 1) * metadata.page_size);
  return absl::OkStatus();
}

absl::Status Recorder::State::Watch(const CpuBuffer& buffer) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = static_cast<uint64_t>(ToInt(buffer.cpu()));
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, buffer.fd(), &event) == 0) return absl::OkStatus();
  return TracingError("cannot wait for the ring buffer", instance->File("per_cpu"), errno);
}

Recorder::Recorder(std::unique_ptr<State> state) : state_(std::move(state)) {}

Recorder::~Recorder() = default;

const std::vector<std::string>& Recorder::notes() const { return state_->notes; }

const TraceMetadata& Recorder::metadata() const { return state_->metadata; }

// --- Recording -----------------------------------------------------------------------------

absl::Status Recorder::State::Switch(bool on) {
  const ssize_t n = pwrite(tracing_on.get(), on ? "1" : "0", 1, 0);
  return n == 1 ? absl::OkStatus()
                : TracingError("cannot switch tracing", instance->File("tracing_on"), errno);
}

absl::Status Recorder::Start() {
  state_->urgency.emplace();
  state_->started = Clock::now();
  state_->next_counts = state_->next_partial = state_->started + kCountsPeriod;
  if (state_->round_period > Nanos(0)) state_->next_counts = state_->started + state_->round_period;
  return Tracing(state_->Switch(true));
}

absl::Status Recorder::Drain(PageSink& sink, Nanos timeout, int wake_fd) {
  return Tracing(state_->Drain(sink, timeout, wake_fd));
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
  state.disturbances = FindDisturbances(*state.instance, state.events, state.metadata.trace_clock);
  const auto cleared = [](const auto& buffer) { return buffer.second->cleared(); };
  if (std::any_of(state.buffers.begin(), state.buffers.end(), cleared)) {
    state.disturbances.emplace_back("the buffer was cleared");
  }
  for (const std::string& what : state.disturbances) state.ending.settings.Add("disturbed", what);
  absl::Status status = state.Switch(false);
  status.Update(state.OpenBuffers());
  for (const auto& [cpu, buffer] : state.buffers) {
    constexpr uint64_t kAll = ~uint64_t{0};  // no more come in
    if (absl::Status drained = buffer->Drain(kAll, state.pipe, state.scratch, sink);
        !drained.ok()) {
      status.Update(drained);
      sink = nullptr;
    }
    buffer->RefreshCounts();
    // A CPU that never was online has nothing to report.
    const bool online = ToInt(cpu) < state.metadata.cpus;
    if (online || buffer->reads() != 0) {
      state.ending.cpu_stats.emplace_back(cpu, buffer->stats_text());
    }
  }
  state.urgency.reset();
  state.ending.saved_cmdlines = MergeCmdlines(ReadText(state.tracefs->File("saved_cmdlines")).text,
                                              state.first_threads, KernelThreads());
  return Tracing(std::move(status));
}

TraceEnding Recorder::Ending() const {
  assert(state_->stopped);
  return state_->ending;
}

RecordingStats Recorder::stats() const {
  if (state_->final_stats) return *state_->final_stats;
  RecordingStats out;
  out.disturbances = state_->disturbances;
  for (const auto& [cpu, buffer] : state_->buffers) {
    const BufferCounts& counts = buffer->counts();
    out.events += counts.entries + counts.read;
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
  state_->buffers.clear();
  state_->epoll.Reset();
  state_->tracing_on.Reset();
  return Tracing(state_->instance->Remove());
}

}  // namespace wqprof
