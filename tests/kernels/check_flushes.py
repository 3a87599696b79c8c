#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_flushes.py WQPROF DIR...: who waited in flushes, held against the log of the module that did.

Each DIR holds the wqprof.dat that a guest recorded with --flushes in the clock that the module had as
well, and its ops.csv: a row for each flush and cancel that it called, with the time before and
after.  Each of these that took clearly longer than the floor must be one wait of that task between both
times, and each wait of the module's workqueues or functions must be in one of them, but for what its
works and workqueues wait for by themselves (a workqueue that is destroyed is drained).  A DIR without
a recording of flushes is left out.

Of a recording without BPF programs there are lower bounds of flush_work and cancel_work_sync: WQPROF
reports on the time of each such call, and says who waited in it, for which function's work, and no
longer than the call took, nor much less.
"""
import csv
import json
import os
import statistics
import subprocess
import sys

OPTION = b'{"schema":"wqprof.flushes/1"'
KINDS = {"flush_work": "flush_work", "flush_workqueue": "flush_workqueue",
         "drain_workqueue": "drain_workqueue", "cancel_work_sync": "cancel_work_sync",
         "cancel_delayed_work_sync": "cancel_work_sync"}
# Between the module's looks at the clock lie the wait, and what watches it in an emulator.
SLACK_NS = 60_000
# Between the call and its sleep, and from when it is woken until it returns, its task may wait for
# a CPU.
BOUND_SLACK_NS = 1_000_000


def log_of(path):
    with open(path, "rb") as file:
        data = file.read()
    at = data.find(OPTION)
    return None if at < 0 else json.loads(data[at:data.index(b"\0", at)])


def waits_in(wqprof, recording, op):
    """The rows of waits that ended while the call went on, of its task."""
    done = subprocess.run([wqprof, "report", "--format", "json", "--time",
                           f"{int(op['t0']) / 1e9:.9f},{int(op['t1']) / 1e9:.9f}", recording],
                          capture_output=True, text=True, check=False)
    if done.returncode == 3:  # nothing ended meanwhile
        return []
    done.check_returncode()
    return [row for row in json.loads(done.stdout)["flushes"] if row["pid"] == int(op["pid"])]


def check_bounds(wqprof, directory, log, ops):
    """The same of lower bounds."""
    wrong, shares = [], []
    if [k["kind"] for k in log["kinds"] if k["functions"]] != ["flush_work", "cancel_work_sync"]:
        wrong.append(f"other kinds: {log['kinds']}")
    expected = 0
    for op in ops:
        took = int(op["t1"]) - int(op["t0"])
        rows = waits_in(wqprof, os.path.join(directory, "wqprof.dat"), op)
        if KINDS[op["op"]] not in ("flush_work", "cancel_work_sync"):
            wrong += [f"{op['op']} shows {row}" for row in rows]
            continue
        # Where others waited meanwhile, and longer, it is not known.
        expected += took - BOUND_SLACK_NS >= log["floor_ns"]
        for row in rows:
            bound = row["wait"]["max_ns"]
            if not row["at_least"] or bound > took or row["begin_ns"] < int(op["t0"]):
                wrong.append(f"{op['op']} from {op['t0']} to {op['t1']} is not {row}")
            if not (row["function"] or "").startswith("wqt_fn_"):
                wrong.append(f"{op['op']} is not for {row}")
            elif row["behind"]["function"] != row["function"]:
                wrong.append(f"{op['op']} is behind {row}")
            shares.append(bound / took)
    # Who was kept from its CPU until the work had ended did not sleep.
    if 2 * len(shares) < expected:
        wrong.append(f"of {expected} calls that lasted, {len(shares)} have a bound")
    if shares:
        print(f"{directory}: bounds are {min(shares):.3f} to {max(shares):.3f} of the calls, "
              f"in the middle {statistics.median(shares):.3f}")
        if statistics.median(shares) < 0.9:
            wrong.append("the bounds are far from the calls")
    return wrong, len(shares)


def check(wqprof, directory):
    """Returns what is wrong, and how many calls were compared."""
    log = log_of(os.path.join(directory, "wqprof.dat"))
    if log is None:
        return None
    bounds = directory.endswith("bounds")
    if log.get("source") != ("events" if bounds else "bpf"):
        return [f"not recorded: {log.get('limited_by')}"], 0
    with open(os.path.join(directory, "ops.csv"), encoding="utf-8") as file:
        ops = [op for op in csv.DictReader(file) if op["op"] in KINDS]
    if bounds:
        return check_bounds(wqprof, directory, log, ops)
    wrong, left = [], list(log["waits"])
    compared = 0
    for op in ops:
        begin, end, pid = int(op["t0"]), int(op["t1"]), int(op["pid"])
        inside = [w for w in left if w["pid"] == pid and w["kind"] == KINDS[op["op"]] and
                  begin <= w["begin_ns"] and w["end_ns"] <= end]
        long_enough = end - begin - SLACK_NS >= log["floor_ns"]
        compared += long_enough
        if len(inside) > 1 or (long_enough and len(inside) != 1):
            wrong.append(f"{op['op']} of {op['wq']} by {pid} from {begin} to {end}: {inside}")
        for wait in inside:
            left.remove(wait)
            if wait["kind"] in ("flush_work", "cancel_work_sync"):
                if int(wait["address"], 16) != int(op["work"], 16):
                    wrong.append(f"another work than {op['work']}: {wait}")
            elif not op["wq"].startswith(wait["workqueue"]):
                wrong.append(f"another workqueue than {op['wq']}: {wait}")
    drained = [w for w in left if w["kind"] == "drain_workqueue" and w["workqueue"] == "wqt_gone"]
    rest = [w for w in left if w not in drained and
            (w.get("workqueue", "").startswith("wqt") or w.get("function", "").startswith("wqt"))]
    wrong += [f"nobody called this: {wait}" for wait in rest]
    if len(drained) != 5:
        wrong.append(f"5 workqueues were destroyed, and {len(drained)} drained")
    return wrong, compared + len(drained)


def main():
    failed = False
    for directory in sys.argv[2:]:
        result = check(sys.argv[1], directory)
        if result is None:
            continue
        wrong, compared = result
        print(f"{directory}: {compared} waits compared, {len(wrong)} wrong")
        for line in wrong:
            print(f"  {line}")
        failed |= bool(wrong) or compared == 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
