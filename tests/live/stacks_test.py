#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`--stacks` on the running kernel: the calls by which a load queues works, and what is left."""

import json
import shutil
import signal
import subprocess

import live

TRIGGER = "events/workqueue/workqueue_queue_work/trigger"


class Stacks(live.Live):
    def setUp(self):
        super().setUp()
        probe = live.TRACEFS / "instances" / f"wqprof-probe{id(self)}"
        probe.mkdir()
        self.addCleanup(lambda: probe.exists() and probe.rmdir())
        known = (probe / TRIGGER).read_text(encoding="ascii")
        probe.rmdir()
        if "stacktrace" not in known:
            self.skipTest("this kernel takes no stacks")

    def triggers(self):
        """Those of all instances, and of the top level."""
        files = [live.TRACEFS / TRIGGER, *live.TRACEFS.glob("instances/*/" + TRIGGER)]
        texts = [live.text(path) or "" for path in files]
        return [text for text in texts if text and not text.startswith("#")]

    def run_wqprof(self, *arguments, expect=0):
        done = subprocess.run([live.WQPROF, *arguments], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def works(self, path=None):
        out = self.run_wqprof("works", "--format", "ndjson", path or self.file).stdout
        return [json.loads(line) for line in out.splitlines()[1:]]

    def record_load(self, *options):
        return self.record("--stacks", *options, "--", live.PTY_LOAD, "1000", "1")

    def check_paths(self, stacks):
        """The kernel's own symbols say how the load queues; the tracing is not among them."""
        by_pty = [stack for stack in stacks if "pty_write" in stack]
        self.assertTrue(by_pty, stacks)
        for stack in stacks:
            self.assertIn(stack[0].split(".")[0],
                          {"queue_work_on", "queue_work_node", "queue_delayed_work_on",
                           "mod_delayed_work_on", "delayed_work_timer_fn", "rcu_work_rcufn",
                           "queue_rcu_work", "call_timer_fn"}, stack)
            self.assertFalse([frame for frame in stack if frame.startswith("0x")], stack)

    def test_the_path_by_which_works_are_queued_is_known(self):
        self.record_load()
        self.assertEqual(self.triggers(), [])
        info = self.info()
        queued = {row["event"]: row["count"] for row in info["events"]}
        self.assertEqual(info["trace"]["queue_stacks"], queued["workqueue:workqueue_queue_work"])
        works = [w for w in self.works() if "queued_ns" in w]
        self.assertEqual([w for w in works if "stack" not in w], [])
        self.check_paths([w["stack"].split(";") for w in works])
        report = self.report()
        self.assertEqual(sum(row["queued"] for row in report["stacks"]),
                         sum(row["queued"] for row in report["functions"]))
        text = self.run_wqprof("report", "--by", "stack", self.file).stdout
        self.assertRegex(text, r"(?m)pty_write < \S+")

    def test_flame_graphs_have_the_same_stacks(self):
        self.record_load()
        lines = self.run_wqprof("export", "--to", "folded", "--stacks", self.file).stdout
        weights = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2])
                   for line in lines.splitlines()}
        by_pty = [path for path in weights if path.endswith(";flush_to_ldisc")]
        self.assertTrue(by_pty, lines)
        for path in by_pty:
            self.assertRegex(path, r"(^|;)queue_work_on;flush_to_ldisc$")
        self.assertEqual(sum(weights.values()), sum("stack" in w for w in self.works()))
        self.run_wqprof("export", "--to", "folded", "--stacks", "--weight", "execution", self.file)

    def test_symbols_of_stacks_are_kept_for_other_readers(self):
        if shutil.which("trace-cmd") is None:
            self.skipTest("no trace-cmd")
        self.record_load()
        text = subprocess.run(["trace-cmd", "report", "-i", self.file], capture_output=True,
                              text=True, check=True).stdout
        self.assertRegex(text, r"=> pty_write")
        self.assertRegex(text, r"=> __queue_work")

    def test_only_stacks_of_the_workqueues_asked_for_are_taken(self):
        self.record_load("-w", "events_unb*", "-w", "!*power*")
        settings = {row["key"]: row["value"] for row in self.info()["settings"]}
        self.assertIn('workqueue ~ "events_unb*"', settings["stacks"])
        works = [w for w in self.works() if "queued_ns" in w]
        with_stack = {w["workqueue"] for w in works if "stack" in w}
        self.assertEqual(with_stack, {"events_unbound"})
        self.assertEqual([w for w in works
                          if w["workqueue"] == "events_unbound" and "stack" not in w], [])

    def test_no_trigger_is_left_after_a_signal(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGQUIT:
            child = self.start("--stacks")
            self.wait_until_tracing(child)
            self.assertEqual(len(self.triggers()), 1)
            child.send_signal(number)
            self.end(child)
            self.assertEqual(self.triggers(), [])

    def test_no_trigger_is_left_when_the_file_cannot_be_written(self):
        self.record("--stacks", "--max-size", "1M", expect=2)
        self.assertEqual(self.triggers(), [])

    def test_the_next_start_removes_what_a_killed_recorder_left(self):
        child = self.start("--stacks")
        self.wait_until_tracing(child)
        child.kill()
        child.communicate()
        self.assertEqual(len(self.triggers()), 1)
        said = self.record("-d", "50ms")
        self.assertIn("of a recorder that was killed", said)
        self.assertEqual(live.instances_of(child.pid), [])
        self.assertEqual(self.triggers(), [])

    def test_a_trigger_that_somebody_else_removes_is_told(self):
        child = self.start("--stacks")
        self.wait_until_tracing(child)
        for instance in live.instances_of(child.pid):
            (instance / TRIGGER).write_text("!stacktrace", encoding="ascii")
        child.send_signal(signal.SIGINT)
        self.assertIn("the trigger that takes stacks was removed", self.end(child))

    def test_stat_shows_stacks(self):
        done = self.run_wqprof("stat", "--stacks", "--by", "stack", "--", live.PTY_LOAD, "500", "1")
        self.assertRegex(done.stdout, r"(?m)pty_write")
        self.assertEqual(self.triggers(), [])

    def test_stacks_are_not_for_a_buffer_of_somebody_else(self):
        self.assertIn("--stacks", self.record("--attach", "--stacks", "-d", "50ms", expect=2))

    def test_without_stacks_they_are_refused(self):
        self.record("-d", "50ms")
        for command in (["report", "--by", "stack"], ["export", "--to", "folded", "--stacks"]):
            self.assertIn("--stacks", self.run_wqprof(*command, self.file, expect=3).stderr)

    def test_stacks_of_other_events_are_nobodys(self):
        """The option stacktrace takes the stacks of all events."""
        instance = live.TRACEFS / "instances" / f"wqprof-test-stacks{id(self)}"
        instance.mkdir()
        self.addCleanup(instance.rmdir)
        (instance / "options/stacktrace").write_text("1")
        (instance / "events/workqueue/enable").write_text("1")
        subprocess.run([live.PTY_LOAD, "200", "1"], check=True, stdout=subprocess.DEVNULL)
        (instance / "tracing_on").write_text("0")
        self.run_wqprof("record", f"--attach={instance.name}", "-o", self.file)
        (instance / "events/workqueue/enable").write_text("0")
        info = self.info()
        counts = {row["event"]: row["count"] for row in info["events"]}
        self.assertGreater(counts["ftrace:kernel_stack"], info["trace"]["queue_stacks"])
        self.check_paths([w["stack"].split(";") for w in self.works() if "stack" in w])


if __name__ == "__main__":
    live.main(Stacks)
