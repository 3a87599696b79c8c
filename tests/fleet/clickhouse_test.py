#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ClickHouse, loaded and asked by packaging/fleet, says what `wqprof merge` says.

usage: clickhouse_test.py WQPROF [--chdb]
  --chdb: not Debian's server, but one of today: node's package chdb, where NODE_PATH says
Skipped where there is none.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import fleet
from fleet import FLEET, SLOW_HOSTS

CHDB = pathlib.Path(__file__).with_name("chdb_server.js")
HOSTS, SERIES = 2000, 20
PATIENCE = 60  # seconds for an answer
QUERIES = {"worst_functions", "outlier_hosts", "stalls_by_cause", "coverage"}

CONFIG = """<yandex><logger><level>error</level><log>{0}/log</log><errorlog>{0}/err</errorlog></logger>
<http_port>{1}</http_port><tcp_port>{2}</tcp_port><listen_host>127.0.0.1</listen_host>
<path>{0}/data/</path><tmp_path>{0}/tmp/</tmp_path><users_config>{0}/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>104857600</mark_cache_size></yandex>"""
USERS = """<yandex><profiles><default></default></profiles><users><default><password></password>
<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
</users><quotas><default></default></quotas></yandex>"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def statements(name):
    text = (FLEET / f"{name}.sql").read_text()
    return "\n".join(line for line in text.splitlines() if not line.startswith("--")).split(";")


def program(name):
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def debian_server(folder, port):
    """The command of Debian's server, with a directory of its own."""
    for name in ("data", "tmp"):
        (folder / name).mkdir()
    (folder / "config.xml").write_text(CONFIG.format(folder, port, free_port()))
    (folder / "users.xml").write_text(USERS)
    return [program("clickhouse-server"), f"--config-file={folder}/config.xml"]


def chdb_server(_, port):
    return ["node", CHDB, str(port)]


class ServerError(Exception):
    """What the server says against a statement."""


