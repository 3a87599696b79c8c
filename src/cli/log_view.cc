// SPDX-License-Identifier: Apache-2.0
#include "cli/log_view.h"

#include <fmt/format.h>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "wqprof/render_log.h"

namespace wqprof {
namespace {

int Write(const absl::StatusOr<std::string>& text, const KernelLog& log,
          const AnalysisOptions& input) {
  if (!text.ok()) return Fail(text.status());
  if (const absl::Status written = WriteOutput(*text); !written.ok()) return Fail(written);
  const bool whole = log.unread_lines == 0 && !log.truncated;
  if (!whole && input.format == Format::kCsv) {
    Note(fmt::format("{} of the log could not be read{}", log.unread_lines,
                     log.truncated ? ", and some of its lists are cut" : ""));
  }
  return input.strict && !whole ? kInsufficient : kOk;
}

}  // namespace

int ShowLog(const KernelLog& log, const View& view, const AnalysisOptions& input) {
  return Write(RenderLog(log, input.file, input.format, view, StyleOf(input)), log, input);
}

int ShowLockups(const KernelLog& log, const View& view, std::optional<uint64_t> explain,
                const AnalysisOptions& input) {
  if (!explain) {
    return Write(RenderLockups(log, input.file, input.format, view, StyleOf(input)), log, input);
  }
  if (*explain == 0 || *explain > log.lockups.size()) {
    Note(
        fmt::format("the log has {} lockups; there is no number {}", log.lockups.size(), *explain));
    return kInsufficient;
  }
  return Write(ExplainLockup(log, log.lockups[*explain - 1], StyleOf(input)), log, input);
}

int ShowLogInfo(const KernelLog& log, const AnalysisOptions& input) {
  return Write(RenderLogInfo(log, input.file, input.format, StyleOf(input)), log, input);
}

}  // namespace wqprof
