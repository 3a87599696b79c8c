#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_stalls.py WQPROF DIR...: each scenario yields the stall, or the wait, that it was made for.

Each DIR is named for its scenario and holds the wqprof.dat that a guest recorded with scheduler
events, and the module's truth.csv; with dmesg.txt, from a kernel that has a workqueue watchdog, its
complaints are compared as well.  A scenario whose works did not run (bottom-half works on a kernel
that has none) says so and is left out.

In a guest whose clock is the host's, a busy host stops CPUs for some milliseconds, which are stalls
of their own: a fifth of the time may go to such, and what is expected to last is half or so of what
the scenario makes it last.
"""
import collections
import csv
import json
import os
import subprocess
import sys

MS = 1_000_000

# The stalls that delayed `delayed` are on `pool` and have one of `causes`; they last so long
# together (a float: that share of the longest wait in the truth), and the longest.  `holder` executed meanwhile, or the task `starved_by` had the CPU.
Stalls = collections.namedtuple("Stalls", "causes pool delayed least longest holder starved_by",
                                defaults=(None, None))
# `function` waits for its activation: at least so long in all, and at the most.  That is most of
# its latency, and no stall delays it.
Wait = collections.namedtuple("Wait", "function least_sum least_max")
# What executions of `function` did for at least that share of their time.
Execution = collections.namedtuple("Execution", "function parts share")
NOISE = 0.2
MOST = 2 / 3

EXPECTED = {
    "hog": [Stalls(["cpu_hog"], "cpu1", "wqt_fn_victim", 0.95, 15 * MS, "wqt_fn_hog"),
            Stalls(["cpu_hog"], "cpu1", "wqt_fn_hog", 0.95, 15 * MS, "wqt_fn_hog"),
            # From 6.5 on the kernel lets other hogs in, which preempt each other.
            Execution("wqt_fn_hog", ["on_cpu", "preempted", "runnable"], 0.99)],
    "ordered": [Wait("wqt_fn_ordered", 500 * MS, 30 * MS)],
    "max1": [Wait("wqt_fn_max1", 500 * MS, 40 * MS)],
    "dstate": [Wait("wqt_fn_victim", 5000 * MS, 500 * MS),
               Execution("wqt_fn_holder", ["blocked"], 0.99),
               Execution("wqt_fn_waiter", ["blocked"], 0.9)],
    "freeze": [Wait("wqt_fn_frozen", 550 * MS, 55 * MS)],
    # Where a rescuer takes all that it finds, the items wait for each other behind it.
    "rescuer": [Stalls(["no_idle_worker", "behind_item"], "cpu1", "wqt_fn_sleep", 5 * MS, 5 * MS,
                       "wqt_fn_sleep")],
    "nofork": [Stalls(["no_idle_worker"], "cpu1", "wqt_fn_sleep", 10 * MS, 10 * MS,
                      "wqt_fn_sleep")],
    "starved": [Stalls(["starved"], "cpu1", "wqt_fn_starved", 150 * MS, 150 * MS,
                       starved_by="wqt_rt_hog")],
    "bhlate": [Stalls(["softirq_delay"], "bh1", "wqt_fn_bhlate", 15 * MS, 15 * MS)],
    "lockup": [Stalls(["cpu_hog"], "cpu1", "wqt_fn_victim", 3000 * MS, 3000 * MS, "wqt_fn_hog")],
}
# The watchdog looks once a second, and counts in whole seconds.
WATCHDOG_S = 1


def output_of(wqprof, command, recording, *options):
    done = subprocess.run([wqprof, command, "--format", "json", *options, recording],
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def items_of(wqprof, recording):
    done = subprocess.run([wqprof, "works", "--format", "ndjson", recording],
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()[1:]]


def name_of(function):
    """Without its module; empty when the function is not known."""
    return (function or "").split(" ")[0]


def delays(stall, function):
    return any(name_of(d["function"]) == function for d in stall["delayed"])


def starvers_of(stall):
    return [starter["preempted_by"] for starter in stall["starter"]]


class Recording:
    """What wqprof says of one recording."""

    def __init__(self, wqprof, path, longest_waits):
        self.longest_waits = longest_waits  # by function, in truth
        self.stalls = output_of(wqprof, "stalls", path, "--threshold", "5ms")["stalls"]
        # Of those of one name, on several workqueues, the one that waited longest.
        self.functions = {name_of(row["function"]): row for row in sorted(
            output_of(wqprof, "report", path, "--top", "0")["functions"],
            key=lambda row: row["activation_wait"]["sum_ns"])}
        self.items = items_of(wqprof, path)

    def problems(self, expected):
        return {Stalls: self.of_stalls, Wait: self.of_wait,
                Execution: self.of_execution}[type(expected)](expected)

    def delaying(self, function):
        return [s for s in self.stalls if delays(s, function)]

    def of_stalls(self, expected):
        found = self.delaying(expected.delayed)
        right = [s for s in found if s["cause"] in expected.causes and
                 s["pool"] == expected.pool and
                 expected.holder in [None, *(name_of(h["function"]) for h in s["holders"])] and
                 expected.starved_by in [None, *starvers_of(s)]]
        lengths = [s["duration_ns"] for s in right]
        least = expected.least
        if isinstance(least, float):
            least *= self.longest_waits[expected.delayed]
        if sum(lengths) < least or max(lengths, default=0) < expected.longest:
            yield "%s was delayed for %.1f ms in all, %.1f ms at once, by %s" % (
                expected.delayed, sum(lengths) / MS, max(lengths, default=0) / MS, expected.causes)
        if sum(lengths) < (1 - NOISE) * sum(s["duration_ns"] for s in found):
            for stall in found:
                if stall not in right:
                    yield "stall %d (%.1f ms): %s on %s, held by %s, starved by %s" % (
                        stall["id"], stall["duration_ns"] / MS, stall["cause"], stall["pool"],
                        [name_of(h["function"]) for h in stall["holders"]], starvers_of(stall))

    def of_wait(self, expected):
        row = self.functions[expected.function]
        wait, latency = row["activation_wait"], row["latency"]
        if wait["sum_ns"] < expected.least_sum or wait["max_ns"] < expected.least_max:
            yield "%s waited %.1f ms in all, %.1f ms at the most, for its activation" % (
                expected.function, wait["sum_ns"] / MS, wait["max_ns"] / MS)
        if wait["sum_ns"] < MOST * latency["sum_ns"]:
            yield "%s waited %.1f ms in all, but only %.1f ms for its activation" % (
                expected.function, latency["sum_ns"] / MS, wait["sum_ns"] / MS)
        stalled = sum(s["duration_ns"] for s in self.delaying(expected.function))
        if stalled > NOISE * wait["sum_ns"]:
            yield "%s was delayed by stalls of %.1f ms" % (expected.function, stalled / MS)

    def of_execution(self, expected):
        part = whole = 0
        for item in self.items:
            if name_of(item.get("function")) == expected.function and "ended_ns" in item:
                part += sum(item["split"]["execution"][p] for p in expected.parts)
                whole += item["ended_ns"] - item["started_ns"]
        if not whole or part < expected.share * whole:
            yield "%s was %s for %.1f ms of %.1f ms" % (
                expected.function, "/".join(expected.parts), part / MS, whole / MS)


def differences_to_log(wqprof, directory):
    """The recording's stalls by the kernel's threshold are the lockups of the kernel's log."""
    stalls = output_of(wqprof, "stalls", os.path.join(directory, "wqprof.dat"),
                       "--threshold", "kernel")["stalls"]
    lockups = output_of(wqprof, "report", os.path.join(directory, "dmesg.txt"))["lockups"]
    lockups = [row for row in lockups if row["pool"] == "cpu1"]
    if [s["pool"] for s in stalls] != ["cpu1"] or len(lockups) != 1:
        yield "the recording has stalls of %s, the log lockups of %s" % (
            [s["pool"] for s in stalls], [row["pool"] for row in lockups])
        return
    begin, lasted = (stalls[0][key] / 1000 / MS for key in ("begin_ns", "duration_ns"))
    if abs(begin - lockups[0]["begin_s"]) > WATCHDOG_S:
        yield "the stall began at %.3f s, the lockup at %.3f s" % (begin, lockups[0]["begin_s"])
    if not lasted - 2 * WATCHDOG_S <= lockups[0]["stuck_s"] <= lasted + WATCHDOG_S:
        yield "the stall lasted %.3f s, the lockup %.3f s" % (lasted, lockups[0]["stuck_s"])


def check(wqprof, directory):
    scenario = os.path.basename(directory.rstrip("/"))
    if scenario not in EXPECTED:
        return True
    longest_waits = collections.defaultdict(int)
    with open(os.path.join(directory, "truth.csv")) as f:
        for row in csv.DictReader(f):
            if row["outcome"] == "executed":
                longest_waits[row["fn"]] = max(longest_waits[row["fn"]],
                                               int(row["start"]) - int(row["q0"]))
    if not longest_waits:
        print("%s: no stalls expected, the kernel has no such works" % directory)
        return True
    recording = Recording(wqprof, os.path.join(directory, "wqprof.dat"), longest_waits)
    problems = [p for expected in EXPECTED[scenario] for p in recording.problems(expected)]
    if os.path.exists(os.path.join(directory, "dmesg.txt")):
        problems += differences_to_log(wqprof, directory)
    print("%s: %s" % (directory, "NOT the stalls and waits it was made for" if problems else
                      "the stalls and waits that it was made for"))
    for problem in problems[:20]:
        print("    " + problem)
    return not problems


def main():
    wqprof, directories = sys.argv[1], sys.argv[2:]
    results = [check(wqprof, d) for d in directories]
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
