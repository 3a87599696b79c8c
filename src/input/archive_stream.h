// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_INPUT_ARCHIVE_STREAM_H_
#define WQPROF_INPUT_ARCHIVE_STREAM_H_

#include <memory>
#include <string>
#include <string_view>

#include "wqprof/text.h"

namespace wqprof {

// Whether an input begins as what OpenArchive() reads does.
bool LooksWrapped(std::string_view head);

// What `stream` holds, compressed or as the one member of an archive.  An archive with several
// members fails with their names, here or where it would end; what expands beyond belief fails with
// kResourceExhausted.
absl::StatusOr<std::unique_ptr<ByteStream>> OpenArchive(std::unique_ptr<ByteStream> stream,
                                                        std::string path);

}  // namespace wqprof

#endif  // WQPROF_INPUT_ARCHIVE_STREAM_H_
