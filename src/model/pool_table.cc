// SPDX-License-Identifier: Apache-2.0
#include "model/pool_table.h"

#include <fmt/format.h>

#include <string>

namespace wqprof {
namespace {

std::string PoolName(PoolKind kind, int number, std::string_view comm) {
  switch (kind) {
    case PoolKind::kPerCpu:
      return fmt::format("cpu{}", number);
    case PoolKind::kHighpri:
      return fmt::format("cpu{}-hi", number);
    case PoolKind::kUnbound:
      return fmt::format("u{}", number);
    case PoolKind::kRescuer:
      return fmt::format("rescuer:{}", comm);
    case PoolKind::kBh:
      return fmt::format("bh{}", number);
    case PoolKind::kBhHighpri:
      return fmt::format("bh{}-hi", number);
    case PoolKind::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace

PoolId PoolTable::Find(PoolKind kind, int number, Cpu cpu, std::string_view comm) {
  const auto [it, added] =
      ids_.try_emplace({static_cast<int>(kind), number}, static_cast<PoolId>(pools_.size()));
  if (added) pools_.Add({it->second, kind, cpu, PoolName(kind, number, comm)});
  return it->second;
}

}  // namespace wqprof
