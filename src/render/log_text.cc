// SPDX-License-Identifier: Apache-2.0
// A kernel log on one screen, to be read and to be pasted.
#include <algorithm>
#include <array>
#include <chrono>

#include "render/cells.h"
#include "render/log_words.h"
#include "render/pictures.h"
#include "render/text.h"
#include "wqprof/render_log.h"

namespace wqprof {
namespace {

constexpr size_t kFindingsShown = 8;
constexpr size_t kRowsShown = 10;

}  // namespace

std::string SecondText(Nanos at) {
  return fmt::format("{:.1f}", std::chrono::duration<double>(at).count());
}

// "155.1 to 185.3 s after boot", or the log's own clock.
std::string SpanText(const LoggedBoot& boot) {
  if (boot.first && boot.last) {
    return fmt::format("{} to {} s after boot", SecondText(*boot.first), SecondText(*boot.last));
  }
  return boot.begin.empty() ? "" : "from " + boot.begin;
}

std::string LogHeader(const KernelLog& log, const TextStyle& style) {
  std::vector<std::string> parts = {"wqprof", "kernel log"};
  std::string kernel;
  for (const LoggedBoot& boot : log.boots) {
    if (!boot.kernel.empty()) kernel = boot.kernel;
  }
  if (!kernel.empty()) parts.push_back("Linux " + Escaped(kernel, !style.utf8));
  parts.push_back(
      fmt::format("{}, {} about workqueues", CountOf(log.lines, "line"), CountText(log.messages)));
  if (log.boots.size() > 1) {
    parts.push_back(CountOf(log.boots.size(), "boot"));
  } else if (!log.boots.empty()) {
    if (const std::string span = SpanText(log.boots.front()); !span.empty()) {
      parts.push_back(Escaped(span, !style.utf8));
    }
  }
  std::string out;
  size_t column = 0;
  for (const std::string& part : parts) {
    const size_t width = DisplayWidth(part);
    if (column > 0 && style.columns > 0 && column + 2 + width > style.columns) {
      out += "\n      ";
      column = 6;
    }
    out += column > 0 ? "  " : "";
    out += Emphasized(part, style);
    column += width + 2;
  }
  return out + "\n";
}

std::string LogNotes(const KernelLog& log, const TextStyle& style) {
  std::string out;
  const auto add = [&](std::string_view note) {
    out += "  ";
    AppendWrapped(out, Escaped(note, !style.utf8), 2, style.columns);
  };
  if (log.unread_lines > 0) {
    add(fmt::format("unread: {} that could not be read; the first: {}",
                    CountOf(log.unread_lines, "line"), log.first_unread));
  }
  if (log.truncated) add("cut: some lists of the log end too early; their counts are lower bounds");
  if (log.rows_left_out > 0) {
    add(fmt::format("left out: {} beyond the first {} of their kind",
                    CountOf(log.rows_left_out, "row"), CountText(KernelLog::kMaxRows)));
  }
  return out;
}

std::string WaitingWords(const std::vector<LoggedWaiting>& waiting, bool inactive) {
  std::vector<std::string> words;
  for (const LoggedWaiting& work : waiting) {
    if (work.inactive != inactive) continue;
    if (work.barrier_of_pid) {
      words.push_back(fmt::format("flush by {}", *work.barrier_of_pid));
    } else {
      words.push_back(work.count > 1 ? fmt::format("{} x{}", work.function, work.count)
                                     : work.function);
    }
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string InFlightWords(const std::vector<LoggedExecution>& in_flight) {
  std::vector<std::string> words;
  for (const LoggedExecution& work : in_flight) {
    std::string word =
        work.barrier_of_pid ? fmt::format("flush by {}", *work.barrier_of_pid) : work.function;
    if (work.count > 1) word += fmt::format(" x{}", work.count);
    if (work.linked) word = "then " + word;
    if (work.rescuer && !work.linked) word += " (rescuer)";
    if (work.seconds) word += fmt::format(" {}s", *work.seconds);
    words.push_back(std::move(word));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

Table BusyTable(const KernelLog& log) {
  Table table{.key = "busy", .title = "Works in the dump"};
  const bool boots = log.boots.size() > 1;
  table.columns = {{"boot", "BOOT", boots ? kText : kSortOnly},
                   {"pool", "POOL"},
                   {"workqueue", "WORKQUEUE", kAll, 10},
                   {"active", "ACTIVE"},
                   {"in_flight", "IN FLIGHT", kAll, 12},
                   {"pending", "PENDING", kAll, 10},
                   {"inactive", "INACTIVE", kAll, 8}};
  bool any_inactive = false;
  for (const LoggedWorkqueue& workqueue : log.workqueues) {
    for (const LoggedPwq& pwq : workqueue.pwqs) {
      std::string inactive = WaitingWords(pwq.waiting, true);
      any_inactive |= !inactive.empty();
      table.rows.push_back({Id{workqueue.boot}, pwq.pool.name, WordCell(workqueue.workqueue),
                            pwq.max_active ? fmt::format("{}/{}", pwq.active, *pwq.max_active)
                                           : fmt::format("{}", pwq.active),
                            WordCell(InFlightWords(pwq.in_flight)),
                            WordCell(WaitingWords(pwq.waiting, false)), WordCell(inactive)});
    }
  }
  if (!any_inactive) table.columns.back().audience = kSortOnly;
  // Those of stuck pools come first.
  std::stable_sort(table.rows.begin(), table.rows.end(), [&log](const auto& a, const auto& b) {
    const auto stuck = [&log](const auto& row) {
      return std::any_of(log.lockups.begin(), log.lockups.end(), [&row](const Lockup& lockup) {
        return lockup.pool.name == std::get<std::string>(row[1]) &&
               std::get<Id>(row[0]).value == lockup.boot;
      });
    };
    return stuck(a) && !stuck(b);
  });
  return table;
}

namespace {

Table HogTextTable(const KernelLog& log) {
  Table table{.key = "hogs", .title = "Functions that hogged a CPU, since boot"};
  table.columns = {{"boot", "BOOT", log.boots.size() > 1 ? kText : kSortOnly},
                   {"function", "FUNCTION", kAll, 12},
                   {"times", "TIMES"},
                   {"over", "LONGER THAN"},
                   {"last", "LAST REPORT"}};
  std::vector<const LoggedHog*> hogs;
  for (const LoggedHog& hog : log.hogs) hogs.push_back(&hog);
  std::stable_sort(hogs.begin(), hogs.end(),
                   [](const LoggedHog* a, const LoggedHog* b) { return a->times > b->times; });
  for (const LoggedHog* hog : hogs) {
    const std::string last = hog->last.stamp ? SecondText(*hog->last.stamp) + " s" : hog->last.wall;
    const uint64_t us = std::min<uint64_t>(hog->threshold_us, 1'000'000'000'000);
    table.rows.push_back({Id{hog->boot}, hog->function, hog->times,
                          Nanos(std::chrono::microseconds(us)), WordCell(last)});
  }
  return table;
}

void AppendShort(std::string& out, Table table, const TextStyle& style) {
  if (table.rows.empty()) return;
  if (table.rows.size() > kRowsShown) {
    table.title += fmt::format(": {} of {} (--format csv shows all)", kRowsShown,
                               CountText(table.rows.size()));
    table.rows.resize(kRowsShown);
  }
  out += '\n';
  AppendTextTable(out, table, style);
}

std::string WhenText(const KernelLog& log, const LogFinding& finding) {
  return log.boots.size() > 1 ? fmt::format("boot {}: ", finding.boot) : "";
}

// Several functions that hog a CPU are a table, and the advice is the same for all.
bool InTable(const KernelLog& log, const LogFinding& finding) {
  return finding.kind == "hogged_cpu" && log.hogs.size() > 1;
}

void AppendFinding(std::string& out, const KernelLog& log, const LogFinding& finding, size_t number,
                   const TextStyle& style) {
  const std::string head = fmt::format("{:>3}. ", number);
  out += head;
  AppendWrapped(out, Escaped(WhenText(log, finding) + finding.text, !style.utf8), head.size(),
                style.columns);
  for (const std::string& what : finding.tries) {
    out += fmt::format("{:{}}{} ", "", head.size(), style.utf8 ? "→" : "->");
    const size_t indent = head.size() + (style.utf8 ? 2 : 3);
    AppendWrapped(out, Escaped(what, !style.utf8), indent, style.columns);
  }
}

}  // namespace

std::string LogText(const KernelLog& log, const TextStyle& style) {
  std::string out;
  size_t number = 0, more = 0;
  for (const LogFinding& finding : log.findings) {
    if (InTable(log, finding)) continue;
    if (number == kFindingsShown) {
      ++more;
      continue;
    }
    if (number++ == 0) out += "\n" + Emphasized("What the log says", style) + "\n";
    AppendFinding(out, log, finding, number, style);
  }
  if (more > 0) {
    out += fmt::format("     and {} (--format json has all)\n", CountOf(more, "more", "more"));
  }
  AppendShort(out, BusyTable(log), style);
  if (log.hogs.size() > 1) {
    AppendShort(out, HogTextTable(log), style);
    AppendWrapped(out,
                  "The kernel counts these; the log does not say whom they delayed, or for how "
                  "long they ran. To see it: sudo wqprof record -d 60s, then wqprof report -f "
                  "'FUNCTION*' --split, and wqprof stalls.",
                  0, style.columns == 0 ? 100 : std::min<size_t>(100, style.columns));
  }
  return out;
}

std::string ExplainLockup(const KernelLog& log, const Lockup& lockup, const TextStyle& style) {
  for (const LogFinding& finding : log.findings) {
    if (finding.kind != "lockup" || finding.text != lockup.text || finding.boot != lockup.boot) {
      continue;
    }
    std::string out;
    AppendFinding(out, log, finding, lockup.id, style);
    return out;
  }
  std::string out;
  AppendWrapped(out, Escaped(lockup.text, !style.utf8), 0, style.columns);
  return out;
}

}  // namespace wqprof
