// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/buffer_size.h"
#include "cli/check_recording.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/page_file.h"
#include "cli/reading_rights.h"
#include "cli/recording.h"
#include "cli/result_file.h"
#include "cli/run_files.h"
#include "wqprof/budget.h"
#include "wqprof/page.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof check --init wqprof.dat > budget.toml     a budget to start from\n"
    "  wqprof check --lint budget.toml                  is it well written?\n"
    "  wqprof check --budget budget.toml run.dat        does this run keep it?\n"
    "  sudo wqprof check --budget budget.toml --runs 5 -- ./load.sh\n"
    "  wqprof check --budget budget.toml --baseline base/ new/*.dat\n"
    "\n"
    "Exit codes: 0 kept, 1 broken, 2 the budget or the call is wrong, 3 the evidence\n"
    "is insufficient, 4 cannot trace here, 5 unreadable input. See wqprof-budget(5).";

// Options of `check` alone.
struct CheckOptions {
  AnalysisOptions input;
  std::string budget, lint, junit, html, keep;
  bool init = false, github = false, verbose = false, allow_mismatch = false;
  std::vector<std::string> traces, baseline, command;
  size_t runs = 1;
  RecorderOptions recorder;
  std::optional<uint64_t> buffer_bytes;
};

absl::StatusOr<std::string> ReadBudget(const std::string& path) {
  const auto refuse = [&path](std::string_view why) {
    return absl::InvalidArgumentError(fmt::format(
        "cannot read the budget {}: {}\n`wqprof check --init TRACE` drafts one", path, why));
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return refuse(std::strerror(EISDIR));
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return refuse(std::strerror(errno));
  // More than anybody writes by hand; /dev/zero has no end.
  constexpr size_t kLongest = 1 << 20;
  std::string text(kLongest + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return refuse(std::strerror(errno != 0 ? errno : EIO));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kLongest) return refuse("it is longer than 1 MiB");
  return text;
}

// As compilers do, so that editors find the place.
void TellProblems(const std::string& path, const std::vector<BudgetProblem>& problems) {
  for (const BudgetProblem& problem : problems) {
    std::fputs(
        Printable(fmt::format("{}:{}:{}: {}{}\n", path, problem.place.line, problem.place.column,
                              problem.warning ? "warning: " : "", problem.text))
            .c_str(),
        stderr);
  }
}

bool OnlyWarnings(const std::vector<BudgetProblem>& problems) {
  return std::all_of(problems.begin(), problems.end(),
                     [](const BudgetProblem& problem) { return problem.warning; });
}

// Where GitHub wants a summary; "": nowhere.
std::string SummaryPath(const CheckOptions& options) {
  const char* const path = options.github ? std::getenv("GITHUB_STEP_SUMMARY") : nullptr;
  return path != nullptr ? path : "";
}

// What a file holds; what is wrong with it has been printed.  Absent: it is of no use.
std::optional<ParsedBudget> LoadBudget(const std::string& path, int& exit_code) {
  const auto text = ReadBudget(path);
  if (!text.ok()) {
    exit_code = Fail(text.status());
    return std::nullopt;
  }
  ParsedBudget parsed = ParseBudget(*text, path);
  TellProblems(path, parsed.problems);
  if (parsed.ok()) return parsed;
  exit_code = kUsage;
  return std::nullopt;
}

// One run of the command, from the options to the exit code.
class CheckCommand {
 public:
  explicit CheckCommand(const CheckOptions& options)
      : options_(options),
        junit_(options.junit),
        html_(options.html),
        summary_(SummaryPath(options), ResultFile::Mode::kAppend) {}

  int Run() {
    int exit_code = kOk;
    if (!options_.lint.empty()) return Lint(exit_code);
    if (const absl::Status status = CheckCall(); !status.ok()) return Fail(status);
    // A recording that is yet to be made needs all rights.
    if (options_.command.empty()) {
      const absl::Status kept = KeepOnlyReading({&junit_, &html_, &summary_});
      if (!kept.ok()) return Fail(kept);
    }
    if (options_.init) return Init();
    const auto parsed = LoadBudget(options_.budget, exit_code);
    if (!parsed) return exit_code;
    const Budget* const budget = &parsed->budget;
    RunSet runs(WantedBy(*budget), ShortestStall(*budget));
    std::optional<RunSet> baseline;
    if (!options_.baseline.empty()) {
      baseline.emplace(WantedBy(*budget), ShortestStall(*budget));
      if (const int code = Read(options_.baseline, *baseline); code != kOk) return code;
    }
    if (!options_.command.empty()) {
      const auto problems = ProblemsOfRuns(*budget, baseline ? baseline->size() : 0, options_.runs);
      TellProblems(options_.budget, problems);
      if (!OnlyWarnings(problems)) return kUsage;
    }
    if (const int code = options_.command.empty() ? Read(options_.traces, runs) : Record(runs);
        code != kOk) {
      return code;
    }
    CheckResult result = CheckBudget(*budget, runs, baseline ? &*baseline : nullptr);
    for (size_t i = 0; i < failures_.size(); ++i) result.runs[i].failure = failures_[i];
    if (!result.differences.empty() && !options_.allow_mismatch) return Mismatch(result);
    return WriteResult(result);
  }

 private:
  absl::Status CheckCall() const {
    if (options_.budget.empty() && !options_.init) {
      return absl::InvalidArgumentError(
          "which budget? Name it with --budget FILE\n`wqprof check --init TRACE` drafts one");
    }
    if (!options_.traces.empty() && !options_.command.empty()) {
      return absl::InvalidArgumentError(
          "recordings and a command: give either TRACE... or -- CMD...");
    }
    if (options_.runs == 0) return absl::InvalidArgumentError("--runs 0 would check nothing");
    if (options_.runs > kMaxRuns) {
      return absl::InvalidArgumentError(fmt::format("--runs: at most {}", kMaxRuns));
    }
    if (options_.runs > 1 && options_.command.empty()) {
      return absl::InvalidArgumentError("--runs needs a command to run: -- CMD...");
    }
    // Told now, not when the load has run for an hour.
    for (const std::string& file : {options_.junit, options_.html}) {
      const auto directory = std::filesystem::path(file).parent_path();
      std::error_code ignored;
      if (!directory.empty() && !std::filesystem::is_directory(directory, ignored)) {
        return absl::InvalidArgumentError(
            fmt::format("cannot write {}: there is no directory {}", file, directory.string()));
      }
    }
    return CheckPageBesideText(options_.html);
  }

  int Lint(int exit_code) const {
    const auto parsed = LoadBudget(options_.lint, exit_code);
    if (parsed && parsed->problems.empty()) {
      Note(fmt::format("{} is well written", options_.lint));
    }
    return exit_code;
  }

  int Init() {
    RunSet runs(WantedForDraft(), std::chrono::milliseconds(10));
    const int code = options_.command.empty() ? Read(options_.traces, runs) : Record(runs);
    if (code != kOk) return code;
    return Fail(WriteOutput(DraftBudget(runs)));
  }

  int Read(const std::vector<std::string>& paths, RunSet& runs) const {
    const auto files =
        ExpandRuns(paths.empty() ? std::vector<std::string>{kDefaultRecording} : paths);
    if (!files.ok()) return FailInput(files.status());
    return FailInput(ReadRuns(*files, Open(), runs));
  }

  InputOptions Open() const { return InputOptionsOf(options_.input); }

  int Record(RunSet& runs) {
    std::optional<ScratchDirectory> scratch;
    std::string directory = options_.keep;
    if (directory.empty()) {
      auto made = ScratchDirectory::Create();
      if (!made.ok()) return Fail(made.status());
      scratch.emplace(*std::move(made));
      directory = scratch->path();
    } else {
      std::error_code error;
      std::filesystem::create_directories(directory, error);
      if (error) {
        return Fail(absl::InvalidArgumentError(
            fmt::format("cannot make the directory {}: {}", directory, error.message())));
      }
    }
    RecorderOptions recorder = options_.recorder;
    recorder.buffer_bytes = options_.buffer_bytes.value_or(0);
    for (size_t i = 1; i <= options_.runs; ++i) {
      const std::string path = fmt::format("{}/run-{:02}.dat", directory, i);
      const auto command = RecordWhileRunning(options_.command, recorder, path);
      if (!command.ok()) return Fail(command.status());
      failures_.push_back(command->interrupted ? "interrupted" : command->failure);
      if (command->interrupted) {
        Note(fmt::format("interrupted in run {} of {}: judging what was recorded until then", i,
                         options_.runs));
      } else if (!command->failure.empty()) {
        Note(fmt::format("run {}: {}: what it measured may not be the load", i, command->failure));
      }
      if (const int code = FailInput(ReadRuns({path}, Open(), runs)); code != kOk) return code;
      if (scratch) std::filesystem::remove(path);
      if (command->interrupted) break;
    }
    return kOk;
  }

  int Mismatch(const CheckResult& result) const {
    Note(
        fmt::format("base and new runs are not comparable: {}\n"
                    "--allow-mismatch compares them nonetheless",
                    fmt::join(result.differences, "; ")));
    return kUsage;
  }

  int WriteResult(const CheckResult& result) {
    absl::Status status = WriteOutput(RenderCheck(
        result, options_.input.format, StyleOf(options_.input),
        {.passes = options_.verbose, .files = options_.command.empty() || !options_.keep.empty()}));
    if (absl::IsCancelled(status)) status = absl::OkStatus();
    if (!options_.junit.empty()) {
      status.Update(junit_.Write(CheckJunit(result)));
    }
    if (options_.github) {
      std::fputs(Printable(GithubAnnotations(result)).c_str(), stderr);
      if (!summary_.IsStandard()) status.Update(summary_.Write(GithubSummary(result)));
    }
    if (!options_.html.empty()) {
      status.Update(WritePageFile(html_, CheckPage(result, {WQPROF_VERSION, {}})));
    }
    if (!status.ok()) return Fail(status);
    if (result.broken()) return kBroken;
    return result.insufficient() ? kInsufficient : kOk;
  }

  const CheckOptions& options_;
  ResultFile junit_, html_, summary_;
  std::vector<std::string> failures_;  // of the runs of the command, in their order; "" for none
};

void AddJudgingOptions(Command& command, CheckOptions* options) {
  command.AddText({"--budget", "FILE", "the limits, a TOML file: see wqprof-budget(5)"},
                  &options->budget);
  command.AddTexts({"--baseline", "DIR|FILE",
                    "runs to compare with, for [[regression]]: a directory of *.dat, or a "
                    "recording; may be repeated"},
                   &options->baseline);
  command.AddFlag(
      {"--allow-mismatch", "", "compare with a baseline of another kernel, CPUs or events"},
      &options->allow_mismatch);
  command.AddText({"--lint", "FILE", "only check that this budget is well written"},
                  &options->lint);
  command.AddFlag({"--init", "", "print a budget that the runs keep, to start from"},
                  &options->init);
}

void AddRunningOptions(Command& command, CheckOptions* options) {
  constexpr std::string_view kGroup = "Recording CMD";
  command.AddParsed({"--runs", "N", "run CMD N times (default: once)", kGroup}, &options->runs,
                    ParseCount);
  command.AddText({"--keep", "DIR", "keep the recordings here, as run-01.dat, ...", kGroup},
                  &options->keep);
  AddEventOptions(command, &options->recorder, kGroup);
  command.AddParsed({"-b,--buffer", "SIZE",
                     "ring buffer of each CPU (default 16M, less if memory is scarce)", kGroup},
                    &options->buffer_bytes, ParseBufferSize);
}

}  // namespace

