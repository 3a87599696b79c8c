// SPDX-License-Identifier: Apache-2.0
#include "input/recognise.h"

#include <algorithm>
#include <cctype>

#include "wqprof/perf_data.h"
#include "wqprof/pftrace.h"

namespace wqprof {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMeasure =
    "for an answer, measure: sudo wqprof stat -d 10s (or sudo wqprof record -d 10s, then "
    "wqprof report)";

bool Has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// Whether some line begins so, behind blanks.
bool HasLine(std::string_view text, std::string_view begin) {
  for (size_t at = 0; (at = text.find(begin, at)) != text.npos; at += begin.size()) {
    size_t before = at;
    while (before > 0 && (text[before - 1] == ' ' || text[before - 1] == '\t')) --before;
    if (before == 0 || text[before - 1] == '\n') return true;
  }
  return false;
}

// The first line that has all of these words.
bool HasWords(std::string_view text, std::initializer_list<std::string_view> words) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (std::all_of(words.begin(), words.end(), [&](auto w) { return Has(line, w); })) return true;
  }
  return false;
}

std::string_view Begin(std::string_view text) {
  const size_t at = text.find_first_not_of(" \t\r\n");
  return at == text.npos ? std::string_view() : text.substr(at);
}

// Calls `see` with each line.
template <typename F>
void ForEachLine(std::string_view text, F&& see) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    see(line);
  }
}

// ps without its head: most lines name a worker, with the workqueue hung behind it.
bool IsListOfWorkers(std::string_view head) {
  size_t lines = 0, workers = 0;
  ForEachLine(head, [&](std::string_view line) {
    lines += line.empty() ? 0 : 1;
    workers += Has(line, "kworker/") && !Has(line, "workqueue_") && !Has(line, "task:") ? 1 : 0;
  });
  return workers > 0 && 2 * workers > lines;
}

// Behind a header of ftrace: "4410 1 1774901100123 ...", as options/raw prints, or bytes in hex.
bool IsRawTrace(std::string_view head) {
  if (!head.starts_with("# tracer:")) return false;
  size_t lines = 0, raw = 0;
  ForEachLine(head, [&](std::string_view line) {
    if (line.empty() || line[0] == '#') return;
    ++lines;
    const size_t words = line.find_first_not_of("0123456789abcdef ");
    raw += words == line.npos || (words > 8 && line.find(' ') < words) ? 1 : 0;
  });
  return raw > 0 && 2 * raw > lines;
}

bool IsPage(std::string_view head) {
  const std::string_view text = Begin(head);
  return text.starts_with("<") &&
         (Has(head, "<html") || Has(head, "<HTML") || Has(head, "<script"));
}

bool IsJson(std::string_view head) {
  const std::string_view text = Begin(head);
  if (text.empty() || (text[0] != '{' && text[0] != '[')) return false;
  const std::string_view behind = Begin(text.substr(1));
  return !behind.empty() &&
         (behind[0] == '"' || behind[0] == '{' || behind[0] == '[' ||
          (text[0] == '{' && behind[0] == '}')) &&
         Has(head, "\"");
}

// Whether all '=' are those of quoted-printable, and there is one.
bool IsQuotedPrintable(std::string_view head) {
  constexpr std::string_view kHeader = "Content-Transfer-Encoding: quoted-printable";
  if (Has(head, kHeader)) return true;
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  size_t found = 0;
  for (size_t at = 0; (at = head.find('=', at)) != head.npos; ++at) {
    const std::string_view behind = head.substr(at + 1, 2);
    if (behind.size() < 2) break;
    const bool soft = behind[0] == '\n' || behind == "\r\n";
    if (!soft && (!is_hex(behind[0]) || !is_hex(behind[1]))) return false;
    found += soft || behind == "3D" ? 1 : 0;
  }
  return found > 0;
}

bool IsBinary(std::string_view head) {
  size_t odd = 0;
  for (const char c : head) {
    const auto byte = static_cast<uint8_t>(c);
    odd += byte < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\x1b' && c != '\0' &&
                   c != '\f' && c != '\b' && c != '\a'
               ? 1
               : 0;
  }
  return odd > head.size() / 50;
}

}  // namespace

InputForm FormOf(std::string_view head) {
  if (head.starts_with("\x17\x08\x44tracing"sv)) return InputForm::kTraceDat;
  if (PerfFormOf(head) != PerfForm::kNone) return InputForm::kPerfData;
  if (LooksLikePerfetto(head)) return InputForm::kPerfetto;
  if (CodingOf(head) != TextCoding::kUtf16Le && CodingOf(head) != TextCoding::kUtf16Be &&
      IsBinary(head)) {
    return InputForm::kBinary;
  }
  return InputForm::kText;
}

TextCoding CodingOf(std::string_view head) {
  if (head.starts_with("\xff\xfe"sv)) return TextCoding::kUtf16Le;
  if (head.starts_with("\xfe\xff"sv)) return TextCoding::kUtf16Be;
  if (head.starts_with(kUtf8Mark)) head.remove_prefix(kUtf8Mark.size());
  const std::string_view begin = Begin(head);
  const auto is_page = [&](std::string_view tag) {
    return begin.size() >= tag.size() &&
           std::equal(tag.begin(), tag.end(), begin.begin(),
                      [](char a, char b) { return a == std::tolower(static_cast<uint8_t>(b)); });
  };
  if (is_page("<!doctype") || is_page("<html") || Has(head, "<script class=\"trace-data\"")) {
    return TextCoding::kSystrace;
  }
  return IsQuotedPrintable(head) ? TextCoding::kQuotedPrintable : TextCoding::kAsIs;
}

OtherText NameOf(std::string_view head) {
  if (HasWords(head, {"PID", "COMMAND"}) || HasWords(head, {"PID", "CMD"}) ||
      HasWords(head, {"USER", "PID", "%CPU"}) || HasWords(head, {"UID", "PID", "Command"})) {
    return {"a list of processes, as ps and top print it", kMeasure};
  }
  if (HasLine(head, "# Samples:") || HasLine(head, "# Overhead") ||
      HasWords(head, {"Overhead", "Command"}) || HasWords(head, {"Children", "Self", "Command"})) {
    return {"perf report output, which sums up samples", kMeasure};
  }
  if (HasLine(head, "[<0>] ") || (HasLine(head, "[<") && Has(head, "process_one_work"))) {
    return {"the stack of a task, as in /proc/PID/stack", kMeasure};
  }
  if (IsListOfWorkers(head)) return {"a list of processes, as ps prints it", kMeasure};
  if (IsRawTrace(head)) {
    return {"a trace in the raw layout, which only the kernel that wrote it can read",
            "print it anew: echo noraw nohex nobin > /sys/kernel/tracing/trace_options"};
  }
  if (IsPage(head)) return {"an HTML page without a trace in it", kMeasure};
  if (Has(head, "wqprof.hist/1")) {
    return {"lines of a fleet, not a trace",
            "add them up: wqprof merge FILE; compare hosts: wqprof diff --hist A -- B"};
  }
  if (IsJson(head)) {
    return {"JSON, not a trace",
            "wqprof reads the trace it was made of: ftrace text, trace.dat, perf script"};
  }
  if (HasLine(head, "```") || HasLine(head, "# ") || HasLine(head, "- `") || HasLine(head, "| ")) {
    if (Has(head, "```") || Has(head, "`")) {
      return {"markdown with lines of a trace in it, not a trace",
              "wqprof reads the trace it was made of: ftrace text, trace.dat, perf script"};
    }
  }
  return {};
}

}  // namespace wqprof
