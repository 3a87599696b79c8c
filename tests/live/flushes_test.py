#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`record --flushes` on the running kernel: who waited is there, or why not is said."""

import os
import signal
import subprocess

import live

REFUSED = "the kernel refuses BPF programs at its functions (fentry)"


class Flushes(live.Live):
    def run_wqprof(self, *arguments, expect=0):
        done = subprocess.run([live.WQPROF, *arguments], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def watched(self, *arguments):
        """A recording with flushes; of a kernel that shows none, the reason is all that is there."""
        said = self.record(*arguments, "--", live.PTY_LOAD, "300", "4")
        watch = self.report()["source"]["flush_watch"]
        if watch["from"] == "bpf":
            return watch
        # A build without BPF is no test of it.
        required = os.environ.get("WQPROF_REQUIRE_LIVE") == "1"
        reasons = [REFUSED] if required else [REFUSED, "this wqprof was built without BPF"]
        self.assertIn(watch["limited_by"], reasons)
        self.assertEqual((watch["lost"], watch["floor_ns"], watch["kinds"]), (None, None, []))
        self.assertIn(f"who waits in flushes is not recorded: {watch['limited_by']}", said)
        shown = self.run_wqprof("report", "--by", "flush", self.file, expect=3)
        self.assertEqual(shown.stdout, "")
        self.assertIn(watch["limited_by"], shown.stderr)
        self.assertIn("flushes: not recorded: ", self.run_wqprof("report", self.file).stdout)
        return None

    def test_flushes_are_recorded_or_the_reason_is(self):
        watch = self.watched("--flushes=1us")
        if watch is None:
            return
        kinds = {row["kind"]: row for row in watch["kinds"]}
        self.assertTrue(kinds["flush_work"]["kernel_functions"])
        # A terminal that is closed waits for the work that passes its bytes on.
        calls = kinds["flush_work"]["calls"] + kinds["cancel_work_sync"]["calls"]
        self.assertGreaterEqual(calls, 4)
        text = self.run_wqprof("report", "--by", "flush", self.file).stdout
        self.assertIn("flushes: calls by kind", text)
        rows = self.report()["flushes"]
        self.assertEqual([row for row in rows if row["wait"]["min_ns"] < 1000], [])

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
