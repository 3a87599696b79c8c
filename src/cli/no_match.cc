// SPDX-License-Identifier: Apache-2.0
#include "cli/no_match.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>
#include <vector>

#include "cli/habits.h"
#include "fmt/format.h"
#include "wqprof/analyze.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/glob.h"

namespace wqprof {
namespace {

// The names of one kind that a recording holds, sorted.
struct Names {
  std::vector<std::string> workqueues, functions;
};

Names NamesOf(const Report& report) {
  std::set<std::string> workqueues, functions;
  for (const FunctionRow& row : report.functions) {
    workqueues.insert(row.workqueue);
    functions.insert(row.function);
  }
  workqueues.erase("");
  functions.erase("");
  return {{workqueues.begin(), workqueues.end()}, {functions.begin(), functions.end()}};
}

// All names of the recording; empty when it cannot be read twice.
Names ReadNames(const AnalysisOptions& options) {
  struct stat st;
  const std::string file = options.path();
  if (file == "-" || stat(file.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options);
  if (!source.ok()) return {};
  const absl::StatusOr<Report> report = Analyze(**source, AnalyzeOptions());
  return report.ok() ? NamesOf(*report) : Names();
}

bool MatchesAny(const std::string& glob, const std::vector<std::string>& names) {
  // An exclusion needs nothing to exclude.
  return IsExclusion(glob) || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
           return MatchesGlob(glob, name);
         });
}

// The part of a glob that can be compared with names.
std::string Letters(const std::string& glob) {
  std::string out;
  for (const char c : glob) {
    if (c != '*' && c != '?') out += c;
  }
  return out;
}

// `glob` in lower case, or the name that differs from it in case only, if that matches; else "".
std::string WithTheRightCase(const std::string& glob, const std::vector<std::string>& all) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  for (const std::string& name : all) {
    if (lower(name) == lower(glob)) return name;
  }
  return MatchesAny(lower(glob), all) ? lower(glob) : "";
}

// One sentence on a glob that no name among `all` matches.
std::string Unknown(std::string_view kind, const std::string& glob,
                    const std::vector<std::string>& all) {
  std::string text = fmt::format("no {} in this recording is called '{}'", kind, glob);
  if (LooksLikeRegex(glob)) {
    return text +
           fmt::format("; these are globs, not regular expressions: try '{}'", GlobOfRegex(glob));
  }
  if (const std::string same = WithTheRightCase(glob, all); !same.empty()) {
    return text + fmt::format("; upper and lower case differ: try '{}'", same);
  }
  const std::string letters = Letters(glob);
  std::string meant = NearestWord(letters, all);
  // A part of a name is as good a hint as a misspelt one.
  for (const std::string& name : all) {
    if (meant.empty() && letters.size() >= 3 && name.find(letters) != std::string::npos) {
      meant = name;
    }
  }
  return meant.empty() ? text : text + fmt::format(" (did you mean '{}'?)", meant);
}

struct Globs {
  std::string_view kind;
  const std::vector<std::string>& globs;
  const std::vector<std::string>& shown;  // names in the filtered report
  const std::vector<std::string>& all;    // names in the recording
};

void Explain(const Globs& globs, std::vector<std::string>& out) {
  for (const std::string& glob : globs.globs) {
    if (MatchesAny(glob, globs.shown)) continue;
    out.push_back(MatchesAny(glob, globs.all)
                      ? fmt::format("no item of {} '{}' passes the other filters", globs.kind, glob)
                      : Unknown(globs.kind, glob, globs.all));
  }
}

bool IsFiltered(const AnalysisOptions& options) {
  return !options.workqueues.empty() || !options.functions.empty() || !options.cpus.empty() ||
         options.time.has_value();
}

std::string Explain(const Names& shown, const AnalysisOptions& options) {
  const Names all = ReadNames(options);
  std::vector<std::string> out;
  Explain({"workqueue", options.workqueues, shown.workqueues, all.workqueues}, out);
  Explain({"function", options.functions, shown.functions, all.functions}, out);
  if (out.empty()) out.push_back("no item in this recording passes the filters");
  // Messages have at most three lines.
  if (out.size() > 3) out.resize(3);
  return fmt::format("{}", fmt::join(out, "\n"));
}

}  // namespace

std::string ExplainNoMatch(const Report& report, const AnalysisOptions& options) {
  const Names shown = NamesOf(report);
  const auto unmatched = [](const std::vector<std::string>& globs,
                            const std::vector<std::string>& names) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return !MatchesAny(glob, names); });
  };
  if (IsFiltered(options)) {
    const bool amiss = report.functions.empty() ||
                       unmatched(options.workqueues, shown.workqueues) ||
                       unmatched(options.functions, shown.functions);
    return amiss ? Explain(shown, options) : "";
  }
  if (!report.functions.empty()) return "";
  // Nothing happened, as the recorder would have seen it.
  const auto& noted = report.source.noted_events;
  if (noted && noted->Has(EventKind::kQueueWork)) return "";
  return fmt::format(
      "there is no work item among the {} events of this recording.\n"
      "wqprof record takes the events that are needed; with trace-cmd: -e workqueue.",
      report.read.events);
}

std::string ExplainNoItems(const AnalysisOptions& options) {
  if (!IsFiltered(options)) return "there is no such item in this recording";
  return Explain(Names(), options);
}

}  // namespace wqprof