class Server:
    """One on loopback."""

    def __init__(self, folder, command=debian_server):
        self.http = free_port()
        self.process = subprocess.Popen(command(folder, self.http), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=folder)
        end = time.monotonic() + 60
        while True:
            try:
                self.ask("SELECT 1")
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    def ask(self, text):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/", text.encode())
        try:
            answer = urllib.request.urlopen(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            raise ServerError(error.read().decode(errors="replace")[:600]) from None
        with answer:
            return [line.split("\t") for line in answer.read().decode().splitlines()]

    def run(self, name):
        """The answer to the last statement of a file."""
        rows = []
        for statement in statements(name):
            if statement.strip():
                rows = self.ask(statement)
        return rows

    def load(self, path):
        """What load.sh has to say."""
        return self.try_to_load(path, check=True).stderr

    def try_to_load(self, *paths, check=False):
        url = f"http://127.0.0.1:{self.http}"
        return subprocess.run([FLEET / "load.sh", *paths], check=check, stderr=subprocess.PIPE,
                              text=True, env={**os.environ, "CLICKHOUSE_URL": url})

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


class ClickHouse(unittest.TestCase):
    command = staticmethod(debian_server)

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="wqprof-fleet-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        one = cls.folder / "one.ndjson"
        fleet.export(WQPROF, one)
        cls.lines = cls.folder / "fleet.ndjson"
        some = cls.folder / "some.ndjson"
        some.write_text(fleet.some_series(one.read_text(), SERIES))
        lines, cls.planted = fleet.generate(some, HOSTS, "--items", "300")
        cls.lines.write_bytes(lines + one.read_bytes())
        cls.server = Server(cls.folder, cls.command)
        cls.addClassCleanup(cls.server.stop)
        cls.server.run("clickhouse")
        # Whoever uploads twice, and half of it before, with half a line, changes nothing.
        half = cls.folder / "half.ndjson"
        half.write_text("".join(cls.lines.read_text().splitlines(keepends=True)[:500])[:-100])
        cls.said = [cls.server.load(path) for path in (half, cls.lines, cls.lines)]

    def test_merges_to_the_buckets_of_merge(self):
        found = {(*row[:4], int(row[4])): int(row[5]) for row in self.server.run("buckets")}
        expected = fleet.merged_buckets(WQPROF, self.lines)
        self.assertEqual(set(found.items()) ^ set(expected.items()), set())
        self.assertGreater(len(found), 500)

    def test_leaves_out_half_a_line_and_names_it(self):
        self.assertEqual(self.said, [f"load.sh: {self.folder}/half.ndjson: 1 line(s) not whole, left"
                                     " out\n", "", ""])

    def test_loads_the_files_after_one_that_is_damaged_or_missing(self):
        whole = self.lines.read_text().splitlines(keepends=True)[0]
        counted = "SELECT count() FROM wqprof.lines WHERE segment = 'after'"
        damaged = self.folder / "damaged.ndjson"
        damaged.write_text(whole.replace(":", "", 1))
        after = self.folder / "after.ndjson"
        # Of a kind that no query asks for.
        line = {**json.loads(whole), "segment": "after", "kind": "none"}
        after.write_text(json.dumps(line) + "\n")
        done = self.server.try_to_load(damaged, self.folder / "missing.ndjson", after)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{damaged}: not loaded", done.stderr)
        self.assertIn("missing.ndjson: cannot be read", done.stderr)
        self.assertEqual(self.server.ask(counted), [["1"]])

    def test_finds_the_slow_hosts(self):
        rows = self.server.run("outlier_hosts")
        self.assertEqual({row[2] for row in rows if f"{row[0]}/{row[1]}" == self.planted},
                         SLOW_HOSTS)

    def test_answers_every_query(self):
        coverage = {row[0]: row for row in self.server.run("coverage")}
        self.assertEqual(coverage["6.12.0"][1:5], [str(HOSTS // 2), str(HOSTS // 2),
                                                  str(HOSTS // 2 * 10), "0"])
        worst = self.server.run("worst_functions")
        self.assertEqual(len(worst), 20)
        self.assertEqual([row for row in worst if float(row[6]) > float(row[5])], [])
        self.assertIn("cpu_hog", {row[2] for row in self.server.run("stalls_by_cause")})
        self.server.run("rollup")

    def test_drops_a_month(self):
        self.server.ask("INSERT INTO wqprof.lines (ts, segment) VALUES"
                        " ('2001-02-03 04:05:06', 'old')")
        counted = "SELECT count() FROM wqprof.lines WHERE segment = 'old'"
        self.assertEqual(self.server.ask(counted), [["1"]])
        self.server.ask("ALTER TABLE wqprof.lines DROP PARTITION 200102")
        self.assertEqual(self.server.ask(counted), [["0"]])

    def test_answers_every_panel_of_the_dashboard(self):
        """Panels ask what the files ask, of the time that is looked at."""
        shown = "$__timeFilter(ts)"
        files = {query.strip(): name for name in QUERIES for query in statements(name)[:1]}
        found = set()
        for panel in json.loads((FLEET / "grafana.json").read_text())["panels"]:
            for target in panel["targets"]:
                sql = target["rawSql"]
                name = files[sql.replace(f"{shown} AND ", "").strip()]
                self.assertEqual(sql.count(shown), sql.count("wqprof.once"), name)
                always = "ts < toDateTime('2100-01-01 00:00:00')"
                rows = self.server.ask(sql.replace(shown, always))
                self.assertEqual(rows, self.server.run(name), name)
                self.assertEqual(self.server.ask(sql.replace(shown, f"NOT {always}")), [], name)
                found.add(name)
        self.assertEqual(found, QUERIES)


class NewestClickHouse(ClickHouse):
    """All of this, and what Debian's lacks."""

    command = staticmethod(chdb_server)

    def test_forgets_what_is_old(self):
        server = Server(self.folder, self.command)  # as the recordings of the others are old
        self.addCleanup(server.stop)
        for name in ("clickhouse", "rollup", "retention"):
            server.run(name)
        for days in (29, 31):
            server.ask("INSERT INTO wqprof.lines (ts, segment) SELECT"
                       f" now() - INTERVAL {days} DAY, 'of {days} days'")
        server.ask("OPTIMIZE TABLE wqprof.lines FINAL")
        self.assertEqual(server.ask("SELECT segment FROM wqprof.lines"), [["of 29 days"]])


def lacks(chdb):
    """What is missing to run this, or ""."""
    if not shutil.which("curl"):
        return "no curl"
    if not chdb:
        return "" if program("clickhouse-server") else \
            "no clickhouse-server: install clickhouse-server"
    found = shutil.which("node") and subprocess.run(
        ["node", "-e", "require('chdb')"], capture_output=True, check=False).returncode == 0
    return "" if found else "no chdb: install node's package chdb, and set NODE_PATH"


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    with_chdb = "--chdb" in sys.argv
    if missing := lacks(with_chdb):
        print(missing)
        sys.exit(77)
    unittest.main(argv=sys.argv[:1],
                  defaultTest=NewestClickHouse.__name__ if with_chdb else ClickHouse.__name__)
