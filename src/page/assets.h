// SPDX-License-Identifier: Apache-2.0
// The script and page.css, as the build embeds them (embed.cmake), and their SHA-256 in base64.
#ifndef WQPROF_PAGE_ASSETS_H_
#define WQPROF_PAGE_ASSETS_H_

#include <string_view>

namespace wqprof::assets {

extern const std::string_view kScript, kScriptHash;
extern const std::string_view kStyle, kStyleHash;

}  // namespace wqprof::assets

#endif  // WQPROF_PAGE_ASSETS_H_
