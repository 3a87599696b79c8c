// SPDX-License-Identifier: Apache-2.0
// What a newcomer needs to read the page.
#include "page/report_parts.h"

namespace wqprof {

std::string LegendHtml(const ReportPageInput& in) {
  std::string out =
      "<svg class=\"life\" viewBox=\"0 0 620 92\" role=\"img\" aria-label=\"the life of an item: "
      "queue, activate, start, end\">"
      "<g class=\"ticks\"><path d=\"M20 30v16M180 30v16M400 30v16M600 30v16\"/></g>"
      "<rect class=\"act\" x=\"20\" y=\"34\" width=\"160\" height=\"8\"/>"
      "<rect class=\"dis\" x=\"180\" y=\"34\" width=\"220\" height=\"8\"/>"
      "<rect class=\"exe\" x=\"400\" y=\"34\" width=\"200\" height=\"8\"/>"
      "<text x=\"20\" y=\"20\">queue</text><text x=\"180\" y=\"20\" "
      "text-anchor=\"middle\">activate</text>"
      "<text x=\"400\" y=\"20\" text-anchor=\"middle\">start</text>"
      "<text x=\"600\" y=\"20\" text-anchor=\"end\">end</text>"
      "<text x=\"100\" y=\"62\" text-anchor=\"middle\">inactive</text>"
      "<text x=\"290\" y=\"62\" text-anchor=\"middle\">waits for a worker</text>"
      "<text x=\"500\" y=\"62\" text-anchor=\"middle\">execution</text>"
      "<path class=\"span\" d=\"M20 74h380\"/><text x=\"210\" y=\"88\" "
      "text-anchor=\"middle\">latency"
      "</text></svg>\n<dl class=\"words\">"
      "<dt>item</dt><dd>One life of a work: it is queued, activated, started by a worker and "
      "ends.</dd>"
      "<dt>inactive</dt><dd>Queued, but not activated: the workqueue has as many active items "
      "as max_active allows.</dd>"
      "<dt>pool</dt><dd>Workers that share one list of items: cpu3 is of one CPU, cpu3-hi of "
      "its high priority, u8 unbound, bh3 a softirq.</dd>"
      "<dt>backlog</dt><dd>Activated items that wait in a pool for a worker.</dd>"
      "<dt>stall</dt><dd>A pool had items waiting and started none for the threshold or "
      "longer.</dd>"
      "<dt>p99</dt><dd>99 of 100 items waited no longer. A star: too few items to "
      "know.</dd>";
  if (in.timeline.bins > 0) {
    out +=
        "<dt>heat map</dt><dd>Each cell counts items: further up they waited longer, further "
        "right they started later, darker on light or brighter on dark are more of them.</dd>"
        "<dt>lanes</dt><dd>One a worker. The height is the square root of the share of time "
        "in "
        "which it executed, so that little is seen, too; the longest executions are drawn "
        "exactly.</dd>"
        "<dt>red</dt><dd>The pool stalled.</dd>"
        "<dt>grey</dt><dd>Events of a CPU are missing; what lies there may be wrong.</dd>";
  }
  return out + "</dl>\n";
}

}  // namespace wqprof
