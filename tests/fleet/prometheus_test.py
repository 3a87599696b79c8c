#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prometheus scrapes what wqprof writes through node_exporter, and the alert rules fire for stalls,
long waits and losses; for a machine without these none does.

usage: prometheus_test.py WQPROF
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from clickhouse_test import free_port
from fleet import FLEET, ROOT

DATA = ROOT / "tests/data"
LAB = DATA / "lab/6.1-cloud"
QUIET = [LAB / "flags/trace.dat", LAB / "ordered/trace.dat"]
HOGS = [DATA / "configured/hog.dat", LAB / "hog/trace.dat", ROOT / "packaging/sample/hog.dat"]
# Of each machine: what its first textfile has, and what the next one has beside that.
MACHINES = {
    "stalls": (HOGS[:1], [*HOGS[1:], LAB / "lost/trace.dat"]),
    # It had no stall before, so that the series of its first one begins with it.
    "first": (QUIET[:1], HOGS[:1]),
    "quiet": (QUIET[:1], QUIET[1:]),
}
ALERTS = {
    ("WorkqueuePoolStalls", "stalls", "cpu1", "cpu_hog"),
    ("WorkqueuePoolStalls", "first", "cpu1", "cpu_hog"),
    ("WorkqueueLatency", "stalls", None, None),
    ("WorkqueueEventsLost", "stalls", None, None),
}
RANGE = "12s"  # what becomes of the hour of the rules
ITEMS = 60  # and of its 300 items: a recording of a hog has 50
PATIENCE = 120  # seconds after which a condition is one that never comes true

CONFIG = """global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs: [{job_name: node, static_configs: %s}]
"""


class Prometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="wqprof-prometheus-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        targets = []
        for name, (before, _) in MACHINES.items():
            cls.write(name, before)
            address = f"127.0.0.1:{free_port()}"
            cls.start("prometheus-node-exporter", "--collector.disable-defaults",
                      "--collector.textfile", f"--collector.textfile.directory={cls.folder / name}",
                      f"--web.listen-address={address}")
            targets.append({"targets": [address], "labels": {"instance": name}})
        (cls.folder / "config.yml").write_text(CONFIG % json.dumps(targets))
        (cls.folder / "rules.yml").write_text(
            (FLEET / "alerts.yml").read_text().replace("[1h]", f"[{RANGE}]")
            .replace("offset 1h", f"offset {RANGE}").replace("> 300", f"> {ITEMS}"))
        cls.port = free_port()
        cls.start("prometheus", f"--config.file={cls.folder}/config.yml",
                  f"--storage.tsdb.path={cls.folder}/data",
                  f"--web.listen-address=127.0.0.1:{cls.port}")

    @classmethod
    def start(cls, *command):
        process = subprocess.Popen(command, cwd=cls.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        cls.addClassCleanup(process.wait, timeout=60)
        cls.addClassCleanup(process.terminate)

    @classmethod
    def write(cls, name, recordings):
        """A textfile as wqprof snapshot --textfile writes it; never is half of one seen."""
        (cls.folder / name).mkdir(exist_ok=True)
        new = cls.folder / name / "wqprof.new"
        subprocess.run([WQPROF, "export", "--to", "openmetrics", "-o", new, *recordings], check=True,
                       stderr=subprocess.DEVNULL)
        os.replace(new, cls.folder / name / "wqprof.prom")

    def get(self, path, **arguments):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)["data"]

    def ask(self, expression):
        return [row["metric"] for row in self.get("query", query=expression)["result"]]

    def wait_until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if condition():
                    return
            except (ConnectionError, urllib.error.URLError):
                pass  # not up yet
            if time.monotonic() > end:
                self.fail(what())
            time.sleep(0.25)

    def machines(self, expression):
        return {row["instance"] for row in self.ask(expression)}

    def fired(self):
        """All alerts that did so since the begin."""
        return {(row["alertname"], row["instance"], row.get("pool"), row.get("cause"))
                for row in self.ask('last_over_time(ALERTS{alertstate="firing"}[1h])')}

    def evaluations(self):
        return [group["lastEvaluation"] for group in self.get("rules")["groups"]]

    def test_fires_for_what_is_planted_and_for_nothing_else(self):
        measured = "wqprof_measured_seconds_total"
        self.wait_until(lambda: self.machines(f"{measured} offset {RANGE}") == set(MACHINES),
                        lambda: f"scraped: {self.machines(measured)}")
        self.assertEqual(self.fired(), set())
        for name, (before, then) in MACHINES.items():
            self.write(name, before + then)
        self.wait_until(lambda: self.machines(f"increase({measured}[1h]) > 0") == set(MACHINES),
                        lambda: "no counter rises")
        seen = self.evaluations()
        self.wait_until(lambda: self.evaluations() > seen, lambda: "no rule is evaluated")
        self.wait_until(lambda: self.fired() >= ALERTS,
                        lambda: f"no {ALERTS - self.fired()}, but {self.fired()}")
        self.assertEqual({name for _, name, *_ in self.fired()}, {"stalls", "first"})
        self.assertEqual({name for alert, name, *_ in self.fired() if alert == "WorkqueueEventsLost"},
                         {"stalls"})


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    for program in ("prometheus", "prometheus-node-exporter"):
        if not shutil.which(program):
            print(f"no {program}: install {program}")
            sys.exit(77)
    unittest.main(argv=sys.argv[:1])
