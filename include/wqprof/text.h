// SPDX-License-Identifier: Apache-2.0
// Events out of text: what `trace`, `trace_pipe`, `trace-cmd report`, atrace, `perf script` and an
// ftrace dump on the console print.
#ifndef WQPROF_TEXT_H_
#define WQPROF_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "wqprof/byte_stream.h"
#include "wqprof/event_source.h"
#include "wqprof/log_line.h"
#include "wqprof/types.h"

namespace wqprof {

// How the characters of a text are packed.
enum class TextCoding : uint8_t {
  kAsIs,
  kUtf16Le,
  kUtf16Be,
  kSystrace,         // an HTML page with traces in <script class="trace-data">
  kQuotedPrintable,  // of mail: "=3D", and lines that go on behind "="
};
// The text of `stream`.
std::unique_ptr<ByteStream> DecodeText(std::unique_ptr<ByteStream> stream, TextCoding coding);

// Takes the lines of a text that are no events.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void Add(const LogLine& line) = 0;
  // Whether any line was worth keeping: then a text without events is no error.
  virtual bool found() const = 0;
};

struct TextOptions {
  std::string path;  // for messages, and as the source's path
  // What one unit of a stamp without a point is (counter, tsc, uptime): absent, it is no time, and
  // orders events only.
  std::optional<Nanos> stamp_unit;
  LogSink* log = nullptr;  // outlives the source
};

// What a text that holds no event of a workqueue turned out to be.
struct TextFindings {
  uint64_t lines = 0;
  uint64_t events = 0;        // of other kinds
  uint64_t log_lines = 0;     // stamped by printk, syslog or a journal
  uint64_t unread_lines = 0;  // name one of the four events and could not be read
  bool empty_trace = false;   // a header of ftrace, and nothing recorded
  bool buffer_empty = false;  // "(ftrace buffer empty)"
};

// The events of a text, in time order.
//
// Lines are read one after the other; what is no event is passed over.  Events that are printed out
// of order are sorted: CPU by CPU (`cat per_cpu/*/trace`) through a temporary file in TMPDIR, else
// within some thousands of events.  Memory: that window, and the names.
class TextSource : public EventSource {
 public:
  // Reads the first events.  Errors: those of `stream`.
  static absl::StatusOr<std::unique_ptr<TextSource>> Open(std::unique_ptr<ByteStream> stream,
                                                          const TextOptions& options);
  // Complete once Next() has returned the end.
  virtual TextFindings findings() const = 0;
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_H_
