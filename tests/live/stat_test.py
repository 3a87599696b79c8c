#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof stat` on the running kernel."""

import json
import os
import pathlib
import signal
import subprocess

import live

try:
    import jsonschema
except ImportError:
    jsonschema = None

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent.parent / "src/render/schemas"


class Stat(live.Live):
    def stat(self, *arguments, expect=0):
        done = subprocess.run([live.WQPROF, "stat", *arguments], cwd=self.directory,
                              capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def validate(self, document, name):
        if jsonschema is None:
            self.assertNotEqual(os.environ.get("WQPROF_REQUIRE_LIVE"), "1", "no jsonschema")
            return
        jsonschema.validate(document, json.loads((SCHEMAS / name).read_text("utf-8")))

    def test_stat_counts_every_item_of_a_command(self):
        done = self.stat("--format", "json", "--", live.PTY_LOAD, "5000", "2")
        report = json.loads(done.stdout)
        self.validate(report, "wqprof.report-1.json")
        self.assertEqual(report["quality"]["lost_events"], 0)
        self.assertEqual(report["quality"]["unmatched_starts"], 0)
        flushes = [f for f in report["functions"] if f["function"] == "flush_to_ldisc"]
        self.assertGreaterEqual(sum(f["executed"] for f in flushes), 5000)
        self.assertEqual(list(self.directory.iterdir()), [], "nothing is left on disk")

    def test_stat_tells_of_intervals(self):
        self.load(40000)
        done = self.stat("-I", "200ms", "-d", "1s", "--format", "ndjson")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(lines[0], {"schema": "wqprof.stat/1"})
        begin_of_report = lines.index({"schema": "wqprof.report/1"})
        intervals = lines[1:begin_of_report]
        self.assertGreaterEqual(len(intervals), 3)
        for interval in intervals:
            self.validate(interval, "wqprof.stat-1.json")
        self.assertGreater(sum(i["started"] for i in intervals), 0)
        ends = [i["end_ns"] for i in intervals if i["end_ns"] is not None]
        self.assertEqual(ends, sorted(ends))
        functions = [line for line in lines[begin_of_report:] if line.get("table") == "functions"]
        # What is not certain yet at the end of the last interval is in the report alone.
        self.assertGreaterEqual(sum(f["executed"] for f in functions),
                                sum(i["started"] for i in intervals))

    def test_stat_ends_with_the_report_at_sigint(self):
        child = subprocess.Popen([live.WQPROF, "stat", "-I", "100ms"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        self.assertIn("EVENTS/s", child.stdout.readline())
        self.load(2000).wait()
        child.send_signal(signal.SIGINT)
        out, said = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, said)
        self.assertIn("Functions, by WAITED", out)
        self.assertEqual(live.instances_of(child.pid), [])

    def test_stat_leaves_nothing_after_sigkill(self):
        child = subprocess.Popen([live.WQPROF, "stat", "-q"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        self.wait_until_tracing(child)
        child.kill()
        child.communicate()
        self.stat("--", live.PTY_LOAD, "100", "1")
        self.assertEqual(live.instances_of(child.pid), [])

    def test_stat_refuses_intervals_within_one_document(self):
        done = self.stat("-I", "1s", "--format", "json", expect=2)
        self.assertIn("ndjson", done.stderr)


if __name__ == "__main__":
    live.main(Stat)
