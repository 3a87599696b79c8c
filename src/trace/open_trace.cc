// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "trace/trace_dat.h"
#include "trace/trace_dat_source.h"
#include "wqprof/event_source.h"
#include "wqprof/input_file.h"
#include "wqprof/trace_file.h"

namespace wqprof {

namespace {

absl::StatusOr<std::unique_ptr<EventSource>> OpenFile(
    absl::StatusOr<std::unique_ptr<InputFile>> file, const std::string& path,
    const OpenOptions& options) {
  if (!file.ok()) return file.status();
  if (LooksLikeTraceDat(**file)) return OpenTraceDat(*std::move(file), options);
  if ((*file)->size() == 0) {
    return absl::DataLossError(fmt::format("cannot read {}: the file is empty", path));
  }
  return absl::DataLossError(
      fmt::format("cannot read {}: not a trace.dat\nwqprof reads what wqprof record and "
                  "trace-cmd record write",
                  path));
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventSource>> OpenTrace(const std::string& path,
                                                       const OpenOptions& options) {
  return OpenFile(InputFile::Open(path), path, options);
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenTraceFile(int fd, const std::string& path,
                                                           const OpenOptions& options) {
  return OpenFile(InputFile::Adopt(fd, path), path, options);
}

}  // namespace wqprof
