// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/buffer_size.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/live_pipeline.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "cli/watch_capture.h"
#include "wqprof/arguments.h"
#include "wqprof/live.h"
#include "wqprof/number_text.h"
#include "wqprof/page_feed.h"
#include "wqprof/page_ring.h"
#include "wqprof/render_holders.h"
#include "wqprof/render_watch.h"
#include "wqprof/watch.h"

namespace wqprof {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof watch --on 'stall > 100ms' -o /var/tmp/stalls\n"
    "  wqprof watch --on 'latency > 50ms, function=blk_mq_*' --keep 10s -o /tmp/slow\n"
    "  wqprof watch --on 'execution > 1s' --do 'logger found one' -o /tmp/long\n"
    "\n"
    "Read a file with wqprof report FILE.";

constexpr Nanos kRound = std::chrono::milliseconds(100);
// So often it is looked at what is open; what has ended is never missed.
constexpr Nanos kLook = std::chrono::milliseconds(100);
// So long a file waits at most for CPUs whose buffers have piled up.
constexpr Nanos kLongestCatchUp = std::chrono::seconds(5);

constexpr size_t kMostSaid = 4;  // stacks of one finding

// The options as the user gave them.
struct WatchOptions {
  RecorderOptions recorder;
  std::vector<WatchCondition> conditions;
  RingLimits keep;
  Nanos after = std::chrono::seconds(2), cooldown = std::chrono::seconds(60);
  Nanos heartbeat = std::chrono::hours(24);
  std::optional<Nanos> duration;
  std::optional<size_t> count;
  std::optional<uint64_t> buffer_bytes;
  std::optional<std::string> flush_floor;  // as written; "" the default
  std::vector<std::string> action;
  std::string directory;
  bool quiet = false;
};

// From when on conditions ask who holds a pool.
HolderLimits LimitsOf(const std::vector<WatchCondition>& conditions) {
  constexpr Nanos kShortest = std::chrono::milliseconds(1);
  HolderLimits out;
  for (const WatchCondition& condition : conditions) {
    const Nanos limit(static_cast<int64_t>(condition.limit));
    // What is over in less than a round is never asked.
    Nanos* const its = condition.quantity == Quantity::kStall  ? &out.stall
                       : IsDurationOfItems(condition.quantity) ? &out.execution
                                                               : nullptr;
    if (its != nullptr) *its = std::clamp(limit, kShortest, *its);
  }
  return out;
}

// Whether the stack is of what was found.
bool IsOf(const HolderStack& stack, const WatchHit& hit) {
  if (hit.key.item == 0) return stack.pool == hit.pool && stack.stall == hit.key.begin;
  return stack.pid == hit.worker_pid && stack.function == hit.function && stack.pool == hit.pool;
}

// Pages in; kept, and looked at.
class LiveWatch : public LivePipeline {
 public:
  LiveWatch(PageFeed& feed, PageRing& ring, const std::vector<WatchCondition>& conditions,
            std::function<void()> each_round)
      : LivePipeline(feed, LimitsOf(conditions)),
        ring_(ring),
        collector_(feed, pipeline().model(), conditions),
        each_round_(std::move(each_round)) {
    pipeline().Attach(collector_);
  }

  absl::Status Add(Cpu cpu, std::span<const std::byte> pages) override {
    ring_.Add(cpu, pages, Now());
    return LivePipeline::Add(cpu, pages);
  }
  absl::Status EndRound(std::span<const Cpu> behind) override {
    if (absl::Status status = LivePipeline::EndRound(behind); !status.ok()) return status;
    ring_.Expire(Now());
    behind_ = !behind.empty();
    each_round_();
    return absl::OkStatus();
  }
  WatchCollector& collector() { return collector_; }
  const HolderStacks& stacks() const { return feed().info().holder_stacks; }
  // There is more in the buffers of some CPUs: those of others are ahead of them.
  bool behind() const { return behind_; }
  static Nanos Now() { return Clock::now().time_since_epoch(); }

 private:
  PageRing& ring_;
  WatchCollector collector_;
  std::function<void()> each_round_;
  bool behind_ = false;
};

// One run of the command.
class WatchCommand {
 public:
  explicit WatchCommand(WatchOptions options)
      : options_(std::move(options)), nice_(getpriority(PRIO_PROCESS, 0)) {}

