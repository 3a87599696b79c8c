// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_PAGE_WRITER_H_
#define WQPROF_TESTS_SUPPORT_PAGE_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "support/byte_writer.h"

namespace wqprof::testing {

// How a kernel lays out its ring-buffer pages, and what it likes to write there.
struct PageStyle {
  bool big_endian = false;
  int long_size = 8;
  uint32_t page_size = 4096;
  bool length_words = false;    // a length word with each record, however short
  bool absolute_times = false;  // an absolute stamp before each record
};

// Writes the pages of one CPU as the ring buffer does (doc/trace-dat.md §2).
class PageWriter {
 public:
  explicit PageWriter(const PageStyle& style) : style_(style), page_(style.big_endian) {}

  // A record at `at`; begins a new page when it does not fit.
  void Record(uint64_t at, std::string_view payload);
  // What stands in a page besides records; REQUIRES: a page was begun.
  void Padding();                    // nothing more on this page
  void Discarded(size_t bytes);      // a record that was taken back
  void Raw(std::string_view bytes);  // anything
  // The next record begins a page before which events were lost.
  void Lose(std::optional<uint64_t> count);
  void EndPage();
  // All pages; the last one is ended.
  std::string Take();

 private:
  size_t data_offset() const { return 8 + static_cast<size_t>(style_.long_size); }
  size_t Room() const;
  void BeginPage(uint64_t at);
  void Header(uint32_t type_len, uint64_t delta);

  PageStyle style_;
  ByteWriter page_;  // the one being written, empty when there is none
  std::string done_;
  uint64_t last_ = 0;
  bool lossy_next_ = false, lossy_ = false;
  std::optional<uint64_t> lost_next_, lost_;
};

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_PAGE_WRITER_H_
