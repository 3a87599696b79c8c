// SPDX-License-Identifier: Apache-2.0
#include "cli/top_counters.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/own_cpu.h"
#include "cli/screen.h"
#include "cli/signals.h"
#include "wqprof/error_kind.h"
#include "wqprof/glob.h"
#include "wqprof/render_counters.h"
#include "wqprof/wall_clock.h"
#include "wqprof/workqueue_reader.h"

namespace wqprof {
namespace {

using Clock = std::chrono::steady_clock;

absl::Status CannotRead(const std::string& why) {
  return WithKind(
      absl::UnavailableError(fmt::format("cannot read the kernel's counters of workqueues: {}\n"
                                         "wqprof top without --counters counts by tracing",
                                         why)),
      ErrorKind::kCannotTrace);
}

bool HasCounters(const WorkqueueConfig& config) {
  return std::any_of(
      config.workqueues.begin(), config.workqueues.end(), [](const WorkqueueSetup& workqueue) {
        return workqueue.end[static_cast<size_t>(WorkqueueCounter::kStarted)].has_value();
      });
}

// One run of `top --counters`.
class CountersCommand {
 public:
  explicit CountersCommand(const CountersOptions& options) : options_(options) {}

  absl::Status Run() {
    if (absl::Status status = SetUp(); !status.ok()) return status;
    const Clock::time_point begin = Clock::now();
    Clock::time_point next = begin + options_.interval;
    const auto end = options_.duration ? begin + *options_.duration : Clock::time_point::max();
    while (!over_ && looks_ < options_.looks.value_or(SIZE_MAX)) {
      const Clock::time_point until = std::min(next, end);
      if (absl::Status status = WaitUntil(until); !status.ok()) return status;
      if (over_ || Clock::now() < until) continue;
      if (absl::Status status = Look(); !status.ok()) return status;
      over_ = until == end;
      next += options_.interval;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status SetUp() {
    auto walk = WorkqueueWalk::Load();
    if (!walk.ok()) return CannotRead(std::string(walk.status().message()));
    walk_ = *std::move(walk);
    if (absl::Status status = Read(last_); !status.ok()) return status;
    if (!HasCounters(last_)) return CannotRead("this kernel keeps none (since Linux 6.5)");
    last_at_ = Clock::now();
    own_cpu_.Take();  // what setting up took is no part of it
    utsname name{};
    uname(&name);
    view_.machine = name.nodename;
    view_.kernel = name.release;
    view_.filters = fmt::format("{}", fmt::join(options_.input.workqueues, ","));
    style_ = StyleOf(options_.input);
    if (options_.batch) return absl::OkStatus();
    auto screen = Screen::Open(signals_.fd());
    if (!screen.ok()) return screen.status();
    screen_ = *std::move(screen);
    view_.interactive = true;
    return Draw();
  }

  absl::Status Read(WorkqueueConfig& config) {
    auto read = walk_->Read();
    if (!read.ok()) return CannotRead(std::string(read.status().message()));
    config = *std::move(read);
    std::erase_if(config.workqueues, [this](const WorkqueueSetup& workqueue) {
      return !PassesGlobs(options_.input.workqueues, {workqueue.name});
    });
    return absl::OkStatus();
  }

  // Returns at that time, or before when something came.
  absl::Status WaitUntil(Clock::time_point until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd fd{screen_ != nullptr ? screen_->fd() : signals_.fd(), POLLIN, 0};
    poll(&fd, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 1000)));
    while (const std::optional<int> signal = signals_.Next()) {
      if (*signal != SIGCHLD) over_ = true;
    }
    return screen_ != nullptr ? TakeKeys() : absl::OkStatus();
  }

  absl::Status TakeKeys() {
    const Screen::Size before = screen_->size();
    const std::vector<Key> keys = screen_->Update();
    over_ |= screen_->gone();
    const size_t count = CounterSortKeys().size();
    for (const Key& key : keys) {
      if (key.text == "q") over_ = true;
      if (key.text == "s") view_.sort = (view_.sort + 1) % count;
      if (key.text == "S") view_.sort = (view_.sort + count - 1) % count;
      if (key.text == " ") view_.paused = !view_.paused;
    }
    const bool resized =
        screen_->size().columns != before.columns || screen_->size().lines != before.lines;
    return keys.empty() && !resized && !screen_->blank() ? absl::OkStatus() : Draw();
  }

  absl::Status Look() {
    ++looks_;
    if (!view_.paused) {
      WorkqueueConfig now;
      if (absl::Status status = Read(now); !status.ok()) return status;
      const Clock::time_point at = Clock::now();
      counted_ = JoinReadings(last_, now);
      view_.length = at - std::exchange(last_at_, at);
      view_.own_cpu = own_cpu_.Take();
      view_.time = TimeOfDay();
      last_ = std::move(now);
    }
    return screen_ != nullptr ? Draw() : Print();
  }

  std::string TimeOfDay() const {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    if (options_.input.utc) {
      gmtime_r(&now, &parts);
    } else {
      localtime_r(&now, &parts);
    }
    return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
  }

  absl::Status Draw() {
    style_.columns = screen_->size().columns;
    return screen_->Show(CounterLines(counted_, view_, screen_->size().lines, style_));
  }

  absl::Status Print() const {
    std::string out;
    for (const std::string& line : CounterLines(counted_, view_, 0, style_)) out += line + "\n";
    const bool last = options_.looks && looks_ >= *options_.looks;
    return WriteOutput(last ? out : out + "\n");
  }

  const CountersOptions& options_;
  SignalQueue signals_;
  std::unique_ptr<WorkqueueWalk> walk_;
  WorkqueueConfig last_, counted_;
  Clock::time_point last_at_;
  CountersView view_;
  TextStyle style_;
  OwnCpu own_cpu_;
  size_t looks_ = 0;
  bool over_ = false;
  std::unique_ptr<Screen> screen_;  // the last one made: whatever happens, it is put back first
};

}  // namespace

int RunCounters(const CountersOptions& options) { return Fail(CountersCommand(options).Run()); }

}  // namespace wqprof
