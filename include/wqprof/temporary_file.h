// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEMPORARY_FILE_H_
#define WQPROF_TEMPORARY_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wqprof {

// TMPDIR, or where it would be.
std::string TemporaryDirectory();
// A new file without a name there; -1: errno says why not.
int OpenTemporary(const std::string& directory);
// From now on no file with a name is made for a moment where the file system can only make such:
// some are made now instead.
void ReserveTemporaryFiles();

// A file without a name in TMPDIR, for what has to be read out of order and does not fit into
// memory.  It leaves a tenth of the room there free.
class TemporaryFile {
 public:
  // `what` is kept in it: the subject of messages.  kResourceExhausted: there is no room.
  static absl::StatusOr<std::unique_ptr<TemporaryFile>> Create(std::string what);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  absl::Status Append(std::span<const std::byte> bytes);
  // Fills `out`.  REQUIRES: as much was appended.
  absl::Status ReadAt(uint64_t offset, std::span<std::byte> out) const;
  uint64_t size() const { return size_; }
  // Gives the descriptor away; to be closed by the caller.
  int Release();

 private:
  TemporaryFile(std::string what, std::string directory, int fd, uint64_t most)
      : what_(std::move(what)), directory_(std::move(directory)), fd_(fd), most_(most) {}
  absl::Status NoRoom(int error) const;

  std::string what_, directory_;
  int fd_;
  uint64_t most_;
  uint64_t size_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_TEMPORARY_FILE_H_
