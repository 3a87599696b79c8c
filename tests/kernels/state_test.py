#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof state` on a kernel in QEMU that is not this machine's, whose verifier takes its program.

usage: state_test.py WQPROF STALL_LOAD CACHE

KERNEL and MODULES in the environment are another kernel than this suite's.  Exits 77, which CTest
knows as skipped, when QEMU or a kernel cannot be had; why is its last line.
"""

import json
import os
import pathlib
import shutil
import sys
import unittest

import guest_kernel

HERE = pathlib.Path(__file__).resolve().parent


class State(guest_kernel.Guest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boot(HERE / "guest/state.sh", KERNEL, [WQPROF, LOAD, shutil.which("chrt")])

    def test_sees_what_waits_and_who_has_the_cpu(self):
        self.assertEqual(self.left("json", "exit"), "0\n", self.left("json", "stderr"))
        state = json.loads(self.left("json", "stdout"))
        if state["source"]["limited_by"] == "this wqprof was built without BPF":
            self.assertNotEqual(os.environ.get("WQPROF_REQUIRE_LIVE"), "1", "built without BPF")
            self.skipTest("built without BPF")
        self.assertEqual((state["source"]["from"], state["source"]["limited_by"]), ("bpf", None))
        pool = state["pools"][0]
        self.assertEqual(pool["pool"], "cpu1")
        self.assertGreaterEqual(pool["pending"], 1)
        self.assertEqual(pool["on_cpu"]["comm"], "stall_load")
        self.assertGreater(pool["stuck_ns"], 100e6)
        waiting = {(row["pool"], row["state"], row["function"]) for row in state["waiting"]}
        self.assertIn(("cpu1", "pending", "aio_fsync_work"), waiting)
        self.assertFalse(pool["pending_at_least"])

    def test_says_it_first(self):
        lines = self.left("text", "stdout").splitlines()
        self.assertRegex(lines[2], r"^cpu1 has \d+ works? waiting, and took none for ")

    def test_counters_are_there_or_said_to_be_missing(self):
        """They came with Linux 6.5."""
        version = (self.results / "version").read_text().split()[2]
        if tuple(int(part) for part in version.split(".")[:2]) >= (6, 5):
            self.assertEqual(self.left("counters", "exit"), "0\n", self.left("counters", "stderr"))
            self.assertIn("STARTED/s", self.left("counters", "stdout"))
        else:
            self.assertEqual(self.left("counters", "exit"), "4\n")
            self.assertRegex(self.left("counters", "stderr"), "6.5|without BPF")


if __name__ == "__main__":
    WQPROF, LOAD = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
    KERNEL = guest_kernel.chosen(sys.argv[3])
    unittest.main(argv=sys.argv[:1])
