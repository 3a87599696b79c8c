// SPDX-License-Identifier: Apache-2.0
#include "wqprof/error_kind.h"

#include <string>

#include "absl/strings/cord.h"

namespace wqprof {
namespace {

constexpr char kPayload[] = "wqprof/error-kind";

}  // namespace

absl::Status WithKind(absl::Status status, ErrorKind kind) {
  if (!status.ok() && !status.GetPayload(kPayload)) {
    status.SetPayload(kPayload,
                      absl::Cord(std::string(1, static_cast<char>('0' + static_cast<int>(kind)))));
  }
  return status;
}

ErrorKind KindOf(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kPayload)) {
    return static_cast<ErrorKind>((*payload)[0] - '0');
  }
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kCancelled:
      return ErrorKind::kNone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
      return ErrorKind::kUsage;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kDataLoss:
      return ErrorKind::kUnreadable;
    case absl::StatusCode::kResourceExhausted:
      return ErrorKind::kCannotWrite;
    case absl::StatusCode::kOutOfRange:
      return ErrorKind::kInsufficient;
    default:
      return ErrorKind::kBug;
  }
}

}  // namespace wqprof
