// SPDX-License-Identifier: Apache-2.0
// Prints how often verdicts are right, as the table in wqprof-budget(5) and the README.
//
// usage: verdict_rates [TRIALS]
#include "support/verdict_rates.h"

#include <cstdio>
#include <cstdlib>

namespace {

using wqprof::testing::BudgetRates;
using wqprof::testing::BurstyLoad;

// A load and what it is called.
struct NamedLoad {
  const char* name;
  BurstyLoad load;
};

const NamedLoad kLoads[] = {
    {"busy half of the time, 200 ms each", {}},
    {"busy 10 % of the time", {.busy_share = 0.1}},
    {"busy 2 % of the time", {.busy_share = 0.02}},
    {"busy half of the time, 1 s each", {.state_s = 1}},
    {"even", {.slow = 1}},
};

void Print(const char* gate, const char* load, const BudgetRates& r) {
  std::printf("| %s | %s | %.1f %% | %.1f %% | %.0f %% |\n", gate, load, 100 * r.false_fail,
              100 * r.false_pass, 100 * r.power);
}

}  // namespace

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 400;
  std::printf(
      "| gate on p99 | load | false FAIL | false PASS | FAIL at true +30 %% |\n"
      "|---|---|---|---|---|\n");
  for (const NamedLoad& l : kLoads) {
    Print("one run of 10 s", l.name, wqprof::testing::RatesOfOneRun(l.load, trials, 1));
  }
  for (const NamedLoad& l : kLoads) {
    Print("the same, plain bootstrap", l.name,
          wqprof::testing::RatesOfPlainBootstrap(l.load, trials / 4, 1));
  }
  std::printf(
      "\n| comparison | load | false alarms | \"p99 +10 %%\" of single runs | power at true "
      "+30 %% |\n|---|---|---|---|---|\n");
  for (const int runs : {5, 8}) {
    for (const NamedLoad& l : kLoads) {
      const auto r = wqprof::testing::RatesOfRegression(l.load, runs, trials, 2);
      std::printf("| %d v %d runs | %s | %.1f %% | %.1f %% | %.0f %% |\n", runs, runs, l.name,
                  100 * r.false_alarm, 100 * r.naive_false_alarm, 100 * r.power);
    }
  }
  return 0;
}
