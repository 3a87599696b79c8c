#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`--flushes` on the running kernel: who waited is there, or at least how long, and why no more."""

import json
import os
import signal
import subprocess
import sys

import live

REFUSED = "the kernel refuses BPF programs at its functions (fentry)"
FORCED = "WQPROF_WITHOUT_FENTRY is set"
# Who closes an inotify instance that had a watch waits in flush_delayed_work() for the work that
# frees the watch, and that for a grace period.  Prints when each close() began and ended.
CLOSES = """
import ctypes, os, time
libc = ctypes.CDLL(None)
for _ in range(20):
    fd = libc.inotify_init()
    libc.inotify_add_watch(fd, b"/tmp", 2)
    begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    os.close(fd)
    print(begin, time.clock_gettime_ns(time.CLOCK_MONOTONIC))
"""


class Flushes(live.Live):
    def run_wqprof(self, *arguments, expect=0):
        done = subprocess.run([live.WQPROF, *arguments], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def closes(self, child):
        """Waits for a recorder that runs CLOSES; returns what it said, and the times."""
        printed, said = child.communicate(timeout=120)
        self.assertEqual(child.returncode, 0, said)
        return said, [tuple(map(int, line.split())) for line in printed.splitlines()]

    def check_bounds(self, rows, times):
        """One wait of each close() that lasted, and none longer than its close()."""
        mine = [row for row in rows if row["function"] == "fsnotify_mark_destroy_workfn" and
                row["comm"].startswith("python3")]
        self.assertEqual(len(mine), 1, rows)
        row = mine[0]
        self.assertEqual((row["kind"], row["at_least"]), ("flush_or_cancel", True))
        longest = max(end - begin for begin, end in times)
        self.assertLessEqual(row["wait"]["count"], len(times))
        self.assertGreaterEqual(row["wait"]["count"], len(times) // 2)
        self.assertLessEqual(row["wait"]["max_ns"], longest)
        within = [(begin, end) for begin, end in times if begin <= row["begin_ns"] and
                  row["begin_ns"] + row["wait"]["max_ns"] <= end]
        self.assertEqual(len(within), 1, (row, times))
        self.assertEqual(row["behind"]["function"], row["function"])
        self.assertEqual(row["workqueue"], "events_unbound")

    def test_flushes_are_recorded_or_bounds_are(self):
        child = self.start("--flushes=1us", "--", sys.executable, "-c", CLOSES)
        said, times = self.closes(child)
        watch = self.report()["source"]["flush_watch"]
        text = self.run_wqprof("report", "--by", "flush", self.file).stdout
        if watch["from"] == "events":
            # A build without BPF is no test of it.
            required = os.environ.get("WQPROF_REQUIRE_LIVE") == "1"
            reasons = [REFUSED] if required else [REFUSED, "this wqprof was built without BPF"]
            self.assertIn(watch["limited_by"], reasons)
            self.assertIn(watch["limited_by"], said)
            self.assertIn(f"scheduler events, as {watch['limited_by']}", text)
            self.check_bounds(self.report()["flushes"], times)
            return
        self.assertEqual(watch["from"], "bpf")
        kinds = {row["kind"]: row for row in watch["kinds"]}
        self.assertTrue(kinds["flush_work"]["kernel_functions"])
        calls = kinds["flush_work"]["calls"] + kinds["cancel_work_sync"]["calls"]
        self.assertGreaterEqual(calls, len(times))
        self.assertIn("flushes: calls by kind", text)
        rows = self.report()["flushes"]
        self.assertEqual([row for row in rows if row["wait"]["min_ns"] < 1000], [])

    def test_flushes_have_bounds_without_bpf(self):
        child = self.start("--flushes=1us", "--", sys.executable, "-c", CLOSES,
                           env={**os.environ, "WQPROF_WITHOUT_FENTRY": "1"})
        said, times = self.closes(child)
        self.assertIn(f"lower bounds only, and nothing of flush_workqueue and drain_workqueue: "
                      f"{FORCED}", said)
        report = self.report()
        self.check_bounds(report["flushes"], times)
        watch = report["source"]["flush_watch"]
        self.assertEqual((watch["from"], watch["limited_by"], watch["floor_ns"]),
                         ("events", FORCED, 1000))
        self.assertEqual([(row["kind"], row["calls"], bool(row["kernel_functions"]))
                          for row in watch["kinds"]],
                         [("flush_work", None, True), ("cancel_work_sync", None, True),
                          ("flush_workqueue", None, False), ("drain_workqueue", None, False)])
        text = self.run_wqprof("report", "--by", "flush", self.file).stdout
        self.assertRegex(text, r"fsnotify_mark_destroy_workfn +flush_or_cancel +\d+ +>")
        self.assertIn("flushes not seen: flush_workqueue, drain_workqueue", text)

    def test_flushes_without_bpf_and_scheduler_events_are_not_recorded(self):
        said = self.record("--flushes", "--no-sched", "-d", "50ms",
                           env={**os.environ, "WQPROF_WITHOUT_FENTRY": "1"})
        why = f"{FORCED}, and there are no scheduler events"
        self.assertIn(f"who waits in flushes is not recorded: {why}", said)
        watch = self.report()["source"]["flush_watch"]
        self.assertEqual((watch["from"], watch["limited_by"], watch["kinds"]), (None, why, []))
        shown = self.run_wqprof("report", "--by", "flush", self.file, expect=3)
        self.assertEqual(shown.stdout, "")
        self.assertIn(why, shown.stderr)
        self.assertIn("flushes: not recorded: ", self.run_wqprof("report", self.file).stdout)

    def test_flushes_are_in_the_report_of_stat(self):
        child = subprocess.Popen([live.WQPROF, "stat", "--flushes=1us", "--format", "json", "--",
                                  sys.executable, "-c", CLOSES], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, "WQPROF_WITHOUT_FENTRY": "1"})
        self.children.append(child)
        shown, said = child.communicate(timeout=120)
        self.assertEqual(child.returncode, 0, said)
        times = [tuple(map(int, line.split())) for line in said.splitlines()
                 if line.replace(" ", "").isdigit()]
        self.assertEqual(len(times), 20, said)
        report = json.loads(shown)
        self.assertEqual(report["source"]["flush_watch"]["from"], "events")
        self.check_bounds(report["flushes"], times)
        done = self.run_wqprof("stat", "-d", "50ms", "--by", "flush", expect=3)
        self.assertIn("ask for it, with --flushes", done.stderr)

    def test_flushes_are_in_the_files_of_watch(self):
        folder = self.directory / "found"
        child = subprocess.Popen([live.WQPROF, "watch", "--flushes=1us", "--on", "latency > 1ns",
                                  "--after", "1s", "--count", "1", "-d", "60s", "-o", folder],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, "WQPROF_WITHOUT_FENTRY": "1"})
        self.children.append(child)
        times = []
        while child.poll() is None:
            closed = subprocess.run([sys.executable, "-c", CLOSES], capture_output=True, text=True,
                                    check=True)
            times += [tuple(map(int, line.split())) for line in closed.stdout.splitlines()]
        _, said = child.communicate()
        self.assertEqual(child.returncode, 0, said)
        files = list(folder.iterdir())
        self.assertEqual(len(files), 1, said)
        report = self.report(files[0])
        self.assertEqual(report["source"]["flush_watch"]["limited_by"], FORCED)
        begin, end = report["source"]["begin_ns"], report["source"]["end_ns"]
        within = [(a, b) for a, b in times if begin <= a and b <= end]
        self.assertTrue(within)
        rows = [row for row in report["flushes"]
                if row["function"] == "fsnotify_mark_destroy_workfn"]
        self.assertEqual(len(rows), 1, report["flushes"])
        self.assertGreaterEqual(rows[0]["wait"]["count"], len(within) // 2)
        self.assertLessEqual(rows[0]["wait"]["max_ns"], max(b - a for a, b in times))

    def test_flushes_that_were_not_asked_for_are_no_empty_table(self):
        self.record("-d", "50ms")
        self.assertIsNone(self.report()["source"]["flush_watch"])
        shown = self.run_wqprof("report", "--by", "flush", self.file, expect=3)
        self.assertEqual(shown.stdout, "")
        self.assertIn("record --flushes", shown.stderr)

    def test_flushes_need_a_clock_that_is_monotonic(self):
        said = self.record("--flushes", "--clock", "local", "-d", "50ms", expect=2)
        self.assertIn("leave out --clock", said)

    def test_flushes_are_not_for_a_buffer_of_somebody_else(self):
        self.assertIn("--flushes", self.record("--attach", "--flushes", "-d", "50ms", expect=2))

    def test_flushes_have_a_floor_that_is_a_time(self):
        self.record("--flushes=soon", "-d", "50ms", expect=2)

    def test_flushes_end_with_a_signal_and_with_a_kill(self):
        for number in signal.SIGINT, signal.SIGKILL:
            child = self.start("--flushes")
            self.wait_until_tracing(child)
            child.send_signal(number)
            child.communicate(timeout=60)
        self.record("-d", "50ms")
        programs = subprocess.run(["bpftool", "prog", "list"], capture_output=True, text=True,
                                  check=False)
        if programs.returncode == 0:
            self.assertNotIn("enter_flush_work", programs.stdout)


if __name__ == "__main__":
    live.main(Flushes)
