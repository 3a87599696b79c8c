// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "live/metadata.h"
#include "live/recorder_state.h"
#include "live/recording_note.h"
#include "live/wall_clock.h"
#include "wqprof/error_kind.h"
#include "wqprof/tracefs_text.h"

namespace wqprof {
namespace {

// Readers are woken when this share of a buffer is filled.
constexpr int kBufferPercent = 50;
// In rounds they are woken for this much, which whoever takes the events still finds in the cache.
constexpr uint64_t kWakeBytes = 512 << 10;
// What is read before it is written: small enough to stay in the cache in between.
constexpr size_t kScratchBytes = 512 << 10;

}  // namespace

absl::Status Tracing(absl::Status status) {
  if (absl::IsInvalidArgument(status)) return status;
  return WithKind(std::move(status), ErrorKind::kCannotTrace);
}

absl::StatusOr<std::unique_ptr<Recorder>> Recorder::Create(const RecorderOptions& options) {
  auto state = std::make_unique<State>();
  if (absl::Status status = state->SetUp(options); !status.ok()) return Tracing(status);
  return std::unique_ptr<Recorder>(new Recorder(std::move(state)));
}

absl::Status Recorder::State::SetUp(RecorderOptions options) {
  round_period = options.round_period;
  if (options.configuration) probe = std::make_unique<ConfigProbe>();
  auto found = Tracefs::Open();
  if (!found.ok()) return found.status();
  tracefs = *std::move(found);
  for (const std::string& name : RemoveLeftoverInstances(*tracefs)) {
    notes.push_back(
        fmt::format("removed the trace instance {} of a recorder that was killed", name));
  }
  first_threads = KernelThreads();
  if (options.attach) return Attach(*options.attach);
  if (options.clock == kAutoClock) options.clock = BestClock(*tracefs);
  if (options.clock == "x86-tsc") tsc = TscClock::Create();
  clock = options.clock;
  if (options.flushes) {
    if (absl::Status status = WatchFlushes(*options.flushes); !status.ok()) return status;
  }
  const KernelSymbols symbols = ReadKernelSymbols();
  if (symbols.text.empty()) {
    notes.push_back("the kernel hides its symbols, so functions will be numbers; to see names: " +
                    HowToSeeSymbols());
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
  if (options.clock == "counter" || options.clock == "uptime" ||
      (options.clock == "x86-tsc" && !tsc)) {
    notes.push_back(
        fmt::format("the clock {} does not count nanoseconds here: reports of this "
                    "recording have its ticks for times",
                    options.clock));
  }
  if (absl::Status status = OpenBuffers(); !status.ok()) return status;
  // Whoever asks for them wants those of the beginning, too.
  if (options.flushes) ChooseFlushes(*options.flushes);
  if (absl::Status status = EnableEvents(*instance, events, notes); !status.ok()) return status;
  note = NoteSettings(events, options, buffer);
  if (options.stacks) {
    auto trigger = StackTrigger::Set(*instance, options.stacks_of, notes);
    if (!trigger.ok()) return trigger.status();
    stacks = *std::move(trigger);
    note.Add("stacks", stacks->filter().empty()
                           ? "workqueue:workqueue_queue_work"
                           : "workqueue:workqueue_queue_work if " + stacks->filter());
  }
  metadata.settings = note;
  NoteClocks(options.clock, *buffers.begin()->second, metadata.settings);
  metadata.calibration = CalibrateNow();
  return absl::OkStatus();
}

absl::Status Recorder::State::WatchFlushes(Nanos floor) {
  if (clock != "mono" && !(clock == "x86-tsc" && tsc)) {
    return absl::InvalidArgumentError(fmt::format(
        "--flushes takes times of CLOCK_MONOTONIC, which those of the clock {} are not\n"
        "leave out --clock, or write --clock mono",
        clock));
  }
  flushes = std::make_unique<FlushProbe>(floor, round_period > Nanos(0));
  return absl::OkStatus();
}

// Waits are watched by BPF or, where the kernel refuses that, shown by events.
void Recorder::State::ChooseFlushes(Nanos floor) {
  std::string why_not = flushes->WaitUntilLoaded();
  if (why_not.empty()) {
    if (round_period > Nanos(0)) metadata.flushes = FlushesToJson(flushes->Look(Timestamp::max()));
    return;
  }
  flushes.reset();
  FlushLog log = FlushesByEvents(floor, why_not);
  if (AdmitFlushers(events)) {
    notes.push_back(fmt::format(
        "--flushes: of flush_work and cancel_work_sync there will be lower bounds only, and "
        "nothing of flush_workqueue and drain_workqueue: {}",
        why_not));
  } else {
    log = {};
    log.floor = floor;
    log.limited_by = why_not + ", and there are no scheduler events";
    notes.push_back("--flushes: who waits in flushes is not recorded: " + log.limited_by);
  }
  metadata.flushes = FlushesToJson(log);
}

ClockCalibration Recorder::State::CalibrateNow() {
  if (!tsc) return {};
  tsc->Read();
  return tsc->Calibration();
}

absl::Status Recorder::State::Attach(const std::string& name) {
  attached = true;
  auto found = TraceInstance::Attach(*tracefs, name);
  if (!found.ok()) return found.status();
  instance = *std::move(found);
  // Whatever is enabled there now, the buffer may hold others from before.
  RecorderOptions all;
  all.irqs = true;
  events = PlanEvents(all, {});
  std::erase_if(events, [this](const PlannedEvent& event) {
    return !tracefs->HasEvent(event.system, event.name);
  });
  auto read = ReadMetadata(*instance, events, ReadKernelSymbols());
  if (!read.ok()) return read.status();
  metadata = *std::move(read);
  metadata.saved_cmdlines = CmdlinesNow();
  clock = ClockInUse(metadata.trace_clock);
  if (clock == "x86-tsc") tsc = TscClock::Create();
  note.Add("attached", name.empty() ? "the top level" : name);
  note.Add("clock", clock);
  metadata.settings = note;
  if (absl::Status status = OpenBuffers(); !status.ok()) return status;
  NoteClocks(clock, *buffers.begin()->second, metadata.settings);
  metadata.calibration = CalibrateNow();
  const std::string enabled = ReadText(instance->File("set_event")).text;
  if (enabled.find("workqueue:") == std::string::npos) {
    notes.push_back(
        fmt::format("no event of workqueues is enabled in {}: only what its buffer "
                    "holds from before can have any",
                    name.empty() ? "the top level" : name));
  }
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
          : std::clamp<uint64_t>(100 * kWakeBytes / buffer.bytes, 1, kBufferPercent);
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
    if (attached) (*buffer)->BeginLate();
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

bool Recorder::idle() const {
  return state_->attached && Trimmed(ReadText(state_->instance->File("tracing_on")).text) == "0";
}

absl::StatusOr<TraceMetadata> Recorder::MetadataNow() {
  State& state = *state_;
  auto read = ReadMetadata(*state.instance, state.events, ReadKernelSymbols());
  if (!read.ok()) return Tracing(read.status());
  read->saved_cmdlines = state.CmdlinesNow();
  read->calibration = state.CalibrateNow();
  read->settings = state.note;
  NoteClocks(state.clock, *state.buffers.begin()->second, read->settings);
  return read;
}

}  // namespace wqprof
