#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_lab.py WQPROF DIR...: compares `wqprof works` with the truth, item by item.

Each DIR holds what a guest recorded (trace.dat; or wqprof.dat and trace-cmd.dat, of the same
events) and the truth.csv (or .gz) that the kernel module which queued the works kept itself.  A row is one attempt to queue a work; its stamps
bracket what ftrace must hold:
    q0 <= workqueue_queue_work <= q1, execute_start <= start, end <= execute_end.
Every row must be found as one item, and no item of the module's functions may be left over.
A recording that was cut, or that lost events, only has to be a part of the truth.
With scheduler events, the parts of each wait and of each execution must add up to the whole.
Recordings of the same events must give the same items.  What an item that is told as ambiguous
says may be wrong, and only that: such ones are counted, and must be few.

With --csv FILE, a line "kernel,scenario,recording,items,mismatches,doubts" is appended for each.
"""
import argparse
import bisect
import csv
import gzip
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict

PARTIAL = {"cut", "lost"}
RECORDINGS = ("trace.dat", "wqprof.dat", "trace-cmd.dat")
MODULE_FUNCTIONS = ("wqt_fn", "recycled")
# WQ_NAME_LEN, with its NUL, was 24 and then 32; and before 5.12 the trace has an address only.
NAME_LENGTHS = (23, 31)
# What two recordings of one item have in common.
IDENTITY = ("state", "work", "function", "workqueue", "worker_pid", "worker", "pool", "queue_cpu",
            "run_cpu", "end_cpu", "context", "requeued_by_self", "tainted")
# So many rows may have been told wrongly by ambiguous items; a window of two starts is two rows.
MOST_DOUBTS = 2
DOUBTS_PER_ROW = 0.02
NUMBERS = ("q0", "q1", "start", "end", "pid", "cpu_start", "cpu_end", "queued", "delay_ms")


def read_truth(directory):
    path = os.path.join(directory, "truth.csv")
    opened = open(path) if os.path.exists(path) else gzip.open(path + ".gz", "rt")
    with opened as f:
        rows = list(csv.DictReader(f))
    for row in rows:
        row["work"] = "0x%x" % int(row["work"], 16)
        for key in NUMBERS:
            row[key] = int(row[key])
        row["delayed"] = row["how"] == "rcu" or \
            row["how"] in ("delayed", "mod_delayed") and row["delay_ms"] > 0
    return rows


def names_of(row):
    return {row["wq"], *(row["wq"][:n] for n in NAME_LENGTHS), "0x" + row.get("wq_at", "?")}


def read_items(wqprof, path, expected):
    done = subprocess.run([wqprof, "works", "--format", "ndjson", path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode == 3 and not expected:
        return []  # nothing to tell, and told so
    if done.returncode != 0:
        sys.exit("%s: wqprof exits %d: %s" % (path, done.returncode, done.stderr.decode()))
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if lines[0] != {"schema": "wqprof.works/1"}:
        sys.exit("%s: the first line is not the schema: %s" % (path, lines[0]))
    return lines[1:]


def is_own(item):
    return item.get("function", "").startswith(MODULE_FUNCTIONS)


class Scenario:
    """One recording against its truth."""

    def __init__(self, wqprof, path):
        directory = os.path.dirname(path)
        self.path = path
        self.name = os.path.basename(directory)
        self.kernel = os.path.basename(os.path.dirname(directory))
        self.partial = self.name in PARTIAL
        self.rows = read_truth(directory)
        self.items = read_items(wqprof, path, self.rows)
        self.of_work = defaultdict(list)
        for item in self.items:
            self.of_work[item.get("work")].append(item)
        self.problems = []
        self.doubts = set()
        self.matched = 0

    def bad(self, row, text, item=None):
        if item is not None and item["ambiguous"]:
            self.doubts.add(row["id"])
            return
        self.problems.append("row %s (%s %s %s): %s" % (
            row["id"], row["fn"], row["how"], row["outcome"], text))

    def queued_between(self, row, low, high):
        # Of a work on its caller's stack the module knows the function alone.
        items = self.of_work[row["work"]] if row["work"] != "0x0" else \
            [i for i in self.items if i.get("function") == row["fn"]]
        return [i for i in items if low <= i.get("queued_ns", -1) <= high and "row" not in i]

    def is_of_another(self, item, row):
        """Between a start and the module's own stamp of it the work may be queued anew."""
        return any(r["q0"] <= item["queued_ns"] <= r["q1"] for r in self.rows
                   if r is not row and r["work"] == row["work"] and not r["delayed"])

    def take_back(self, row):
        """A timer's work that did not run: its timer may have queued it before."""
        later = [r["q0"] for r in self.rows if r["work"] == row["work"] and r["q0"] > row["q0"]]
        end = max(int(row["cancel1"]), min(later) if later else 0)
        for item in self.queued_between(row, row["q0"], end)[:1]:
            item["row"] = row["id"]
            if "started_ns" in item:
                self.bad(row, "never ran, but is told as %s" % item["state"], item)

    # What a row's item must be, whole or not.
    def differences(self, row, item):
        if item["function"].split()[0] != row["fn"]:
            yield "function %s" % item["function"]
        if "workqueue" in item and item["workqueue"] not in names_of(row):
            yield "workqueue %s, not %s" % (item["workqueue"], row["wq"])
        if "started_ns" in item:
            if item["worker_pid"] != row["pid"]:
                yield "worker %d, not %d" % (item["worker_pid"], row["pid"])
            if item["started_ns"] > row["start"]:
                yield "starts after the truth does"
            if item["run_cpu"] != row["cpu_start"]:
                yield "starts on CPU %d, not %d" % (item["run_cpu"], row["cpu_start"])
        if "ended_ns" in item:
            if item["ended_ns"] < row["end"]:
                yield "ends before the truth does"
            if item["end_cpu"] != row["cpu_end"]:
                yield "ends on CPU %d, not %d" % (item["end_cpu"], row["cpu_end"])
        if not row["delayed"] and "queued_ns" in item and \
                not row["q0"] <= item["queued_ns"] <= row["q1"]:
            yield "queued at another time"

    def check_row(self, row):
        if not row["queued"]:
            if self.queued_between(row, row["q0"], row["q1"]):
                self.bad(row, "queue event though queue_work said no")
            return
        executed = row["outcome"] == "executed"
        if row["delayed"]:
            if not executed:
                self.take_back(row)
                return
            found = [i for i in self.queued_between(row, row["q0"], row["start"])
                     if not self.is_of_another(i, row)][-1:]
        else:
            found = self.queued_between(row, row["q0"], row["q1"])
        if len(found) != 1:
            self.bad(row, "%d items were queued then, not 1" % len(found))
            return
        item = found[0]
        item["row"] = row["id"]
        if not executed:
            if "started_ns" in item or item["state"] not in ("superseded", "pending"):
                self.bad(row, "never ran, but is told as %s" % item["state"], item)
            return
        if item["state"] != "done" or item["tainted"]:
            self.bad(row, "state %s%s" % (item["state"], ", tainted" if item["tainted"] else ""),
                     item)
            return
        if "ended_ns" not in item or "activated_ns" not in item:
            self.bad(row, "a time is missing")
        for difference in self.differences(row, item):
            self.bad(row, difference, item)
        if row["start"] - item["started_ns"] > row["start"] - row["q0"]:
            self.bad(row, "starts before it was queued", item)
        self.matched += 1

    def check_whole(self):
        for row in self.rows:
            self.check_row(row)
        left = [i for i in self.items if is_own(i) and "row" not in i]
        for item in left[:20]:
            self.problems.append("the truth lacks %s" % json.dumps(item))

    def execution_of(self, item):
        """The row that this item's start began, and when its worker began the next one."""
        rows = self.executions[item["worker_pid"]]
        at = bisect.bisect_left([r["start"] for r in rows], item["started_ns"])
        if at == len(rows) or rows[at]["work"] != item["work"]:
            return None, None
        if at and rows[at - 1]["end"] > item["started_ns"]:
            return None, None
        return rows[at], rows[at + 1]["start"] if at + 1 < len(rows) else None

    def check_partial(self):
        self.executions = defaultdict(list)  # by worker
        for row in sorted(self.rows, key=lambda r: r["start"]):
            if row["outcome"] == "executed":
                self.executions[row["pid"]].append(row)
        for item in filter(is_own, self.items):
            if item["state"] == "unmatched" and not item["tainted"]:
                self.problems.append("unexplained: %s" % json.dumps(item))
            if "started_ns" not in item:
                continue
            row, next_start = self.execution_of(item)
            if row is None:
                self.problems.append("the truth lacks %s" % json.dumps(item))
                continue
            if item["state"] == "done" and not item["tainted"]:
                self.matched += 1
                if "ended_ns" not in item or next_start and item["ended_ns"] > next_start:
                    self.bad(row, "has no end, or that of another one")
                for difference in self.differences(row, item):
                    self.bad(row, difference)
        if not self.matched:
            self.problems.append("no item is whole: nothing was compared")

    def check_splits(self):
        """The parts of a split add up to the whole, whosever item it is."""
        for item in self.items:
            split = item.get("split", {})
            for part, begin, end in (("dispatch_wait", "activated_ns", "started_ns"),
                                     ("execution", "started_ns", "ended_ns")):
                if part in split and sum(split[part].values()) != item[end] - item[begin]:
                    self.problems.append("%s does not add up: %s" % (part, json.dumps(item)))
            if sum(split.get("stolen", {}).values()) > split.get("execution", {}).get("on_cpu", 0):
                self.problems.append("more was stolen than there was: %s" % json.dumps(item))

    def check(self):
        self.check_splits()
        self.check_partial() if self.partial else self.check_whole()
        executed = sum(r["outcome"] == "executed" for r in self.rows)
        if not self.partial and self.matched + len(self.doubts) < executed:
            self.problems.append("not every execution was matched")
        if len(self.doubts) > MOST_DOUBTS + DOUBTS_PER_ROW * len(self.rows):
            self.problems.append("in doubt about %d rows" % len(self.doubts))
        print("%s: %s, %d rows, %d executed, %d matched, %d in doubt, %d items in all" % (
            self.path, "DISAGREES" if self.problems else "agrees", len(self.rows), executed,
            self.matched, len(self.doubts), len(self.items)))
        for problem in self.problems[:20]:
            print("    " + problem)

    def ambiguous_works(self):
        return {i["work"] for i in self.items if i["ambiguous"]}

    def identities(self, left_out):
        return Counter(tuple(i.get(key) for key in IDENTITY) for i in self.items
                       if is_own(i) and i["work"] not in left_out)

    def compare(self, other):
        """Neither recording of the same events has an item that the other has not; the stamps of
        the two differ, so that one may be in doubt where the other is not."""
        doubted = self.ambiguous_works() | other.ambiguous_works()
        mine, others = self.identities(doubted), other.identities(doubted)
        for missing, where in ((mine - others, other), (others - mine, self)):
            for identity in missing.elements():
                where.problems.append("lacks %s" % dict(zip(IDENTITY, identity)))
                print("%s: lacks what was recorded beside it: %s" % (
                    where.path, dict(zip(IDENTITY, identity))))

    def line(self):
        return "%s,%s,%s,%d,%d,%d\n" % (self.kernel, self.name, os.path.basename(self.path),
                                        sum(is_own(i) or "row" in i for i in self.items),
                                        len(self.problems), len(self.doubts))


def check_directory(wqprof, directory):
    paths = [os.path.join(os.path.abspath(directory), name) for name in RECORDINGS]
    found = [Scenario(wqprof, path) for path in paths if os.path.exists(path)]
    if not found:
        sys.exit("no recording in %s" % directory)
    for scenario in found:
        scenario.check()
    for scenario in found[1:]:
        found[0].compare(scenario)
    return found


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("--csv")
    arguments.add_argument("wqprof")
    arguments.add_argument("directories", nargs="+")
    given = arguments.parse_args()
    found = [s for d in given.directories for s in check_directory(given.wqprof, d)]
    if given.csv:
        with open(given.csv, "a") as f:
            f.writelines(s.line() for s in found)
    sys.exit(1 if any(s.problems for s in found) else 0)


if __name__ == "__main__":
    main()
