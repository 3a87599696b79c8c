// SPDX-License-Identifier: Apache-2.0
// A line of a kernel log without what the console, the logger and the mail program put before it.
#ifndef WQPROF_LOG_LINE_H_
#define WQPROF_LOG_LINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wqprof/types.h"

namespace wqprof {

// One line of a text, taken apart.  What the line lacks is absent or "".
// All views lie in the line that was read, but `wall`: see there.
struct LogLine {
  std::string_view text;  // the message; blanks before it are its own
  // Since boot: of printk ("[  312.401210]") or of an extended console ("4,871,312401210,-;").
  std::optional<Nanos> stamp;
  // The task or CPU that printed it: "T28", "C0".
  std::string_view caller;
  // The wall clock as the log writes it: "2026-11-28T18:04:17+0100", "May  7 18:23:21",
  // "Sat Nov 28 18:04:17 2026".  Of a message that syslogd broadcasts it stands in the line
  // before; it is valid until the next call of Read().
  std::string_view wall;
  std::string_view host;     // behind the wall clock: "box7"
  std::string_view tag;      // who logged it: "kernel", "sshd[901]"; "" not known
  std::string_view boot_id;  // of journalctl's "-- Boot 1f3c... --"
  bool boot_mark = false;    // journalctl's line between two boots: "-- Boot ID --", "-- Reboot --"
};

// Takes lines apart one after the other.
class LogLineReader {
 public:
  // `line` is without its end.  Any prefix may be absent, and any text is a line.
  LogLine Read(std::string_view line);

 private:
  std::string broadcast_wall_;  // of "Message from syslogd@host at May  7 18:23:21 ..."
};

// What mail programs put before lines that are quoted ("> > ", "| "): its length.
size_t QuoteLength(std::string_view line);

}  // namespace wqprof

#endif  // WQPROF_LOG_LINE_H_
