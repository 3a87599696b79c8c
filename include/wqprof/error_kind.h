// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ERROR_KIND_H_
#define WQPROF_ERROR_KIND_H_

#include "absl/status/status.h"

namespace wqprof {

// What kind of trouble an error is for whoever ran the program; the exit code follows from it.
enum class ErrorKind {
  kNone,          // no error, or nobody reads the output any more
  kUsage,         // options, configuration, a name that cannot be written to
  kInsufficient,  // evidence: there is nothing of what was asked for
  kCannotTrace,   // rights, kernel or memory of this machine do not allow a recording
  kUnreadable,    // the input
  kCannotWrite,   // a full disk, a write error
  kOutOfMemory,   // while it was read
  kBug,           // of ours
};

// `status` with its kind, which later calls do not change: who met the trouble knows best.
// An OK status stays one.
absl::Status WithKind(absl::Status status, ErrorKind kind);

// Without a kind of its own an error is one of usage (kInvalidArgument, kAlreadyExists), of the
// input (kNotFound, kPermissionDenied, kDataLoss), of a disk without room (kResourceExhausted), or
// lacks evidence (kOutOfRange); kCancelled is none; others are bugs.
ErrorKind KindOf(const absl::Status& status);

}  // namespace wqprof

#endif  // WQPROF_ERROR_KIND_H_
