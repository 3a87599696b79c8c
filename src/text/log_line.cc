// SPDX-License-Identifier: Apache-2.0
#include "wqprof/log_line.h"

#include <algorithm>
#include <array>
#include <span>

#include "text/scan.h"

namespace wqprof {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

bool TakeOneOf(Scanner& scan, std::span<const std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view w) { return scan.Take(w); });
}

// "18:23:21", and more of the same kind.
bool TakeClock(Scanner& scan) {
  for (int i = 0; i < 8; ++i) {
    if (i == 2 || i == 5 ? scan.Peek() != ':' : !IsDigit(scan.Peek())) return false;
    scan.Skip(1);
  }
  return true;
}

void TakeFraction(Scanner& scan) {
  if ((scan.Peek() != '.' && scan.Peek() != ',') || !IsDigit(scan.Peek(1))) return;
  scan.Skip(1);
  while (IsDigit(scan.Peek())) scan.Skip(1);
}

void TakeZone(Scanner& scan) {
  if (scan.Take('Z') || (scan.Peek() != '+' && scan.Peek() != '-') || !IsDigit(scan.Peek(1)))
    return;
  scan.Skip(1);
  while (IsDigit(scan.Peek()) || scan.Peek() == ':') scan.Skip(1);
}

// "2026-11-28T18:04:17.123456+01:00 "
bool TakeIsoDate(Scanner& scan) {
  for (int i = 0; i < 10; ++i) {
    if (i == 4 || i == 7 ? scan.Peek() != '-' : !IsDigit(scan.Peek())) return false;
    scan.Skip(1);
  }
  if (!scan.Take('T') && !scan.Take(' ')) return false;
  if (!TakeClock(scan)) return false;
  TakeFraction(scan);
  TakeZone(scan);
  return true;
}

// "May  7 18:23:21 ", as syslog writes it.
bool TakeSyslogDate(Scanner& scan) {
  int day = 0;
  if (!TakeOneOf(scan, kMonths) || !scan.TakeBlanks() || !scan.TakeNumber(day)) return false;
  if (!scan.TakeBlanks() || !TakeClock(scan)) return false;
  TakeFraction(scan);
  return true;
}

// A wall clock in front of a line, and the blanks behind it.
bool TakeDate(Scanner& scan, LogLine& line, bool& of_dmesg) {
  const std::string_view whole = scan.rest();
  Scanner ahead = scan;
  if (!TakeIsoDate(ahead)) {
    ahead = scan;
    if (!TakeSyslogDate(ahead)) return false;
  }
  const std::string_view date = whole.substr(0, whole.size() - ahead.rest().size());
  if (!IsBlank(ahead.Peek())) return false;
  // Only dmesg writes a comma, and it names no host.
  of_dmesg = date.find(',') != std::string_view::npos;
  ahead.Skip(1);
  line.wall = date;
  scan = ahead;
  return true;
}

// "kernel: ", "systemd[1]: ".
bool TakeTag(Scanner& scan, LogLine& line) {
  Scanner ahead = scan;
  std::string_view name;
  if (!IsLetter(ahead.Peek())) return false;
  if (!ahead.TakeWhile(name,
                       [](char c) { return IsWordChar(c) || c == '.' || c == '/' || c == '-'; })) {
    return false;
  }
  const char* end = ahead.at();
  if (ahead.Take('[')) {
    int pid = 0;
    if (!ahead.TakeNumber(pid) || !ahead.Take(']')) return false;
    end = ahead.at();
  }
  if (!ahead.Take(':')) return false;
  if (!ahead.empty() && !ahead.Take(' ')) return false;
  line.tag = {name.data(), static_cast<size_t>(end - name.data())};
  scan = ahead;
  return true;
}

