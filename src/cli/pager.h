// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_PAGER_H_
#define WQPROF_CLI_PAGER_H_

namespace wqprof {

// From now on a pager shows standard output, and standard error where that is the same terminal:
// $WQPROF_PAGER, else $PAGER, else less.  Nothing happens where standard output is no terminal,
// where the variable is empty or "cat", or the program that it names cannot be run.
//
// To be called before anything of an input is read, so that what later gives up rights does not
// take them from the pager.  At the end of the program it is waited for.
void StartPager();

}  // namespace wqprof

#endif  // WQPROF_CLI_PAGER_H_
