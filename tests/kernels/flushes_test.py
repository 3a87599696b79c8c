#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof record --flushes` on a kernel in QEMU that lets BPF programs be at its functions.

usage: flushes_test.py WQPROF PTY_LOAD CACHE

KERNEL and MODULES in the environment are another kernel than this suite's.  Exits 77, which CTest
knows as skipped, when QEMU or a kernel cannot be had; why is its last line.
"""

import json
import os
import pathlib
import sys
import unittest

import guest_kernel

HERE = pathlib.Path(__file__).resolve().parent
KINDS = ["flush_work", "cancel_work_sync", "flush_workqueue", "drain_workqueue"]


class Flushes(guest_kernel.Guest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boot(HERE / "guest/flushes.sh", KERNEL, [WQPROF, LOAD])

    def setUp(self):
        self.assertEqual(self.left("record", "exit"), "0\n", self.left("record", "stderr"))
        self.assertEqual(self.left("json", "exit"), "0\n", self.left("json", "stderr"))
        self.report = json.loads(self.left("json", "stdout"))
        self.watch = self.report["source"]["flush_watch"]
        if self.watch["limited_by"] == "this wqprof was built without BPF":
            self.assertNotEqual(os.environ.get("WQPROF_REQUIRE_LIVE"), "1", "built without BPF")
            self.skipTest("built without BPF")

    def test_all_kinds_are_watched(self):
        self.assertEqual((self.watch["from"], self.watch["limited_by"]), ("bpf", None))
        self.assertEqual([row["kind"] for row in self.watch["kinds"]], KINDS)
        self.assertEqual([row for row in self.watch["kinds"] if not row["kernel_functions"]], [])

    def test_closed_terminals_flush_their_works(self):
        calls = {row["kind"]: row["calls"] for row in self.watch["kinds"]}
        self.assertGreaterEqual(calls["flush_work"] + calls["cancel_work_sync"], 32)
        self.assertEqual((self.watch["lost"], self.watch["left_out"]), (0, 0))
        rows = self.report["flushes"]
        self.assertTrue(rows)
        counted = sum(row["waits"] for row in self.watch["kinds"])
        self.assertEqual(sum(row["waits"] for row in rows), counted)
        self.assertEqual([row for row in rows if row["wait"]["min_ns"] < 1000], [])
        commands = {row["comm"] for row in rows}
        self.assertTrue(commands & {"pty_load", "sh"}, commands)

    def test_what_was_waited_for_executed_within_the_wait(self):
        seen = [row for row in self.report["flushes"] if row["behind"]]
        self.assertTrue(seen)
        for row in seen:
            if row["function"] is not None:
                self.assertEqual(row["behind"]["function"], row["function"])

    def test_text_has_a_table(self):
        text = self.left("text", "stdout")
        self.assertIn("Flushes (who waited 1.00us or longer for works to end)", text)
        self.assertRegex(text, r"flushes: calls by kind.*flush_work \d+")

    def test_without_it_the_report_says_so(self):
        self.assertEqual(self.left("without", "exit"), "3\n")
        self.assertIn("record --flushes", self.left("without", "stderr"))

    def test_stat_has_them_without_a_file(self):
        self.assertEqual(self.left("stat", "exit"), "0\n", self.left("stat", "stderr"))
        report = json.loads(self.left("stat", "stdout"))
        watch, rows = report["source"]["flush_watch"], report["flushes"]
        self.assertEqual(watch["from"], "bpf")
        calls = {row["kind"]: row["calls"] for row in watch["kinds"]}
        self.assertGreaterEqual(calls["flush_work"] + calls["cancel_work_sync"], 16)
        self.assertTrue(rows)
        self.assertEqual(sum(row["waits"] for row in rows),
                         sum(row["waits"] for row in watch["kinds"]))
        self.assertEqual([row for row in rows if row["at_least"]], [])
        seen = [row for row in rows if row["behind"]]
        self.assertTrue(seen)
        for row in seen:
            if row["function"] is not None:
                self.assertEqual(row["behind"]["function"], row["function"])

    def test_files_of_watch_have_those_of_their_time(self):
        self.assertEqual(self.left("watch", "exit"), "0\n", self.left("watch", "stderr"))
        self.assertEqual(self.left("found", "exit"), "0\n", self.left("found", "stderr"))
        report = json.loads(self.left("found", "stdout"))
        watch, rows = report["source"]["flush_watch"], report["flushes"]
        self.assertEqual(watch["from"], "bpf")
        self.assertEqual({row["calls"] for row in watch["kinds"]}, {None})
        self.assertTrue(rows)
        for row in rows:
            self.assertGreaterEqual(row["begin_ns"] + row["wait"]["max_ns"], watch["begin_ns"])
            self.assertLessEqual(row["begin_ns"] + row["wait"]["max_ns"], watch["end_ns"])

    def test_doctor_says_that_they_can_be_seen(self):
        checks = {row["check"]: row for row in json.loads(self.left("doctor", "stdout"))["checks"]}
        self.assertEqual((checks["flushes"]["status"], checks["flushes"]["finding"]),
                         ("ok", ", ".join(KINDS) + ", by fentry"))

    def test_another_clock_is_refused(self):
        self.assertEqual(self.left("clock", "exit"), "2\n")


if __name__ == "__main__":
    WQPROF, LOAD = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
    KERNEL = guest_kernel.chosen(sys.argv[3])
    unittest.main(argv=sys.argv[:1])
