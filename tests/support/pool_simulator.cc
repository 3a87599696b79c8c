// SPDX-License-Identifier: Apache-2.0
#include "support/pool_simulator.h"

#include <cstdlib>

#include "support/simulated_kernel.h"

namespace wqprof::testing {

Simulation Simulate(const SimulationOptions& options) {
  Simulation simulation;
  SimulatedKernel kernel(options, simulation);
  kernel.Run();
  return simulation;
}

uint64_t SeedsToPlay(uint64_t usual) {
  const char* wanted = std::getenv("WQPROF_SEEDS");
  return wanted == nullptr ? usual : std::strtoull(wanted, nullptr, 10);
}

}  // namespace wqprof::testing
