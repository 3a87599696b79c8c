#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof snapshot` on the running kernel."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import live

try:
    import jsonschema
except ImportError:
    jsonschema = None

SCHEMA = (pathlib.Path(__file__).resolve().parent.parent.parent /
          "src/render/schemas/wqprof.hist-1.json")


class Snapshot(live.Live):
    def snapshot(self, *arguments, expect=0):
        done = subprocess.run([live.WQPROF, "snapshot", *arguments], cwd=self.directory,
                              capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def value(self, name):
        text = (self.directory / "wqprof.prom").read_text()
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))

    def test_snapshot_writes_lines_that_merge(self):
        self.load(100000)
        done = self.snapshot("-d", "1s", "--label", "rack=7")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if jsonschema is None:
            self.assertNotEqual(os.environ.get("WQPROF_REQUIRE_LIVE"), "1", "no jsonschema")
        else:
            validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8")))
            for line in lines:
                validator.validate(line)
        self.assertEqual({line["segment"] for line in lines}, {lines[0]["segment"]})
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self.assertTrue(lines[0]["segment"].startswith(boot + "-"))
        self.assertEqual(lines[0]["labels"], {"rack": "7"})
        self.assertEqual(lines[0]["lines"], len(lines))
        flushes = [line for line in lines if line.get("function") == "flush_to_ldisc"]
        self.assertIn("latency", [line["metric"] for line in flushes])
        self.assertEqual(list(self.directory.iterdir()), [], "nothing is left on disk")

    def test_snapshot_makes_a_file_of_its_own_each_time(self):
        spool = self.directory / "spool"
        spool.mkdir()
        for _ in range(2):
            self.snapshot("-q", "-d", "300ms", "-o", f"{spool}/")
        self.assertEqual(len(list(spool.glob("*.ndjson"))), 2)
        names = {path.name for path in spool.iterdir() if path.suffix != ".ndjson"}
        self.assertEqual(names, {".wqprof.series"})
        done = subprocess.run([live.WQPROF, "merge", "--json", spool], capture_output=True,
                              text=True, check=True)
        self.assertEqual(json.loads(done.stdout)["groups"][0]["segments"], 2)
        self.snapshot("-d", "100ms", "-o", f"{self.directory}/none/", expect=2)

    def test_snapshot_adds_up_for_prometheus(self):
        self.load(100000)
        self.snapshot("-q", "-d", "500ms", "--textfile", ".")
        first = self.value("wqprof_measured_seconds_total")
        matched = self.value("wqprof_matched_starts_total")
        self.snapshot("-q", "-d", "500ms", "--textfile", ".")
        self.assertGreater(self.value("wqprof_measured_seconds_total"), first)
        self.assertGreaterEqual(self.value("wqprof_matched_starts_total"), matched)
        self.assertEqual({path.name for path in self.directory.iterdir()},
                         {"wqprof.prom", ".wqprof.state"})
        if shutil.which("promtool"):
            with open(self.directory / "wqprof.prom", encoding="utf-8") as text:
                done = subprocess.run(["promtool", "check", "metrics"], stdin=text,
                                      capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        # A state that is damaged does not keep the next one back.
        (self.directory / ".wqprof.state").write_text("half a li")
        done = self.snapshot("-q", "-d", "200ms", "--textfile", ".")
        self.assertIn("begin at zero", done.stderr)
        self.assertLess(self.value("wqprof_measured_seconds_total"), first)


if __name__ == "__main__":
    live.main(Snapshot)
