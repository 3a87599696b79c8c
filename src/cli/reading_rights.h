// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_READING_RIGHTS_H_
#define WQPROF_CLI_READING_RIGHTS_H_

#include <initializer_list>

#include "absl/status/status.h"
#include "cli/result_file.h"

namespace wqprof {

// Gives up for good, if this process has rights of root's, what is not needed to read files and to
// write to what is open: whoever takes it over with a hostile recording can then neither change a
// file, nor execute a program, open a socket or send a signal.  Of the capabilities those stay that
// let it read; a filter of system calls does the rest, as root owns most files without any
// capability.  Where the kernel lacks one of the two, the other one is taken alone.
//
// `outputs` can still be written, each by a process of its own that opens it when there is
// something to write (`FileOpener`); and temporary files without a name can still be made in
// TMPDIR. To be called before anything of an input is read, once the pager runs, and while there is
// one thread. Errors: an output that cannot be written, whoever asks.
absl::Status KeepOnlyReading(std::initializer_list<ResultFile*> outputs = {});

// Whether the filter can be had here; capabilities can be dropped anywhere.
bool HasReadingFilter();

}  // namespace wqprof

#endif  // WQPROF_CLI_READING_RIGHTS_H_
