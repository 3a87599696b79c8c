// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_TEXT_PRINTER_H_
#define WQPROF_TESTS_SUPPORT_TEXT_PRINTER_H_

#include <memory>
#include <string>
#include <string_view>

#include "wqprof/event_source.h"
#include "wqprof/text.h"

namespace wqprof::testing {

// The programs and options that print a trace.
enum class PrintedBy {
  kTrace,        // trace, trace_pipe of 6.x
  kOldTrace,     // 4.x, with thread groups: no function of an end, workqueues as addresses
  kNoFlags,      // options/irq-info off
  kLatency,      // options/latency-format
  kVerbose,      // options/verbose as well
  kTraceCmd,     // trace-cmd report
  kTraceCmdRaw,  // trace-cmd report -R
  kPerfScript,
  kConsole,  // a dump at a panic, behind printk's stamps
};
inline constexpr PrintedBy kAllPrinters[] = {
    PrintedBy::kTrace,       PrintedBy::kOldTrace,   PrintedBy::kNoFlags,
    PrintedBy::kLatency,     PrintedBy::kVerbose,    PrintedBy::kTraceCmd,
    PrintedBy::kTraceCmdRaw, PrintedBy::kPerfScript, PrintedBy::kConsole};
std::string_view NameOf(PrintedBy by);

// The events of `source` as that program prints them.
std::string PrintAsText(EventSource& source, PrintedBy by);

// A text as a stream, which gives at most `piece` bytes at a time.
std::unique_ptr<ByteStream> StreamOf(std::string text, size_t piece = SIZE_MAX);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_TEXT_PRINTER_H_
