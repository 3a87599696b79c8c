// SPDX-License-Identifier: Apache-2.0
#include "live/ring_buffer.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "wqprof/tracefs_text.h"

namespace wqprof {
namespace {

// Of a sub-buffer: the time of its first event, and the commit field.
constexpr size_t kPageHeader = 16;
// The low 32 bits of the commit field hold all there is, whatever the size of a long.
constexpr bool kBig = std::endian::native == std::endian::big;
constexpr size_t kCommitWord = 8 + (kBig && sizeof(long) == 8 ? 4 : 0);
constexpr uint32_t kSizeMask = 0x3fffffff, kMissed = 0x80000000;

}  // namespace

BufferCounts ParseBufferCounts(std::string_view stats) {
  const CpuStats parsed = ParseCpuStats(stats);
  BufferCounts out;
  out.entries = parsed.entries.value_or(0);
  out.bytes = parsed.bytes.value_or(0);
  out.read = parsed.read_events.value_or(0);
  out.lost = parsed.overrun.value_or(0) + parsed.commit_overrun.value_or(0) +
             parsed.dropped_events.value_or(0);
  return out;
}

PageHead ReadPageHead(std::span<const std::byte> page) {
  uint32_t commit = 0;
  std::memcpy(&commit, page.data() + kCommitWord, sizeof commit);
  return {commit & kSizeMask, (commit & kMissed) != 0};
}

absl::StatusOr<std::unique_ptr<CpuBuffer>> CpuBuffer::Open(const TraceInstance& instance, Cpu cpu,
                                                           uint32_t page_size) {
  const auto open_file = [&](std::string_view name) {
    const std::string path = instance.File(fmt::format("per_cpu/cpu{}/{}", ToInt(cpu), name));
    return ScopedFd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  };
  ScopedFd pipe = open_file("trace_pipe_raw");
  const int error = errno;
  ScopedFd stats = open_file("stats");
  if (!pipe.ok() && error == EMFILE) {
    return absl::ResourceExhaustedError(
        "cannot open the buffer of every CPU: too many open files\nraise the limit: ulimit -n "
        "8192");
  }
  if (!pipe.ok() || !stats.ok()) {
    return TracingError("cannot read the ring buffer", instance.File("per_cpu"),
                        pipe.ok() ? errno : error);
  }
  return std::unique_ptr<CpuBuffer>(
      new CpuBuffer(cpu, page_size, std::move(pipe), std::move(stats)));
}

CpuBuffer::CpuBuffer(Cpu cpu, uint32_t page_size, ScopedFd pipe, ScopedFd stats)
    : cpu_(cpu), page_size_(page_size), pipe_(std::move(pipe)), stats_(std::move(stats)) {}

CpuBuffer::ReadResult CpuBuffer::ReadPage(std::span<std::byte> page) {
  // No event that is recorded is longer: a sub-buffer with more room left is the one that the
  // kernel is writing, or was until it was taken from it.
  constexpr size_t kLongestEvent = 1024;
  ssize_t n;
  do {
    n = read(pipe_.get(), page.data(), page.size());
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return ReadResult::kNothing;
  // Always a whole one; what an old kernel leaves out of a part is nothing.
  std::memset(page.data() + n, 0, page.size() - static_cast<size_t>(n));
  if (late_ && reads_ == 0) BeginLateWith(page);
  const PageHead head = ReadPageHead(page);
  gaps_ += head.missed ? 1 : 0;
  ++reads_;
  return head.used + kPageHeader + kLongestEvent < page.size() ? ReadResult::kPart
                                                               : ReadResult::kFull;
}

absl::Status CpuBuffer::Drain(uint64_t limit, PagePipe& pipe, std::span<std::byte> scratch,
                              PageSink* sink) {
  // The first sub-buffer of a late begin is changed on its way.
  if (sink != nullptr && !(late_ && reads_ == 0)) {
    const auto moved = MoveFull(limit, pipe, scratch, *sink);
    if (!moved.ok()) return moved.status();
    limit -= *moved;
  }
  while (limit != 0) {
    size_t used = 0;
    while (limit != 0 && used + page_size_ <= scratch.size()) {
      if (ReadPage(scratch.subspan(used, page_size_)) == ReadResult::kNothing) {
        limit = 0;
        break;
      }
      --limit;
      used += page_size_;
    }
    if (used == 0 || sink == nullptr) continue;
    if (absl::Status status = sink->Add(cpu_, scratch.first(used)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// How many there were.
absl::StatusOr<uint64_t> CpuBuffer::MoveFull(uint64_t limit, PagePipe& pipe,
                                             std::span<std::byte> scratch, PageSink& sink) {
  const uint64_t lost_at_begin = counts_.lost;
  uint64_t taken = 0, moved = 0;
  while (const size_t pages = pipe.Fill(pipe_.get(), limit - taken, page_size_)) {
    taken += pages;
    reads_ += pages;
    absl::Status status = sink.AddFrom(cpu_, pipe.fd(), pages * page_size_);
    if (status.ok()) moved += pages;
    if (absl::IsUnimplemented(status)) {
      status = Copy(pages, pipe.fd(), scratch, sink);
      pipe.Close();
    }
    if (!status.ok()) return status;
  }
  if (moved == 0) return taken;
  // A sub-buffer is marked when others were overwritten since the one before it was taken
  // (rb_get_reader_page()), perhaps long before it is taken itself: there are no marks while the
  // kernel counts no more than before the last one.
  RefreshCounts();
  for (uint64_t page = 1; counts_.lost != lost_before_ && page <= moved; ++page) {
    std::array<std::byte, kPageHeader> head;
    absl::Status status = sink.ReadBack(cpu_, page * page_size_, head);
    if (!status.ok()) return status;
    gaps_ += ReadPageHead(head).missed ? 1 : 0;
  }
  lost_before_ = lost_at_begin;
  return taken;
}

// What is in a pipe that the sink does not take.
absl::Status CpuBuffer::Copy(size_t pages, int pipe, std::span<std::byte> scratch, PageSink& sink) {
  for (; pages != 0; --pages) {
    const auto page = scratch.first(page_size_);
    for (size_t used = 0; used != page.size();) {
      const ssize_t n = read(pipe, &page[used], page.size() - used);
      if (n <= 0) return absl::InternalError("cannot read back from a pipe");
      used += static_cast<size_t>(n);
    }
    gaps_ += ReadPageHead(page).missed ? 1 : 0;
    if (absl::Status status = sink.Add(cpu_, page); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CpuBuffer::DrainToWriter(uint64_t limit, std::span<std::byte> scratch,
                                              PageSink& sink) {
  ReadResult result = ReadResult::kFull;
  while (result == ReadResult::kFull && limit > 0) {
    size_t used = 0;
    for (; result == ReadResult::kFull && limit > 0 && used + page_size_ <= scratch.size();
         --limit) {
      result = ReadPage(scratch.subspan(used, page_size_));
      if (result != ReadResult::kNothing) used += page_size_;
    }
    if (used == 0) break;
    if (absl::Status status = sink.Add(cpu_, scratch.first(used)); !status.ok()) return status;
  }
  return result != ReadResult::kFull;
}

void CpuBuffer::RefreshCounts() {
  char text[1024];
  const ssize_t n = pread(stats_.get(), text, sizeof text, 0);
  if (n <= 0) return;
  stats_text_.assign(text, static_cast<size_t>(n));
  const BufferCounts before = raw_counts_;
  raw_counts_ = counts_ = ParseBufferCounts(stats_text_);
  counts_.read -= std::min(counts_.read, before_us_.read);
  counts_.lost -= std::min(counts_.lost, before_us_.lost);
  cleared_ |= raw_counts_.read < before.read || raw_counts_.lost < before.lost;
}

void CpuBuffer::BeginLate() {
  late_ = true;
  RefreshCounts();
  before_us_ = raw_counts_;
  RefreshCounts();
}

void CpuBuffer::BeginLateWith(std::span<std::byte> page) {
  uint32_t commit = 0;
  const auto word = page.subspan(kCommitWord, sizeof commit);
  std::memcpy(&commit, word.data(), sizeof commit);
  commit &= kSizeMask;
  std::memcpy(word.data(), &commit, sizeof commit);
  RefreshCounts();
  before_us_.lost = raw_counts_.lost;
  RefreshCounts();
}

// Without the number of those that wait, which are somebody else's, and where some were overwritten
// before we came, without that, so that the CPUs begin where each of them begins.
std::string CpuBuffer::LateStatsText() const {
  std::string out = fmt::format("read events: {}\n", counts_.read);
  if (before_us_.lost == 0) {
    out += fmt::format("overrun: {}\ncommit overrun: 0\n", counts_.lost);
  }
  return out;
}

std::vector<Cpu> BufferCpus(const TraceInstance& instance) {
  std::vector<Cpu> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(instance.File("per_cpu").c_str()),
                                                closedir);
  while (const dirent* entry = dir != nullptr ? readdir(dir.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    int cpu = 0;
    if (!name.starts_with("cpu")) continue;
    const auto [end, error] = std::from_chars(name.data() + 3, name.data() + name.size(), cpu);
    if (error == std::errc() && end == name.data() + name.size() && cpu < kMaxCpus) {
      out.push_back(static_cast<Cpu>(cpu));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace wqprof
