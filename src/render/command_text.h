// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_COMMAND_TEXT_H_
#define WQPROF_RENDER_COMMAND_TEXT_H_

#include <string>
#include <string_view>

#include "wqprof/render.h"
#include "wqprof/words.h"

namespace wqprof {

// `name` as a shell takes it: quoted where it needs to be.
std::string Quoted(std::string_view name);
// " -w 'name'": an option with a glob that means just this name; "" for no name.
std::string GlobOption(std::string_view option, std::string_view name);

// "wqprof stalls 'my file.dat' --explain 3": `command` with `options` on the data that the user
// looks at.  Options begin with a blank.
std::string CommandText(std::string_view command, std::string_view options, const Invocation& by);

// The command that shows more of a finding.
std::string NextCommand(const Finding& finding, const Report& report, const Invocation& by);

}  // namespace wqprof

#endif  // WQPROF_RENDER_COMMAND_TEXT_H_
