// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_ITEM_TABLE_H_
#define WQPROF_RENDER_ITEM_TABLE_H_

#include <memory>

#include "wqprof/render.h"

namespace wqprof {

// Writes items as lines of a text table.
std::unique_ptr<ItemWriter> MakeItemTable(const EventSource& source, const Reconstructor& model,
                                          const TextStyle& style);

}  // namespace wqprof

#endif  // WQPROF_RENDER_ITEM_TABLE_H_
