// SPDX-License-Identifier: Apache-2.0
#include "live/stack_trigger.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "live/tracefs.h"
#include "wqprof/glob.h"

namespace wqprof {
namespace {

constexpr char kFile[] = "events/workqueue/workqueue_queue_work/trigger";
constexpr size_t kLongestFilter = 2000;  // the kernel takes a page

std::string Matches(std::string_view glob) { return fmt::format("workqueue ~ \"{}\"", glob); }

// What would end the text early, or mean something else to the kernel.
bool HasForeignBytes(const std::string& glob) {
  return glob.empty() || std::any_of(glob.begin(), glob.end(), [](char c) {
           return c == '"' || c == '\\' || c <= ' ' || c > '~';
         });
}

}  // namespace

std::string TriggerFilter(const std::vector<std::string>& workqueues) {
  std::string wanted, excluded;
  for (const std::string& glob : workqueues) {
    const bool exclusion = IsExclusion(glob);
    const std::string pattern = exclusion ? glob.substr(1) : glob;
    // A pattern that begins with '!' is a negation for the kernel, too.
    if (HasForeignBytes(pattern) || IsExclusion(pattern)) return "";
    std::string& list = exclusion ? excluded : wanted;
    list += (list.empty() ? "" : " || ") + Matches(pattern);
  }
  if (!excluded.empty()) excluded = fmt::format("!({})", excluded);
  if (!excluded.empty() && !wanted.empty()) wanted = fmt::format("({}) && ", wanted);
  std::string out = wanted + excluded;
  return out.size() > kLongestFilter ? "" : out;
}

absl::StatusOr<std::unique_ptr<StackTrigger>> StackTrigger::Set(
    const TraceInstance& instance, const std::vector<std::string>& workqueues,
    std::vector<std::string>& notes) {
  const std::string file = instance.File(kFile);
  std::string filter = TriggerFilter(workqueues);
  int error = filter.empty() ? EINVAL : WriteText(file, fmt::format("stacktrace if {}", filter));
  if (error != 0) {
    // Before 5.12 the event has no name of the workqueue.
    filter.clear();
    error = WriteText(file, "stacktrace");
    if (error == 0 && !workqueues.empty()) {
      notes.emplace_back(
          "the kernel cannot take the stacks of some workqueues only: it takes those of all");
    }
  }
  if (error == EINVAL || error == ENOENT) {
    return absl::FailedPreconditionError(
        fmt::format("cannot trace: this kernel takes no stacks ({}): {}\n"
                    "it needs one built with CONFIG_STACKTRACE; or record without --stacks",
                    file, std::strerror(error)));
  }
  if (error != 0) return TracingError("cannot have stacks taken", file, error);
  return std::unique_ptr<StackTrigger>(new StackTrigger(file, std::move(filter)));
}

StackTrigger::~StackTrigger() { WriteText(file_, "!stacktrace"); }

bool StackTrigger::IsThere() const {
  const FileText text = ReadText(file_);
  return text.error != 0 || text.text.starts_with("stacktrace");
}

}  // namespace wqprof