// Words with which a message of the kernel begins, that has neither host nor tag before it.
bool BeginsMessage(std::string_view word) {
  constexpr std::array<std::string_view, 12> kWords = {
      "workqueue", "pool",     "Showing",  "task",    "Call", "Freezing",
      "Workqueue", "watchdog", "Hardware", "blocked", "last", "Dumping"};
  return word.empty() || word.back() == ':' || word.find('=') != std::string_view::npos ||
         std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

bool TakeExtended(Scanner& scan, LogLine& line);

// Whether a line of netconsole follows.
bool IsExtended(Scanner scan) {
  LogLine line;
  return TakeExtended(scan, line);
}

// "box7 kernel: ", "box7 !WARNING | kernel: ", "10.0.0.7 [  312.4] ".
void TakeHostAndTag(Scanner& scan, LogLine& line) {
  Scanner ahead = scan;
  std::string_view host;
  if (TakeTag(scan, line)) return;
  if (!ahead.TakeWhile(host, [](char c) { return !IsBlank(c); }) || BeginsMessage(host)) return;
  if (host.front() == '[' || host.front() == '<' || !ahead.Take(' ')) return;
  if (ahead.Peek() == '!') {
    Scanner level = ahead;
    std::string_view word;
    level.Skip(1);
    if (level.TakeWhile(word, IsWordChar)) {
      level.TakeBlanks();
      if (level.Take('|')) {
        level.TakeBlanks();
        ahead = level;
      }
    }
  }
  if (!TakeTag(ahead, line) && ahead.Peek() != '[' && ahead.Peek() != '<' && !IsExtended(ahead)) {
    return;
  }
  line.host = host;
  scan = ahead;
}

// "4,871,312401210,-,caller=T28;": the extended console's and netconsole's.
bool TakeExtended(Scanner& scan, LogLine& line) {
  Scanner ahead = scan;
  uint64_t level = 0, sequence = 0;
  int64_t us = 0;
  if (!ahead.TakeNumber(level) || !ahead.Take(',') || !ahead.TakeNumber(sequence) ||
      !ahead.Take(',') || !ahead.TakeNumber(us) || !ahead.Take(',')) {
    return false;
  }
  if (!ahead.Take('-') && !ahead.Take('c') && !ahead.Take('+')) return false;
  const std::string_view rest = ahead.rest();
  const size_t semicolon = rest.find(';');
  if (semicolon == std::string_view::npos || (rest[0] != ',' && rest[0] != ';')) return false;
  const std::string_view extras = rest.substr(0, semicolon);
  constexpr std::string_view kCaller = ",caller=";
  if (const size_t at = extras.find(kCaller); at != std::string_view::npos) {
    const std::string_view caller = extras.substr(at + kCaller.size());
    line.caller = caller.substr(0, caller.find(','));
  }
  if (us < INT64_MAX / 1000) line.stamp = Nanos(us * 1000);
  scan.MoveTo(rest.data() + semicolon + 1);
  return true;
}

// "<4>", and a blank where somebody put one.
void TakeLevel(Scanner& scan) {
  Scanner ahead = scan;
  unsigned level = 0;
  if (!ahead.Take('<') || !ahead.TakeNumber(level) || level > 191 || !ahead.Take('>')) return;
  if (ahead.Peek() == ' ' && ahead.Peek(1) == '[') ahead.Skip(1);
  scan = ahead;
}

// "kern  :warn  : ", of dmesg -x.
void TakeFacility(Scanner& scan) {
  Scanner ahead = scan;
  std::string_view word;
  if (!ahead.Take("kern")) return;
  ahead.TakeBlanks();
  if (!ahead.Take(':') || !ahead.TakeWhile(word, IsLetter)) return;
  ahead.TakeBlanks();
  if (!ahead.Take(':')) return;
  ahead.TakeBlanks();
  scan = ahead;
}

// "[  312.401210]" or "[Sat Nov 28 18:04:17 2026]"; the stamp's brackets only.
bool TakePrintkStamp(Scanner& scan, LogLine& line) {
  Scanner ahead = scan;
  if (!ahead.Take('[')) return false;
  if (TakeOneOf(ahead, kDays)) {
    const std::string_view rest = scan.rest();
    const size_t close = rest.find(']');
    if (ahead.Peek() != ' ' || close == std::string_view::npos || close > 40) return false;
    line.wall = rest.substr(1, close - 1);
    scan.Skip(close + 1);
    return true;
  }
  ahead.TakeBlanks();
  int64_t seconds = 0;
  if (!ahead.TakeNumber(seconds) || seconds > INT64_MAX / 2'000'000'000 || !ahead.Take('.')) {
    return false;
  }
  int64_t ns = 0;
  int digits = 0;
  for (; IsDigit(ahead.Peek()) && digits < 9; ++digits, ahead.Skip(1)) {
    ns = ns * 10 + (ahead.Peek() - '0');
  }
  for (int i = digits; i < 9; ++i) ns *= 10;
  if (digits == 0 || !ahead.Take(']')) return false;
  line.stamp = Nanos(seconds * 1'000'000'000 + ns);
  scan = ahead;
  return true;
}

// "[    C1]", "[ T23]", with or without blanks before it.
bool TakeCaller(Scanner& scan, LogLine& line) {
  Scanner ahead = scan;
  ahead.TakeBlanks();
  if (!ahead.Take('[')) return false;
  ahead.TakeBlanks();
  const char* const from = ahead.at();
  uint64_t number = 0;
  if ((!ahead.Take('T') && !ahead.Take('C')) || !ahead.TakeNumber(number)) return false;
  line.caller = {from, static_cast<size_t>(ahead.at() - from)};
  if (!ahead.Take(']')) return false;
  scan = ahead;
  return true;
}

// "-- Boot 0f1e... --" of journalctl, "-- Reboot --" of older ones.
bool TakeBootMark(std::string_view text, LogLine& line) {
  constexpr std::string_view kBoot = "-- Boot ", kEnd = " --";
  line.boot_mark = text == "-- Reboot --";
  if (text.starts_with(kBoot) && text.ends_with(kEnd) && text.size() > kBoot.size() + kEnd.size()) {
    line.boot_mark = true;
    line.boot_id = text.substr(kBoot.size(), text.size() - kBoot.size() - kEnd.size());
  }
  return line.boot_mark;
}

}  // namespace

size_t QuoteLength(std::string_view line) {
  size_t n = 0;
  while (n < line.size() && line[n] == '>') {
    ++n;
    if (n < line.size() && line[n] == ' ' && n + 1 < line.size() && line[n + 1] == '>') ++n;
  }
  if (n > 0) return n + (n < line.size() && line[n] == ' ' ? 1 : 0);
  return line.size() > 1 && line[0] == '|' && line[1] == ' ' ? 1 : 0;
}

LogLine LogLineReader::Read(std::string_view line) {
  LogLine out;
  Scanner scan(line.substr(QuoteLength(line)));
  if (TakeBootMark(scan.rest(), out)) {
    out.text = scan.rest();
    return out;
  }
  constexpr std::string_view kBroadcast = "Message from syslogd@";
  if (scan.rest().starts_with(kBroadcast)) {
    const size_t at = scan.rest().find(" at ");
    if (at != std::string_view::npos) {
      std::string_view wall = scan.rest().substr(at + 4);
      wall = wall.substr(0, wall.find(" ..."));
      broadcast_wall_.assign(wall.substr(0, 64));
    }
    out.text = scan.rest();
    return out;
  }
  bool of_dmesg = false;
  TakeFacility(scan);
  if (TakeDate(scan, out, of_dmesg)) {
    if (!of_dmesg) TakeHostAndTag(scan, out);
    TakeFacility(scan);
  } else if (scan.Take(" kernel:")) {
    out.tag = "kernel";
    out.wall = broadcast_wall_;
  }
  if (!TakeExtended(scan, out)) {
    TakeLevel(scan);
    if (TakePrintkStamp(scan, out)) {
      // dmesg -T over a log that is stamped already, and serial consoles that stamp, too.
      if (!out.stamp) TakePrintkStamp(scan, out);
      TakeCaller(scan, out);
      scan.Take(' ');
    }
  }
  out.text = scan.rest();
  return out;
}

}  // namespace wqprof
