#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof record --attach` to an instance that the test runs: it is read, and never changed."""

import os
import signal
import time

import live

EVENTS = ["workqueue_queue_work", "workqueue_activate_work", "workqueue_execute_start",
          "workqueue_execute_end"]
SETTINGS = ["tracing_on", "trace_clock", "buffer_size_kb", "buffer_percent", "set_event",
            "options/overwrite", "options/disable_on_free"]


class Attach(live.Live):
    def setUp(self):
        super().setUp()
        self.instance = live.TRACEFS / "instances" / f"wqprof_test_{os.getpid()}"
        self.instance.mkdir()
        self.addCleanup(self.instance.rmdir)
        self.addCleanup(self.end_children)

    def write(self, name, value):
        (self.instance / name).write_text(value)

    def trace(self, size_kb=4096, clock="mono"):
        self.write("trace_clock", clock)
        self.write("buffer_size_kb", str(size_kb))
        for event in EVENTS:
            self.write(f"events/workqueue/{event}/enable", "1")

    def settings(self):
        return {name: live.text(self.instance / name) for name in SETTINGS}

    def attach(self, *arguments):
        return self.start(f"--attach={self.instance.name}", *arguments)

    def test_attach_drains_while_the_owner_goes_on(self):
        self.trace()
        before = self.settings()
        child = self.attach()
        self.wait_until(self.file.exists, "it never began")
        self.load(20000, 2).wait()
        child.send_signal(signal.SIGINT)
        self.end(child)
        self.assertEqual(self.settings(), before)
        self.assertTrue(self.instance.is_dir())
        report = self.report()
        self.assertEqual(report["quality"]["lost_events"], 0)
        self.assertEqual(report["quality"]["unmatched_starts"], 0)
        flushes = [f for f in report["functions"] if f["function"] == "flush_to_ldisc"]
        self.assertGreaterEqual(sum(f["executed"] for f in flushes), 20000)
        # It goes on.
        self.load(100).wait()
        self.assertIn("flush_to_ldisc", (self.instance / "trace").read_text())

    def test_attach_to_what_is_off_takes_what_the_buffer_holds(self):
        self.trace(clock="local")
        self.load(5000).wait()
        self.write("tracing_on", "0")
        said = self.end(self.attach())
        self.assertIn("tracing is off there", said)
        self.assertEqual(live.text(self.instance / "tracing_on"), "0")
        report = self.report()
        self.assertEqual(report["source"]["clock"], "local")
        self.assertEqual(report["quality"]["lost_events"], 0)
        flushes = [f for f in report["functions"] if f["function"] == "flush_to_ldisc"]
        self.assertGreaterEqual(sum(f["executed"] for f in flushes), 5000)
        attached = [row["value"] for row in self.info()["settings"] if row["key"] == "attached"]
        self.assertEqual(attached, [self.instance.name])

    def test_attach_takes_an_overwritten_start_for_a_late_begin(self):
        self.trace(size_kb=256)
        self.load(20000, 2).wait()
        self.write("tracing_on", "0")
        self.end(self.attach())
        report = self.report()
        self.assertEqual(report["quality"]["lost_events"], 0, report["quality"])
        self.assertEqual(report["quality"]["unmatched_starts"], 0, report["quality"])
        self.assertGreater(sum(f["executed"] for f in report["functions"]), 100)

    def test_attach_does_not_count_what_others_read_before(self):
        self.trace()
        self.load(2000).wait()
        self.write("tracing_on", "0")
        for cpu in self.instance.glob("per_cpu/cpu*"):
            with os.fdopen(os.open(cpu / "trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK),
                           "rb", buffering=0) as pipe:
                try:
                    while pipe.read(65536):
                        pass
                except BlockingIOError:
                    pass
        self.write("tracing_on", "1")
        child = self.attach()
        self.wait_until(self.file.exists, "it never began")
        self.load(3000).wait()
        time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        self.end(child)
        report = self.report()
        self.assertEqual(report["quality"]["lost_events"], 0, report["quality"])
        flushes = [f for f in report["functions"] if f["function"] == "flush_to_ldisc"]
        self.assertGreaterEqual(sum(f["executed"] for f in flushes), 3000)

    def test_attach_to_the_top_level_changes_nothing(self):
        said = self.end(self.start("--attach", "-d", "300ms"))
        self.assertIn("wrote", said)  # top_level() is compared when the test ends

    def test_attach_says_which_instances_there_are(self):
        said = self.end(self.start("--attach=no_such"), expect=2)
        self.assertIn("no trace instance 'no_such'", said)
        self.assertIn(self.instance.name, said)
        for name in ("../instances", ".", "a/b"):
            self.end(self.start(f"--attach={name}"), expect=2)
        said = self.end(self.attach("-b", "1M"), expect=2)
        self.assertIn("leave out -b", said)

    def test_attach_leaves_the_instance_after_sigkill(self):
        self.trace()
        before = self.settings()
        child = self.attach()
        self.wait_until(self.file.exists, "it never began")
        child.kill()
        child.communicate()
        self.assertEqual(self.settings(), before)
        self.record("-d", "50ms")
        self.assertTrue(self.instance.is_dir())
        self.assertEqual(self.settings(), before)


if __name__ == "__main__":
    live.main(Attach)
