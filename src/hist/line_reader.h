// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_HIST_LINE_READER_H_
#define WQPROF_HIST_LINE_READER_H_

#include <memory>
#include <string>
#include <string_view>

#include "hist/record.h"

namespace wqprof {

// Reads lines into one record, one after the other.  Those of a segment begin alike, and go on as
// ToHistNdjson() writes them: such a line is compared with the beginning of the last one, and the
// rest is scanned in one pass.  Any other line goes to the parser, which would find the same in a
// scanned one.
class HistLineReader {
 public:
  // `line` has LineParser::kPadding readable bytes behind its end, the first of which is a control
  // character, such as the end of the line.
  LineForm Read(std::string_view line);
  HistRecord& record() { return record_; }
  // What stands before `kind` (segment, host, kernel, machine, labels) is as in the line before.
  bool same_head() const { return same_head_; }

 private:
  bool Scan(std::string_view line);
  // Whether the record has the fields of head_, and those alone.
  bool LoadHead();

  std::unique_ptr<LineParser> parser_ = MakeLineParser();
  HistRecord record_;
  std::string head_;     // what stands before `kind` in the last line that was parsed
  bool loaded_ = false;  // the record's head is that of head_
  bool same_head_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_HIST_LINE_READER_H_
