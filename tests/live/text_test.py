#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the running kernel and trace-cmd print of a recording is the recording."""

import collections
import json
import os
import signal
import subprocess
import time

import live

TIMES = ("queued_ns", "activated_ns", "started_ns", "ended_ns")


def works(source, feed=None):
    done = subprocess.run([live.WQPROF, "works", "--format", "ndjson", source], input=feed,
                          capture_output=True, check=False)
    items = [json.loads(line) for line in done.stdout.splitlines()]
    return [item for item in items if "id" in item], done


def without_times(items):
    """How many items there are of a kind; stamps are rounded by who prints them."""
    return collections.Counter((i["state"], i.get("function"), i.get("worker_pid"),
                                tuple(t in i for t in TIMES)) for i in items)


class Text(live.Live):
    def instance(self):
        path = live.TRACEFS / f"instances/text-{os.getpid()}"
        path.mkdir()
        self.addCleanup(path.rmdir)
        (path / "events/workqueue/enable").write_text("1")
        return path

    def write_some(self):
        for _ in range(20):
            with open(self.directory / "written", "wb") as out:
                out.write(bytes(1 << 20))
                os.fsync(out.fileno())
            time.sleep(0.02)

    def test_text_of_trace_cmd_is_the_recording(self):
        child = self.start("-d", "2s")
        self.write_some()
        self.end(child)
        expected, _ = works(self.file)
        self.assertTrue(expected)
        for options in ([], ["-R"], ["-l"], ["-t"]):
            text = subprocess.run(["trace-cmd", "report", *options, "-i", self.file],
                                  capture_output=True, check=True).stdout
            items, done = works("-", text)
            with self.subTest(options=options):
                self.assertEqual(without_times(items), without_times(expected), done.stderr)

    def test_text_of_the_kernel_reads_the_same_in_each_layout(self):
        instance = self.instance()
        self.write_some()
        (instance / "tracing_on").write_text("0")
        expected, _ = works(instance / "trace")
        self.assertTrue(expected)
        by_cpu = b"".join(path.read_bytes() for path in sorted(instance.glob("per_cpu/*/trace")))
        items, done = works("-", by_cpu)
        self.assertEqual(without_times(items), without_times(expected), done.stderr)
        (instance / "options/latency-format").write_text("1")
        items, done = works(instance / "trace")
        self.assertEqual(without_times(items), without_times(expected), done.stderr)

    def test_text_of_a_pipe_without_an_end_is_read_until_it_is_interrupted(self):
        instance = self.instance()
        child = subprocess.Popen([live.WQPROF, "report", "--format", "json",
                                  instance / "trace_pipe"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.children.append(child)
        self.write_some()
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        out, said = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, said)
        self.assertTrue(json.loads(out)["functions"])


if __name__ == "__main__":
    live.main(Text)
