// SPDX-License-Identifier: Apache-2.0
// Prints how often verdicts are right, as the tables in wqprof-budget(5): on
// loads that are simulated, and on some that were recorded and are played again in pieces.
//
// usage: verdict_rates [TRIALS]
#include "support/verdict_rates.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/bursty_load.h"
#include "support/recorded_load.h"

namespace {

using namespace std::chrono_literals;
using wqprof::testing::BudgetRates;
using wqprof::testing::Load;

// A load and what it is called.
struct NamedLoad {
  std::string name;
  Load load;
};

Load Recorded(std::string_view function, double quantile) {
  const std::string path = WQPROF_TEST_DATA "/loads/bursts.dat";
  auto waits = wqprof::testing::ReadWaits(path, function);
  if (waits.waits.empty()) {
    std::fprintf(stderr, "verdict_rates: no waits in %s\n", path.c_str());
    std::exit(1);
  }
  return wqprof::testing::Replayed(std::move(waits), 10s, 1s, quantile);
}

std::vector<NamedLoad> Loads() {
  using wqprof::testing::Simulated;
  return {
      {"busy half of the time, 200 ms each", Simulated({})},
      {"busy 10 % of the time", Simulated({.busy_share = 0.1})},
      {"busy 2 % of the time", Simulated({.busy_share = 0.02})},
      {"busy half of the time, 1 s each", Simulated({.state_s = 1})},
      {"even", Simulated({.slow = 1})},
      {"recorded: terminals", Recorded("flush_to_ldisc", 0.99)},
      {"recorded: fsyncs, at p95", Recorded("aio_fsync_work", 0.95)},
      {"recorded: fsyncs, p99 at a cliff", Recorded("aio_fsync_work", 0.99)},
  };
}

void Print(const char* gate, const NamedLoad& load, const BudgetRates& r) {
  std::printf("| %s | %s | %.1f %% | %.1f %% | %.0f %% |\n", gate, load.name.c_str(),
              100 * r.false_fail, 100 * r.false_pass, 100 * r.power);
}

}  // namespace

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 300;
  if (trials < 1) {
    std::fprintf(stderr, "usage: verdict_rates [TRIALS]\n");
    return 2;
  }
  const std::vector<NamedLoad> loads = Loads();
  std::printf(
      "| gate on p99 | load | false FAIL | false PASS | FAIL at true +30 %% |\n"
      "|---|---|---|---|---|\n");
  for (const NamedLoad& l : loads) {
    Print("one run of 10 s", l, wqprof::testing::RatesOfOneRun(l.load, trials, 1));
  }
  for (const NamedLoad& l : loads) {
    Print("the same, plain bootstrap", l,
          wqprof::testing::RatesOfPlainBootstrap(l.load, trials, 1));
  }
  std::printf(
      "\n| comparison | load | false alarms | \"p99 +10 %%\" of single runs | power at true "
      "+30 %% |\n|---|---|---|---|---|\n");
  for (const int runs : {5, 8}) {
    for (const NamedLoad& l : loads) {
      const auto r = wqprof::testing::RatesOfRegression(l.load, runs, trials, 2);
      std::printf("| %d v %d runs | %s | %.1f %% | %.1f %% | %.0f %% |\n", runs, runs,
                  l.name.c_str(), 100 * r.false_alarm, 100 * r.naive_false_alarm, 100 * r.power);
    }
  }
  return 0;
}