void AddCheckCommand(CommandLine& line) {
  auto options = std::make_shared<CheckOptions>();
  Command command = line.Add("check", "Check runs against a latency budget, for CI");
  command.AddArguments({"TRACE", "",
                        "recordings, each a run, or directories of them (default: wqprof.dat); or "
                        "-- CMD... to record while CMD runs"},
                       &options->traces);
  command.AddBehindDashes(&options->command);
  AddJudgingOptions(command, options.get());
  AddRunningOptions(command, options.get());
  AddReadingOptions(command, &options->input);
  AddOutputOptions(command, &options->input);
  command.AddFlag({"-v,--verbose", "", "also list the limits that are kept", kHowToShow},
                  &options->verbose);

  // What CMD writes shall reach the terminal.
  command.BeforeRun([options = options.get()] {
    if (!options->command.empty()) options->input.no_pager = true;
    if (!options->lint.empty() && options->input.format != Format::kTable) {
      return absl::InvalidArgumentError(
          "--lint writes messages as compilers do: leave out --format");
    }
    if (options->init && options->input.format != Format::kTable) {
      return absl::InvalidArgumentError("--init writes TOML: leave out --format");
    }
    return absl::OkStatus();
  });
  AddPagerOption(command, &options->input);
  command.AddText({"--junit", "FILE", "write a JUnit report too", kHowToShow}, &options->junit);
  command.AddText({"--html", "FILE", "write a page of HTML too", kHowToShow}, &options->html);
  command.AddFlag(
      {"--github", "", "mark the rules' lines for GitHub, and write the step summary", kHowToShow},
      &options->github);
  command.SetExamples(kExamples);
  command.OnRun([options] { return CheckCommand(*options).Run(); });
}

}  // namespace wqprof
