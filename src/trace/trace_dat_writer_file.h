// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_TRACE_DAT_WRITER_FILE_H_
#define WQPROF_TRACE_TRACE_DAT_WRITER_FILE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wqprof {

// A file being written; closed, not removed, at the end of its life.
class OutputFile {
 public:
  // Creates `path`, which must not exist, readable by its owner only: a trace holds kernel
  // addresses.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path);
  // Whether an OutputFile for it exists, in any process.
  static bool IsBeingWritten(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Appends; on error the file is cut back to what it had before.
  absl::Status Append(std::span<const std::byte> bytes);
  absl::Status Append(std::string_view text);
  // The same for `size` bytes that wait in a pipe.  kUnimplemented: the file system does not take
  // bytes from pipes; they are still there.
  absl::Status AppendFrom(int pipe, size_t size);
  // Zeros up to the next multiple of `alignment`.
  absl::Status AlignTo(uint64_t alignment);
  // Overwrites bytes that exist.
  absl::Status Patch(uint64_t offset, std::string_view text);
  // Fills `out` with bytes that exist.
  absl::Status Read(uint64_t offset, std::span<std::byte> out) const;
  // Appends `size` bytes of `from`, which loses them: its disk space is given back on the
  // way.  On error the file ends with what could be moved, as size() says.
  absl::Status MoveFrom(OutputFile& from, uint64_t offset, uint64_t size);
  absl::Status Truncate(uint64_t size);
  absl::Status GiveTo(uint32_t user, uint32_t group);
  void Remove();
  // Renames it, over whatever has that name.
  absl::Status MoveTo(const std::string& path);

  // May be asked from any thread.
  uint64_t size() const { return size_.load(std::memory_order_relaxed); }
  const std::string& path() const { return path_; }

 private:
  OutputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  absl::Status CopyStep(OutputFile& from, uint64_t offset, uint64_t size);
  absl::Status CopyThroughMemory(OutputFile& from, uint64_t offset, uint64_t size);

  std::string path_;
  int fd_;
  std::atomic<uint64_t> size_ = 0;
};

// Disk space kept beside `path` by a nameless file, so that a trace which filled the disk can
// still be ended.  Where the file system knows no such files nothing is kept.
class DiskReserve {
 public:
  DiskReserve(const std::string& path, uint64_t size);
  ~DiskReserve() { Release(); }
  DiskReserve(const DiskReserve&) = delete;
  DiskReserve& operator=(const DiskReserve&) = delete;
  void Release();

 private:
  int fd_ = -1;
};

// `error` (an errno) met while writing `path`.
absl::Status WriteError(const std::string& path, int error);

}  // namespace wqprof

#endif  // WQPROF_TRACE_TRACE_DAT_WRITER_FILE_H_
