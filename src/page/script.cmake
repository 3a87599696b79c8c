# SPDX-License-Identifier: Apache-2.0
# The files of the page's script, each before those that use it while it is read.
set(page_script script/base.js script/time_view.js script/heat_map.js script/pool_lanes.js
  script/timeline.js script/tables.js script/charts.js script/start.js)
