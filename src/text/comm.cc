// SPDX-License-Identifier: Apache-2.0
#include "text/comm.h"

#include "text/scan.h"

namespace wqprof {
namespace {

constexpr std::string_view kWorker = "kworker/";

}  // namespace

std::string_view CommOfLeft(std::string_view left) {
  while (!left.empty() && IsBlank(left.back())) left.remove_suffix(1);
  while (!left.empty() && IsBlank(left.front())) left.remove_prefix(1);
  if (const size_t at = left.rfind("  "); at != std::string_view::npos) left.remove_prefix(at + 2);
  const size_t worker = left.rfind(kWorker);
  if (worker != std::string_view::npos && left.size() - worker <= 2 * kLongestComm) {
    return WithoutSuffix(left.substr(worker));
  }
  return left.size() > kLongestComm ? left.substr(left.size() - kLongestComm) : left;
}

}  // namespace wqprof
