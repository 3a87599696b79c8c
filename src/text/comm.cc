// SPDX-License-Identifier: Apache-2.0
#include "text/comm.h"

#include "text/scan.h"

namespace wqprof {
namespace {

constexpr std::string_view kWorker = "kworker/";

}  // namespace

std::string_view WithoutSuffix(std::string_view comm) {
  if (!comm.starts_with(kWorker)) return comm;
  Scanner scan(comm.substr(kWorker.size()));
  scan.Take('u');
  unsigned number = 0;
  if (!scan.TakeNumber(number) || !scan.Take(':') || !scan.TakeNumber(number)) return comm;
  scan.Take('H');
  if (scan.Peek() != '-' && scan.Peek() != '+') return comm;
  return comm.substr(0, comm.size() - scan.rest().size());
}

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
