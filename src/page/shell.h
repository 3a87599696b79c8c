// SPDX-License-Identifier: Apache-2.0
// What every page has: its head, its policy, its navigation and its end.
#ifndef WQPROF_PAGE_SHELL_H_
#define WQPROF_PAGE_SHELL_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wqprof {

// A place of the page that the navigation leads to.
struct PagePart {
  std::string id, heading;
  std::string html;        // below the heading
  std::string about = {};  // a sentence beside the heading, HTML
};

// A number to be seen first.
struct Tile {
  std::string heading, value, about;  // plain text
  std::string kind = {};              // "", "good", "doubt" or "bad"
  std::string link = {};              // "#stalls"; "" leads nowhere
};

// A whole page.  `title`, `facts` and texts of tiles are plain text, escaped here.
struct PageShell {
  std::string title;
  std::vector<std::string> facts;  // below the title
  std::string badge_kind, badge;   // as of a Tile; plain text
  std::vector<Tile> tiles;
  std::vector<PagePart> parts;  // those without HTML are left out
  std::string data = "{}";      // JSON without '<'
  std::string_view version;
};
std::string ToHtml(const PageShell& page);

}  // namespace wqprof

#endif  // WQPROF_PAGE_SHELL_H_
