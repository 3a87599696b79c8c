// SPDX-License-Identifier: Apache-2.0
// The parts of a report's page, each as HTML; "" where there is nothing to show.
#ifndef WQPROF_PAGE_REPORT_PARTS_H_
#define WQPROF_PAGE_REPORT_PARTS_H_

#include <string>
#include <vector>

#include "page/page_json.h"
#include "wqprof/page.h"

namespace wqprof {

// What all parts are made from.
struct ReportPageInput {
  const Report& report;
  const Timeline& timeline;
  const PageData& data;
  const PageFrame& frame;
  std::vector<Table> tables;  // ReportTables(), in the order of the page
};

std::string FindingsHtml(const ReportPageInput& in);
std::string TimelineHtml(const ReportPageInput& in, const TimelineLeftOut& left_out);
// `rows`: what the rows of the table are of, in its order.
std::string FunctionsHtml(const ReportPageInput& in, std::vector<const FunctionRow*>& rows);
std::string StallsHtml(const ReportPageInput& in);
std::string ItemsHtml(const ReportPageInput& in);
std::string StacksHtml(const ReportPageInput& in);
std::string PoolsHtml(const ReportPageInput& in);
std::string ActivationHtml(const ReportPageInput& in);
std::string ConfigHtml(const ReportPageInput& in);
std::string LogHtml(const ReportPageInput& in);
std::string QualityHtml(const ReportPageInput& in);
std::string LegendHtml(const ReportPageInput& in);

}  // namespace wqprof

#endif  // WQPROF_PAGE_REPORT_PARTS_H_
