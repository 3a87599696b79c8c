#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DuckDB, asked by packaging/fleet/duckdb.sql, says what `wqprof merge` says.

usage: duckdb_test.py WQPROF
Needs node and its package @duckdb/node-api, where NODE_PATH says; skipped without them.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import fleet
from fleet import FLEET, SLOW_HOSTS

RUN = pathlib.Path(__file__).with_name("duckdb_run.js")
HOSTS = 60


class DuckDb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="wqprof-fleet-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        one = cls.folder / "one.ndjson"
        fleet.export(WQPROF, one)
        lines, cls.planted = fleet.generate(one, HOSTS)
        (cls.folder / "fleet.ndjson").write_bytes(lines)
        # Whoever uploads half of it before, and cuts a line, changes nothing.
        (cls.folder / "half.ndjson").write_bytes(lines[:len(lines) // 3])

    def ask(self, view):
        text = (f"SET VARIABLE files = '{self.folder}/*.ndjson';\n"
                f"{(FLEET / 'duckdb.sql').read_text()}\nSELECT * FROM wqprof.{view};")
        done = subprocess.run(["node", RUN], input=text, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_merges_to_the_buckets_of_merge(self):
        expected = fleet.merged_buckets(WQPROF, self.folder)
        found = {(*row[:4], row[4]): int(row[5]) for row in self.ask("buckets")}
        self.assertEqual(found, expected)
        self.assertGreater(len(found), 1000)

    def test_finds_the_slow_hosts(self):
        rows = self.ask("outlier_hosts")
        self.assertEqual({row[2] for row in rows if f"{row[0]}/{row[1]}" == self.planted},
                         SLOW_HOSTS)

    def test_answers_every_query(self):
        coverage = {row[0]: row for row in self.ask("coverage")}
        self.assertEqual([float(cell) for cell in coverage["6.12.0"][1:5]],
                         [HOSTS // 2, HOSTS // 2, HOSTS // 2 * 10, 0])
        rows = self.ask("worst_functions")
        self.assertEqual(len(rows), 20)
        # A percentile lies in its bucket's middle.
        self.assertTrue(all(row[6] <= row[5] * 1.03 for row in rows), rows)
        self.assertIn("cpu_hog", {row[2] for row in self.ask("stalls_by_cause")})


def has_duckdb():
    return bool(shutil.which("node")) and subprocess.run(
        ["node", "-e", "require('@duckdb/node-api')"], capture_output=True,
        check=False).returncode == 0


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    if not has_duckdb():
        print("no DuckDB: install node's package @duckdb/node-api, and set NODE_PATH")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
