// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_LINE_READER_H_
#define WQPROF_TEXT_LINE_READER_H_

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/text.h"

namespace wqprof {

// Cuts a stream into lines, and takes off what no line of the kernel holds: carriage returns, NULs
// and colours of a terminal.  A line that is longer than kLongestLine is read as an empty one.
class LineReader {
 public:
  static constexpr size_t kLongestLine = 64 << 10;
  // A text without an end of line for that long is none.
  static constexpr uint64_t kLongestText = uint64_t{64} << 20;

  explicit LineReader(std::unique_ptr<ByteStream> stream);

  struct Line {
    std::string_view text;  // valid until the next call
    bool ended = true;      // by a line end; else the text stops in it
  };
  // Returns whether there was a line.
  absl::StatusOr<bool> Next(Line& line);
  // What comes behind the last line, as far as it was read; a hundred bytes or more unless the text
  // ends.
  std::string_view Ahead() const;
  // Of the last line, in the text: 1, 2, ...
  uint64_t number() const { return number_; }

 private:
  absl::StatusOr<bool> Fill();
  absl::StatusOr<bool> SkipLongLine();

  std::unique_ptr<ByteStream> stream_;
  std::vector<char> buffer_;
  char* at_ = nullptr;  // not yet handed out: [at_, end_)
  char* end_ = nullptr;
  bool ended_ = false;  // the stream has
  bool dirty_ = false;  // there may be something to take off in the buffer
  uint64_t number_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_LINE_READER_H_
