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

    def test_another_clock_is_refused(self):
        self.assertEqual(self.left("clock", "exit"), "2\n")


if __name__ == "__main__":
    WQPROF, LOAD = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
    KERNEL = guest_kernel.chosen(sys.argv[3])
    unittest.main(argv=sys.argv[:1])
