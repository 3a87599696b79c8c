// SPDX-License-Identifier: Apache-2.0
#include "wqprof/comm.h"

namespace wqprof {
namespace {

constexpr std::string_view kWorker = "kworker/";

size_t SkipDigits(std::string_view text, size_t at) {
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

}  // namespace

std::string_view WithoutSuffix(std::string_view comm) {
  if (!comm.starts_with(kWorker)) return comm;
  size_t at = kWorker.size();
  if (at < comm.size() && comm[at] == 'u') ++at;
  const size_t colon = SkipDigits(comm, at);
  if (colon == at || colon == comm.size() || comm[colon] != ':') return comm;
  size_t end = SkipDigits(comm, colon + 1);
  if (end == colon + 1) return comm;
  if (end < comm.size() && comm[end] == 'H') ++end;
  const bool has_suffix = end < comm.size() && (comm[end] == '-' || comm[end] == '+');
  return has_suffix ? comm.substr(0, end) : comm;
}

}  // namespace wqprof
