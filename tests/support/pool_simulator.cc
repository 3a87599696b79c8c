// SPDX-License-Identifier: Apache-2.0
#include "support/pool_simulator.h"

#include "support/simulated_kernel.h"

namespace wqprof::testing {

Simulation Simulate(const SimulationOptions& options) {
  Simulation simulation;
  SimulatedKernel kernel(options, simulation);
  kernel.Run();
  return simulation;
}

}  // namespace wqprof::testing
