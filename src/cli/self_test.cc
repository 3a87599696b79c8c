// SPDX-License-Identifier: Apache-2.0
#include "cli/self_test.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "cli/recording.h"
#include "wqprof/analyze.h"
#include "wqprof/event_source.h"
#include "wqprof/number_text.h"
#include "wqprof/trace_writer.h"

namespace wqprof {
namespace {

using Verdict = TracingCheck::Verdict;

// A directory that goes with its content.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    const char* const base = getenv("TMPDIR");
    path_ = fmt::format("{}/wqprof-doctor-XXXXXX", base != nullptr ? base : "/tmp");
    ok_ = mkdtemp(path_.data()) != nullptr;
  }
  ~ScratchDirectory() {
    if (!ok_) return;
    unlink(File().c_str());
    rmdir(path_.c_str());
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  std::string File() const { return path_ + "/self-test.dat"; }
  bool ok() const { return ok_; }

 private:
  std::string path_;
  bool ok_ = false;
};

// Queues a work now and then, as an idle machine would show none: each write to a
// pseudo-terminal does.
class FewWorks {
 public:
  FewWorks() : thread_([](const std::stop_token& stop) { Run(stop); }) {}

 private:
  static void Run(const std::stop_token& stop) {
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) return;
    // Input that nobody reads piles up to some 4 KB; this is less.
    constexpr int kMost = 200;
    for (int i = 0; i < kMost && !stop.stop_requested(); ++i) {
      if (write(master, "x", 1) != 1) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    close(master);
  }
  std::jthread thread_;
};

absl::Status RecordASecond(const std::string& path, RecordingStats& stats) {
  SignalQueue signals;
  auto recorder = Recorder::Create({});
  if (!recorder.ok()) return recorder.status();
  auto writer = TraceWriter::Create(path, (*recorder)->metadata(), {});
  if (!writer.ok()) return writer.status();
  FileSink sink(**writer);
  RecordingLimits limits;
  limits.duration = std::chrono::seconds(1);
  RecordingEnd end;
  {
    const FewWorks works;
    end = RunRecording(**recorder, sink, nullptr, signals, limits, [](Nanos) {});
  }
  if (end.status.ok() && end.reason == RecordingEnd::Reason::kSignal) {
    end.status = absl::UnavailableError("interrupted");
  }
  end.status.Update((*writer)->Finish((*recorder)->Ending()));
  stats = (*recorder)->stats();
  end.status.Update((*recorder)->Remove());
  return end.status;
}

TracingCheck Failed(const absl::Status& status) {
  return {"self-test", Verdict::kFail, std::string(status.message()), ""};
}

}  // namespace

TracingCheck RunSelfTest() {
  const ScratchDirectory directory;
  if (!directory.ok()) {
    return {"self-test", Verdict::kWarn, "not run: no temporary directory can be made",
            "set TMPDIR to one that can be written"};
  }
  RecordingStats stats;
  if (const absl::Status status = RecordASecond(directory.File(), stats); !status.ok()) {
    return Failed(status);
  }
  const auto source = OpenTrace(directory.File());
  if (!source.ok()) return Failed(source.status());
  const auto report = Analyze(**source, {});
  if (!report.ok()) return Failed(report.status());
  const MatchQuality& match = report->quality.match;
  const std::string finding =
      fmt::format("recorded 1 s: {}, {} from queue to start, lost {}",
                  CountOf(stats.events, "event"), CountOf(match.executed, "work"), stats.lost);
  if (stats.events == 0 || report->read.events != stats.events) {
    return {"self-test", Verdict::kFail,
            fmt::format("{}, but the file holds {}", finding, report->read.events), ""};
  }
  if (stats.lost != 0) {
    return {"self-test", Verdict::kWarn, finding, "record with a larger buffer: -b 64M"};
  }
  if (match.executed == 0) {
    return {"self-test", Verdict::kWarn, finding + ": no work ran meanwhile", ""};
  }
  return {"self-test", Verdict::kOk, finding, ""};
}

}  // namespace wqprof