  int Run() {
    if (const absl::Status status = SetUp(); !status.ok()) return Fail(status);
    RecordingLimits limits;
    limits.duration = options_.duration;
    limits.full = [this] { return options_.count && files_ >= *options_.count; };
    began_ = LiveWatch::Now();
    next_heartbeat_ = began_ + options_.heartbeat;
    const RecordingEnd end =
        RunRecording(*recorder_, *live_, nullptr, signals_, limits, [](Nanos) {});
    EndCapture();
    absl::Status status = end.status;
    status.Update(recorder_->Remove());
    if (action_ != nullptr) {
      if (!WaitForWorkload(*action_, signals_)) EndWorkload(*action_, signals_);
      NoteActionEnd();
    }
    if (!options_.quiet) Note(StateText());
    NoteLosses(recorder_->stats(), LargerBuffer(options_.buffer_bytes));
    return Fail(status);
  }

 private:
  absl::Status SetUp() {
    if (!options_.action.empty()) {
      const absl::Status found = Workload::Check(options_.action.front());
      if (!found.ok()) return found;
    }
    options_.recorder.buffer_bytes = options_.buffer_bytes.value_or(0);
    options_.recorder.configuration = true;
    options_.recorder.round_period = kRound;
    auto recorder = Recorder::Create(options_.recorder);
    if (!recorder.ok()) return recorder.status();
    recorder_ = *std::move(recorder);
    // Where nothing can be recorded no directory is left behind.
    const absl::StatusOr<size_t> removed = PrepareDirectory(options_.directory);
    if (!removed.ok()) return removed.status();
    if (*removed > 0) {
      Note(fmt::format("removed {} of a watch that was killed", CountOf(*removed, "file")));
    }
    auto feed = PageFeed::Create(recorder_->metadata(), TaskName);
    if (!feed.ok()) return feed.status();
    feed_ = *std::move(feed);
    auto ring = PageRing::Create(recorder_->metadata(), options_.keep);
    if (!ring.ok()) return ring.status();
    ring_ = *std::move(ring);
    live_ = std::make_unique<LiveWatch>(*feed_, *ring_, options_.conditions, [this] { Round(); });
    if (options_.quiet) return absl::OkStatus();
    for (const std::string& note : recorder_->notes()) Note(note);
    std::vector<std::string> conditions;
    for (const WatchCondition& condition : options_.conditions) {
      conditions.push_back(condition.text);
    }
    Note(fmt::format("watching for {}", fmt::join(conditions, ", or ")));
    return absl::OkStatus();
  }

  // Called about ten times a second, more often under load.
  void Round() {
    const Nanos now = LiveWatch::Now();
    if (capture_ != nullptr) GoOnWithCapture(now);
    if (capture_ != nullptr && !options_.quiet) SayStacks();
    if (action_ != nullptr && action_->Ended()) NoteActionEnd();
    if (now >= next_look_) {
      next_look_ = now + kLook;
      const std::vector<WatchHit> hits = live_->collector().Look();
      if (!hits.empty()) OnHits(hits, now);
    }
    if (now < next_heartbeat_) return;
    Note(StateText());
    next_heartbeat_ = now + options_.heartbeat;
  }

  void OnHits(const std::vector<WatchHit>& hits, Nanos now) {
    const bool enough = options_.count && files_ >= *options_.count;
    if (capture_ != nullptr || now < cooled_down_ || enough) return;
    const auto excess = [this](const WatchHit& hit) {
      return hit.value / std::max(1.0, options_.conditions[hit.condition].limit);
    };
    const WatchHit& worst = *std::max_element(
        hits.begin(), hits.end(),
        [&](const WatchHit& a, const WatchHit& b) { return excess(a) < excess(b); });
    cooled_down_ = now + options_.cooldown;
    if (const absl::Status status = BeginCapture(worst, now); !status.ok()) Fail(status);
  }

  absl::Status BeginCapture(const WatchHit& hit, Nanos now) {
    const WatchCondition& condition = options_.conditions[hit.condition];
    finding_ = WatchText(hit, condition);
    if (!options_.quiet) Note(finding_);
    auto metadata = recorder_->MetadataNow();
    if (!metadata.ok()) return metadata.status();
    Settings settings;
    settings.Add("wqprof", WQPROF_VERSION);
    settings.Add("watch_condition", condition.text);
    settings.Add("watch_finding", finding_);
    settings.Append(metadata->settings);
    metadata->settings = std::move(settings);
    ring_->Seal();
    // As much again for each time like that which was kept.
    const double more =
        std::chrono::duration<double>(options_.after) /
        std::max(std::chrono::duration<double>(ring_->Span(now)), std::chrono::duration<double>(1));
    const auto bytes =
        static_cast<uint64_t>(static_cast<double>(ring_->bytes()) * (1 + std::min(more, 100.0)));
    auto capture = WatchCapture::Begin(options_.directory, WatchWord(condition),
                                       *std::move(metadata), bytes, nice_);
    if (!capture.ok()) return capture.status();
    capture_ = *std::move(capture);
    live_->collector().Settle(hit);
    hit_ = hit;
    said_stacks_.clear();
    capture_from_ = now - ring_->Span(now);
    capture_->Take(ring_->From(0));
    next_chunk_ = ring_->next();
    capture_until_ = now + options_.after;
    return absl::OkStatus();
  }

