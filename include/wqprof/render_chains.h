// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_CHAINS_H_
#define WQPROF_RENDER_CHAINS_H_

#include <string>

#include "absl/status/statusor.h"
#include "wqprof/chains.h"
#include "wqprof/render.h"

namespace wqprof {

// Chains and the tree of who queued whom (schema wqprof.chains/1); CSV holds the tree alone.
// `report` says about the recording.
absl::StatusOr<std::string> RenderChains(const Report& report, const ChainReport& chains,
                                         Format format, const View& view, const TextStyle& style);

// The tree for flame graphs: a line for each node, "outer;inner 1234", with the time of its
// items from queue to end in ns.
std::string FoldedChains(const ChainReport& chains);

}  // namespace wqprof

#endif  // WQPROF_RENDER_CHAINS_H_
