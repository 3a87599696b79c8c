// SPDX-License-Identifier: Apache-2.0
#include "page/shell.h"

#include <fmt/format.h>

#include "page/assets.h"
#include "page/html.h"

namespace wqprof {
namespace {

std::string HeadHtml(const PageShell& page) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"generator\" content=\"wqprof {}\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>{} - wqprof</title>\n<style>",
      assets::kScriptHash, assets::kStyleHash, Html(page.version), HtmlName(page.title));
  out += assets::kStyle;
  out += "</style>\n</head>\n";
  return out;
}

std::string TilesHtml(const PageShell& page) {
  if (page.tiles.empty()) return "";
  std::string out = "<ul class=\"tiles\">\n";
  for (const Tile& tile : page.tiles) {
    const std::string inside = fmt::format(
        "<span class=\"what\">{}</span><strong>{}</strong><span class=\"about\">{}</span>",
        Html(tile.heading), HtmlName(tile.value), HtmlName(tile.about, kNameWidth));
    out += fmt::format("<li class=\"tile {}\">", tile.kind);
    out +=
        tile.link.empty() ? inside : fmt::format("<a href=\"{}\">{}</a>", Html(tile.link), inside);
    out += "</li>\n";
  }
  return out + "</ul>\n";
}

}  // namespace

std::string ToHtml(const PageShell& page) {
  std::string out = HeadHtml(page);
  out +=
      "<body>\n<a class=\"skip\" href=\"#main\">skip to the content</a>\n"
      "<header class=\"top\"><span class=\"brand\">wqprof</span>\n<nav aria-label=\"parts of this "
      "page\"><ul>";
  for (const PagePart& part : page.parts) {
    if (part.html.empty()) continue;
    out += fmt::format("<li><a href=\"#{}\">{}</a></li>", part.id, Html(part.heading));
  }
  out +=
      "</ul></nav>\n<button type=\"button\" id=\"theme\" class=\"js-only\">theme: system</button>"
      "</header>\n<main id=\"main\">\n";
  out += fmt::format("<div class=\"title\"><h1>{}</h1>", HtmlName(page.title));
  if (!page.badge.empty()) {
    out += fmt::format("<a class=\"badge {}\" href=\"#quality\">{}</a>", page.badge_kind,
                       HtmlName(page.badge));
  }
  out += "</div>\n<ul class=\"facts\">";
  for (const std::string& fact : page.facts) out += fmt::format("<li>{}</li>", HtmlName(fact));
  out += "</ul>\n" + TilesHtml(page);
  for (const PagePart& part : page.parts) {
    if (part.html.empty()) continue;
    out +=
        fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-h\">\n<h2 id=\"{0}-h\">{1}</h2>\n",
                    part.id, Html(part.heading));
    if (!part.about.empty()) out += fmt::format("<p class=\"lead\">{}</p>\n", part.about);
    out += part.html + "</section>\n";
  }
  out += fmt::format("</main>\n<footer>made by wqprof {}</footer>\n", Html(page.version));
  out +=
      fmt::format("<script type=\"application/json\" id=\"data\">{}</script>\n<script>", page.data);
  out += assets::kScript;
  out += "</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace wqprof
