// SPDX-License-Identifier: Apache-2.0
#include "support/page_writer.h"

#include <cassert>

namespace wqprof::testing {
namespace {

constexpr uint32_t kPadding = 29, kTimeExtend = 30, kTimeStamp = 31;
constexpr uint64_t kDeltaLimit = uint64_t{1} << 27;
constexpr uint64_t kMissed = uint64_t{1} << 31, kStored = uint64_t{1} << 30;

}  // namespace

void PageWriter::Header(uint32_t type_len, uint64_t delta) {
  assert(delta < kDeltaLimit);
  page_.U32(style_.big_endian ? type_len << 27 | delta : delta << 5 | type_len);
}

size_t PageWriter::Room() const {
  // The number of lost events stands behind the page's last record.
  const size_t reserved = lost_ ? static_cast<size_t>(style_.long_size) : 0;
  return style_.page_size - reserved - page_.size();
}

void PageWriter::BeginPage(uint64_t at) {
  page_.U64(at).Number(0, static_cast<size_t>(style_.long_size));
  last_ = at;
  lossy_ = lossy_next_;
  lost_ = lost_next_;
  lossy_next_ = false;
  lost_next_.reset();
}

void PageWriter::Record(uint64_t at, std::string_view payload) {
  const size_t rounded = (payload.size() + 3) / 4 * 4;
  const size_t worst = 16 + rounded;
  if (page_.size() == 0 || lossy_next_ || Room() < worst) {
    EndPage();
    BeginPage(at);
  }
  assert(Room() >= worst);
  uint64_t delta = at - last_;
  if (style_.absolute_times) {
    Header(kTimeStamp, at & (kDeltaLimit - 1));
    page_.U32(at >> 27 & 0xffffffff);
    delta = 0;
  } else if (delta >= kDeltaLimit) {
    Header(kTimeExtend, delta & (kDeltaLimit - 1));
    page_.U32(delta >> 27);
    delta = 0;
  }
  last_ = at;
  if (style_.length_words || rounded > 28 * 4 || rounded == 0) {
    Header(0, delta);
    page_.U32(4 + payload.size());
  } else {
    Header(static_cast<uint32_t>(rounded / 4), delta);
  }
  page_.Array(payload, rounded);
}

void PageWriter::Padding() { Header(kPadding, 0); }

void PageWriter::Discarded(size_t bytes) {
  assert(bytes >= 4 && bytes % 4 == 0);
  Header(kPadding, 1);
  page_.U32(bytes).Array("", bytes - 4);
}

void PageWriter::Raw(std::string_view bytes) { page_.Bytes(bytes); }

void PageWriter::Lose(std::optional<uint64_t> count) {
  lossy_next_ = true;
  lost_next_ = count;
}

void PageWriter::EndPage() {
  if (page_.size() == 0) return;
  uint64_t commit = page_.size() - data_offset();
  if (lossy_) commit |= kMissed;
  if (lost_) {
    commit |= kStored;
    page_.Number(*lost_, static_cast<size_t>(style_.long_size));
  }
  // The kernel's local_t is signed: the mark of a loss fills the upper half.
  if (lossy_ && style_.long_size == 8) commit |= uint64_t{0xffffffff} << 32;
  page_.Patch(8, commit, static_cast<size_t>(style_.long_size));
  page_.PadTo(style_.page_size);
  done_ += page_.Take();
  page_ = ByteWriter(style_.big_endian);
  lossy_ = false;
  lost_.reset();
}

std::string PageWriter::Take() {
  EndPage();
  return std::move(done_);
}

}  // namespace wqprof::testing