  void GoOnWithCapture(Nanos now) {
    if (!capture_->ended()) {
      // All CPUs shall end together, or nearly so.
      const bool over =
          now >= capture_until_ && (!live_->behind() || now - capture_until_ >= kLongestCatchUp);
      if (over) ring_->Seal();
      if (!TakeChunks() || over) capture_->End(EndingNow());
    }
    if (capture_->done()) FinishCapture();
  }

  // False when some are gone already, as the disk is too slow: what comes behind them would look as
  // if nothing had happened in between.
  bool TakeChunks() {
    auto chunks = ring_->From(next_chunk_);
    const uint64_t first = chunks.empty() ? ring_->next() : chunks.front()->number();
    if (first != next_chunk_) return false;
    next_chunk_ = ring_->next();
    capture_->Take(std::move(chunks));
    return true;
  }

  // What was found goes on: where it stands, once.
  void SayStacks() {
    for (const HolderStack& stack : live_->stacks().all()) {
      if (!IsOf(stack, hit_) || said_stacks_.size() == kMostSaid) continue;
      const std::string text = stack.why_not.empty()
                                   ? "stack taken while it goes on: " + HolderText(stack)
                                   : NoStackText(stack);
      if (!said_stacks_.insert(text).second) continue;
      if (stack.why_not.empty() || said_why_not_.insert(stack.why_not).second) Note(text);
    }
  }

  TraceEnding EndingNow() {
    TraceEnding ending = recorder_->EndingNow(Timestamp(capture_from_));
    ending.holder_stacks = HolderStacksToJson(live_->stacks());
    ending.settings.Add("ended_by", "watch");
    return ending;
  }

  // The recording is over.
  void EndCapture() {
    if (capture_ == nullptr) return;
    if (!capture_->ended()) {
      ring_->Seal();
      TakeChunks();
      capture_->End(EndingNow());
    }
    FinishCapture();
  }

  void FinishCapture() {
    const absl::StatusOr<std::string> path = capture_->Result();
    capture_.reset();
    if (!path.ok()) {
      Fail(path.status());
      return;
    }
    ++files_;
    if (!options_.quiet) Note(fmt::format("wrote {}: {}", *path, finding_));
    RunAction(*path);
  }

  void RunAction(const std::string& path) {
    if (options_.action.empty()) return;
    if (action_ != nullptr && !action_->Ended()) {
      Note(fmt::format("{} still runs: it is not started for {}", options_.action.front(), path));
      return;
    }
    if (action_ != nullptr) NoteActionEnd();
    WorkloadOptions options;
    options.environment = {"WQPROF_FILE=" + path, "WQPROF_FINDING=" + finding_};
    options.nice = nice_;
    auto action = Workload::Prepare(options_.action, options);
    absl::Status status = action.status();
    if (action.ok()) status = (*action)->Start();
    if (!status.ok()) {
      Fail(status);
      return;
    }
    action_ = *std::move(action);
  }

  void NoteActionEnd() {
    const int status = action_->Ended() ? action_->wait_status() : 0;
    action_.reset();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    Note(CommandEndText(options_.action.front(), status));
  }

  std::string StateText() const {
    const Nanos now = LiveWatch::Now();
    const RecordingStats stats = recorder_->stats();
    return fmt::format("watched for {}: {}, {} lost, {} written; {:.1f} MB hold the last {}",
                       DurationText(now - began_), CountOf(stats.events, "event"),
                       CountText(stats.lost), CountOf(files_, "file"),
                       static_cast<double>(ring_->bytes()) / 1e6, DurationText(ring_->Span(now)));
  }

