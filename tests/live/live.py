# SPDX-License-Identifier: Apache-2.0
"""What the live tests share: the program, a load, and a look at tracefs before and after."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

TRACEFS = pathlib.Path("/sys/kernel/tracing")
WQPROF = PTY_LOAD = ""

# Settings of the top level that a recorder has no business with.
TOP_LEVEL = ["tracing_on", "trace_clock", "buffer_size_kb", "buffer_percent",
             "buffer_subbuf_size_kb", "current_tracer", "set_event", "set_event_pid",
             "tracing_cpumask", "trace_options", "saved_cmdlines_size", "events/enable",
             "events/workqueue/enable", "events/sched/enable", "events/timer/enable"]

SKIP = 77


class Live(unittest.TestCase):
    """A test that records in a directory of its own, and must leave tracefs as it was."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="wqprof-live-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.file = self.directory / "t.dat"
        self.children = []
        self.addCleanup(self.end_children)
        self.before = top_level()

    def tearDown(self):
        self.assertEqual(top_level(), self.before)

    def end_children(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()

    def start(self, *arguments, **options):
        """`wqprof record`, in the background."""
        child = subprocess.Popen([WQPROF, "record", "-o", self.file, *arguments],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 **options)
        self.children.append(child)
        return child

    def end(self, child, expect=0):
        """Waits for a recorder; returns what it said.  Its instance must be gone."""
        _, said = child.communicate(timeout=120)
        self.assertEqual(child.returncode, expect, said)
        self.assertEqual(instances_of(child.pid), [])
        return said

    def record(self, *arguments, expect=0, **options):
        return self.end(self.start(*arguments, **options), expect)

    def load(self, count, pairs=1):
        """Queues works, in the background."""
        child = subprocess.Popen([PTY_LOAD, str(count), str(pairs)], stdout=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def info(self, path=None):
        """All that `wqprof info` knows of a file."""
        done = subprocess.run([WQPROF, "info", "--format", "json", path or self.file],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def report(self, path=None):
        done = subprocess.run([WQPROF, "report", "--format", "json", path or self.file],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def wait_until(self, condition, what):
        """Polls; a machine may be slow, but not for ever."""
        end = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.01)

    def wait_until_tracing(self, child):
        def tracing():
            self.assertIsNone(child.poll(), "the recorder ended early")
            # An instance is born with tracing on, and gets its events when it is off.
            return [n for n in instances_of(child.pid)
                    if text(n / "events/workqueue/enable") == "1" == text(n / "tracing_on")]
        self.wait_until(tracing, "tracing never began")

    def wait_until_bigger(self, path, size):
        self.wait_until(lambda: path.exists() and path.stat().st_size > size,
                        f"{path} never grew")

    def siblings(self, path=None):
        path = path or self.file
        return sorted(path.parent.glob(path.name + ".cpu*"))


def text(path):
    try:
        return path.read_text().strip()
    except OSError:
        return None


def top_level():
    return {name: text(TRACEFS / name) for name in TOP_LEVEL}


def instances_of(pid):
    return list((TRACEFS / "instances").glob(f"wqprof-{pid}-*"))


def trace_cmd_lines(path):
    """A line for each event that trace-cmd finds."""
    with subprocess.Popen(["trace-cmd", "report", "-i", path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace") as child:
        yield from (line for line in child.stdout if not line.startswith("cpus="))


def trace_cmd_count(path):
    return sum(1 for _ in trace_cmd_lines(path))


def why_not():
    """Why live tests cannot run here, or None."""
    if os.geteuid() != 0:
        return "not root"
    if not (TRACEFS / "instances").is_dir():
        return f"no tracefs at {TRACEFS}"
    if not (TRACEFS / "events/workqueue").is_dir():
        return "this kernel has no workqueue events"
    probe = TRACEFS / "instances" / f"wqprof-probe{os.getpid()}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        return f"no trace instance can be made: {error.strerror}"
    return None


def skip(reason):
    """Ends the test for a reason that the last line tells."""
    required = os.environ.get("WQPROF_REQUIRE_LIVE") == "1"
    print(f"{reason}{', but WQPROF_REQUIRE_LIVE=1' if required else ''}", flush=True)
    sys.exit(1 if required else SKIP)


def main(case):
    """Runs the one test that CTest names: SCRIPT METHOD WQPROF PTY_LOAD."""
    global WQPROF, PTY_LOAD
    method, WQPROF, PTY_LOAD = sys.argv[1:4]
    reason = why_not()
    if reason is not None:
        skip(reason)
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite([case(method)]))
    if result.skipped:
        skip(result.skipped[0][1])
    sys.exit(not result.wasSuccessful())
