#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_lab.py WQPROF DIR...: compares `wqprof works` with the truth, item by item.

Each DIR holds a trace.dat that a guest recorded and the truth.csv (or .gz) that the kernel
module which queued the works kept itself.  A row is one attempt to queue a work; its stamps
bracket what ftrace must hold:
    q0 <= workqueue_queue_work <= q1, execute_start <= start, end <= execute_end.
Every row must be found as one item, and no item of the module's functions may be left over.
A recording that was cut, or that lost events, only has to be a part of the truth.
"""
import bisect
import csv
import gzip
import json
import os
import subprocess
import sys
from collections import defaultdict

PARTIAL = {"cut", "lost"}
MODULE_FUNCTIONS = ("wqt_fn", "recycled")
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
        row["delayed"] = row["how"] in ("delayed", "mod_delayed") and row["delay_ms"] > 0
    return rows


def read_items(wqprof, directory, expected):
    done = subprocess.run([wqprof, "works", "--format", "ndjson",
                           os.path.join(directory, "trace.dat")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode == 3 and not expected:
        return []  # nothing to tell, and told so
    if done.returncode != 0:
        sys.exit("%s: wqprof exits %d: %s" % (directory, done.returncode, done.stderr.decode()))
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if lines[0] != {"schema": "wqprof.works/1"}:
        sys.exit("%s: the first line is not the schema: %s" % (directory, lines[0]))
    return lines[1:]


def is_own(item):
    return item.get("function", "").startswith(MODULE_FUNCTIONS)


class Scenario:
    """One recording against its truth."""

    def __init__(self, wqprof, directory):
        self.directory = directory.rstrip("/")
        self.partial = os.path.basename(self.directory) in PARTIAL
        kernel = os.path.basename(os.path.dirname(self.directory))
        minor = int(kernel.split("-")[0].split(".")[1])
        # WQ_NAME_LEN, with its NUL, grew between 6.6 and 6.9.
        self.name_length = 23 if kernel.startswith("5.") or minor < 9 else 31
        self.rows = read_truth(self.directory)
        self.items = read_items(wqprof, self.directory, self.rows)
        self.of_work = defaultdict(list)
        for item in self.items:
            self.of_work[item.get("work")].append(item)
        self.problems = []
        self.matched = 0

    def bad(self, row, text):
        self.problems.append("row %s (%s %s %s): %s" % (
            row["id"], row["fn"], row["how"], row["outcome"], text))

    def queued_between(self, row, low, high):
        return [i for i in self.of_work[row["work"]]
                if low <= i.get("queued_ns", -1) <= high and "row" not in i]

    # What a row's item must be, whole or not.
    def differences(self, row, item):
        if item["function"].split()[0] != row["fn"]:
            yield "function %s" % item["function"]
        if "workqueue" in item and item["workqueue"] != row["wq"][:self.name_length]:
            yield "workqueue %s, not %s" % (item["workqueue"], row["wq"][:self.name_length])
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
                return  # its timer never fired: nothing was queued
            found = self.queued_between(row, row["q0"], row["start"])[-1:]
        else:
            found = self.queued_between(row, row["q0"], row["q1"])
        if len(found) != 1:
            self.bad(row, "%d items were queued then, not 1" % len(found))
            return
        item = found[0]
        item["row"] = row["id"]
        if not executed:
            if "started_ns" in item or item["state"] not in ("superseded", "pending"):
                self.bad(row, "never ran, but is told as %s" % item["state"])
            return
        if item["state"] != "done" or item["tainted"]:
            self.bad(row, "state %s%s" % (item["state"], ", tainted" if item["tainted"] else ""))
            return
        if "ended_ns" not in item or "activated_ns" not in item:
            self.bad(row, "a time is missing")
        for difference in self.differences(row, item):
            self.bad(row, difference)
        if row["start"] - item["started_ns"] > row["start"] - row["q0"]:
            self.bad(row, "starts before it was queued")
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

    def check(self):
        self.check_partial() if self.partial else self.check_whole()
        executed = sum(r["outcome"] == "executed" for r in self.rows)
        print("%s: %s, %d rows, %d executed, %d matched, %d items in all" % (
            self.directory, "DISAGREES" if self.problems else "agrees", len(self.rows), executed,
            self.matched, len(self.items)))
        for problem in self.problems[:20]:
            print("    " + problem)
        if not self.partial and self.matched != executed:
            print("    not every execution was matched")
            return False
        return not self.problems


def main():
    wqprof, directories = sys.argv[1], sys.argv[2:]
    if not directories:
        sys.exit(__doc__)
    results = [Scenario(wqprof, d).check() for d in directories
               if os.path.exists(os.path.join(d, "trace.dat"))]
    if not results:
        sys.exit("no recording in: " + " ".join(directories))
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