  WatchOptions options_;
  const int nice_;  // before the recorder made this process urgent
  SignalQueue signals_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<PageFeed> feed_;
  std::unique_ptr<PageRing> ring_;
  std::unique_ptr<LiveWatch> live_;
  std::unique_ptr<WatchCapture> capture_;  // the file that is being written
  std::unique_ptr<Workload> action_;
  std::string finding_;
  WatchHit hit_;  // that the capture is of
  std::set<std::string> said_stacks_, said_why_not_;
  uint64_t next_chunk_ = 0;  // that the capture takes
  Nanos began_{0}, capture_from_{0}, capture_until_{0}, cooled_down_{0}, next_look_{0},
      next_heartbeat_{0};
  size_t files_ = 0;
};

// "30s", "64M".
absl::Status ParseKeep(std::string_view text, RingLimits& out) {
  if (const auto time = ParseDuration(text); time.ok()) {
    if (*time <= Nanos(0)) {
      return absl::InvalidArgumentError("0 would keep nothing\ngive a time, e.g. 30s");
    }
    out.time = *time;
    return absl::OkStatus();
  }
  const auto bytes = ParseSize(text);
  if (!bytes.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is neither a time, such as 30s, nor a size, such as 64M", text));
  }
  if (*bytes < PageRing::kLeastBytes) {
    return absl::InvalidArgumentError(fmt::format("'{}' is too small: at least 1M is kept", text));
  }
  out.bytes = *bytes;
  return absl::OkStatus();
}

absl::Status CheckOptions(const WatchOptions& options) {
  if (options.conditions.empty()) {
    return absl::InvalidArgumentError(
        "watch needs to know what to watch for\ngive a condition, e.g. --on 'stall > 100ms'");
  }
  if (options.directory.empty()) {
    return absl::InvalidArgumentError(
        "watch needs a directory for what it finds\nname one: -o DIR");
  }
  for (const WatchCondition& condition : options.conditions) {
    if (condition.needs_sched() && !options.recorder.sched) {
      return absl::InvalidArgumentError(fmt::format(
          "'{}' can only be seen with scheduler events\nleave out --no-sched", condition.text));
    }
    if (condition.needs_timers() && !options.recorder.timers) {
      return absl::InvalidArgumentError(fmt::format(
          "'{}' can only be seen with timer events\nleave out --no-timers", condition.text));
    }
  }
  if (options.count && *options.count == 0) {
    return absl::InvalidArgumentError("--count 0 would write nothing\ngive a number, e.g. 1");
  }
  if (options.heartbeat < std::chrono::seconds(1)) {
    return absl::InvalidArgumentError("a heartbeat comes once a second at most\ngive 1s or more");
  }
  return absl::OkStatus();
}

int RunWatch(WatchOptions& options) {
  absl::Status status = TakeFlushFloor(options.flush_floor, options.recorder);
  status.Update(CheckOptions(options));
  if (!status.ok()) return Fail(status);
  return WatchCommand(options).Run();
}

}  // namespace

void AddWatchCommand(CommandLine& line) {
  auto options = std::make_shared<WatchOptions>();
  Command command =
      line.Add("watch", "Keep the last seconds, and write them when something happens (as root)");
  command.AddTaken({"--on", "CONDITION",
                    "What to watch for, e.g. 'stall > 100ms' or 'latency > 50ms, function=blk_*'; "
                    "may be repeated"},
                   [options](std::string_view text) {
                     auto condition = ParseWatchCondition(text);
                     if (!condition.ok()) return condition.status();
                     options->conditions.push_back(*std::move(condition));
                     return absl::OkStatus();
                   });
  command.AddText({"-o,--output", "DIR", "Directory for the files; made if it is not there"},
                  &options->directory);
  command.AddTaken({"--keep", "TIME|SIZE",
                    "How much of the time before is kept in memory (default 30s and 64M); may be "
                    "repeated"},
                   [options](std::string_view text) { return ParseKeep(text, options->keep); });
  command.AddParsed({"--after", "TIME", "How much of the time after is recorded (default 2s)"},
                    &options->after, ParseSeconds);
  command.AddTaken({"--do", "CMD",
                    "Run CMD, without a shell, after each file, with WQPROF_FILE and "
                    "WQPROF_FINDING in its environment"},
                   [options](std::string_view text) {
                     auto words = ParseCommand(text);
                     if (!words.ok()) return words.status();
                     options->action = *std::move(words);
                     return absl::OkStatus();
                   });
  command.AddParsed({"--count", "N", "End after N files"}, &options->count, ParseCount);
  command.AddParsed({"--cooldown", "TIME", "Write nothing for TIME after a file (default 60s)"},
                    &options->cooldown, ParseSeconds);
  command.AddParsed({"-d,--duration", "TIME", "Stop after TIME; default: at Ctrl-C"},
                    &options->duration, ParseSeconds);
  command.AddParsed({"--heartbeat", "TIME", "Print a line of state every TIME (default 24h)"},
                    &options->heartbeat, ParseSeconds);
  AddEventOptions(command, &options->recorder);
  AddStackOption(command, &options->recorder);
  AddFlushOption(command, &options->flush_floor);
  command.AddParsed(
      {"-b,--buffer", "SIZE", "Ring buffer of each CPU (default 16M, less if memory is scarce)"},
      &options->buffer_bytes, ParseBufferSize);
  command.AddFlag({"-q,--quiet", "", "Print only errors, losses and the heartbeat"},
                  &options->quiet);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunWatch(*options); });
}

}  // namespace wqprof
