#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What perf records of the same seconds is the same, whichever way it stores it."""

import bisect
import collections
import json
import os
import shutil
import subprocess
import time

import live

TIMES = ("queued_ns", "activated_ns", "started_ns", "ended_ns")
NEAR_NS = 500_000  # perf and the ring buffer stamp an event one after the other
EDGE_NS = 20_000_000


def events(*arguments):
    """The events that items are made of: their stamps, by what and of which work they are."""
    done = subprocess.run([live.WQPROF, "works", "--format", "ndjson", *arguments],
                          capture_output=True, check=True)
    found = collections.defaultdict(list)
    for item in map(json.loads, done.stdout.splitlines()):
        for what in TIMES:
            if what in item:
                found[what, item["work"], item.get("function")].append(item[what])
    return {key: sorted(stamps) for key, stamps in found.items()}


def span(found):
    stamps = [stamp for stamps in found.values() for stamp in stamps]
    return min(stamps), max(stamps)


def missing(some, others, begin, end):
    """Those of `some` in that time that `others` lack, by what they are."""
    out = collections.Counter()
    for key, stamps in some.items():
        theirs = others.get(key, [])
        for stamp in stamps:
            at = bisect.bisect_left(theirs, stamp - NEAR_NS)
            near = at < len(theirs) and theirs[at] <= stamp + NEAR_NS
            if begin < stamp < end and not near:
                out[key[0]] += 1
    return out


class Perf(live.Live):
    def setUp(self):
        super().setUp()
        if shutil.which("perf") is None:
            live.skip("there is no perf")

    def write_some(self):
        for _ in range(50):
            with open(self.directory / "written", "wb") as out:
                out.write(bytes(1 << 20))
                os.fsync(out.fileno())
            time.sleep(0.02)

    def perf(self, *options, events_of="workqueue:*", stdout=None):
        done = subprocess.Popen(["perf", "record", "-q", "-k", "mono", "-e", events_of, "-a",
                                 *options, "--", "sleep", "3"],
                                stdout=stdout, stderr=subprocess.DEVNULL)
        self.children.append(done)
        return done

    def counts(self, path):
        return {row["event"]: row["count"] for row in self.info(path)["events"]}

    def counts_by_perf(self, path):
        with open(path, "rb") as feed:
            done = subprocess.run(["perf", "script", "-i", "-" if path.suffix == ".pipe" else path,
                                   "-F", "event"],
                                  stdin=feed, capture_output=True, text=True, check=True)
        return dict(collections.Counter(line.strip().rstrip(":")
                                        for line in done.stdout.splitlines() if line.strip()))

    def check_against_recording(self, path, *options, stdout=None):
        perf = self.perf(*options, stdout=stdout)
        child = self.start("-d", "2s")
        self.write_some()
        self.end(child)
        self.assertEqual(perf.wait(timeout=60), 0)
        ours = events(self.file)
        theirs = events(path, "--kallsyms", "/proc/kallsyms")
        (begin, end), (first, last) = span(ours), span(theirs)
        window = max(begin, first) + EDGE_NS, min(end, last) - EDGE_NS
        self.assertGreater(sum(missing(ours, {}, *window).values()), 50)
        self.assertEqual(missing(theirs, ours, *window), {})
        lacks = missing(ours, theirs, *window)
        # What happens while perf handles another event it does not get, and does not say so; all
        # that it got is read.
        lacks = {what: n for what, n in lacks.items() if what in ("started_ns", "ended_ns")}
        self.assertEqual(lacks, {})
        self.assertEqual(self.counts(path), self.counts_by_perf(path))

    def test_perf_data_is_the_recording(self):
        path = self.directory / "perf.data"
        self.check_against_recording(path, "-o", path)
        # The kernel that runs here is the one that was recorded.
        names = [function["function"] for function in self.report(path)["functions"]]
        self.assertFalse([name for name in names if name.startswith("0x")], names)

    def test_compressed_perf_data_is_the_recording(self):
        path = self.directory / "perf.data"
        self.check_against_recording(path, "-z", "-o", path)

    def test_perf_data_of_a_pipe_is_the_recording(self):
        path = self.directory / "perf.pipe"
        with open(path, "wb") as out:
            self.check_against_recording(path, "-o", "-", stdout=out)

    def test_perf_kwork_record_tells_of_executions(self):
        path = self.directory / "perf.data"
        child = subprocess.Popen(["perf", "kwork", "-k", "workqueue", "record", "-o", path, "--",
                                  "sleep", "2"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.children.append(child)
        self.write_some()
        self.assertEqual(child.wait(timeout=60), 0)
        report = self.report(path)
        self.assertEqual(report["source"]["recorded"],
                         ["activate_work", "execute_start", "execute_end"])
        self.assertGreater(sum(function["executed"] for function in report["functions"]), 0)


if __name__ == "__main__":
    live.main(Perf)
