#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pages of recordings as files: sound HTML, one policy, no address, a size.

usage: page_test.py WQPROF
"""

import base64
import hashlib
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import stacked_text

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
LAB = SOURCE / "tests/data/lab"
TRACES = [SOURCE / "packaging/sample/hog.dat", SOURCE / "tests/data/loads/bursts.dat",
          *sorted(LAB.glob("*/*/trace.dat")),
          *sorted(p for p in (SOURCE / "tests/data/cases").glob("*/input*") if p.is_file())]
VOID = {"meta", "rect", "path", "input", "br"}


class Outline(html.parser.HTMLParser):
    """Elements with their attributes; complains of those that do not end where they should."""

    def __init__(self):
        super().__init__()
        self.elements, self.open, self.faults = [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> ends something else, line {self.getpos()[0]}")


def run(*arguments, **options):
    return subprocess.run([WQPROF, *map(str, arguments)], capture_output=True, check=False,
                          env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}, **options)


def page_of(trace, *arguments):
    done = run("report", trace, "--html", "-", *arguments)
    return done.stdout.decode(), done


class EveryPage(unittest.TestCase):
    """Of each recording and text in the tree."""

    def pages(self):
        for trace in TRACES:
            page, done = page_of(trace)
            with self.subTest(trace=str(trace.relative_to(SOURCE))):
                self.assertIn(done.returncode, (0, 3, 5), done.stderr)
                if page:
                    yield page

    def test_is_whole_and_small(self):
        seen = 0
        for page in self.pages():
            seen += 1
            outline = Outline()
            outline.feed(page)
            outline.close()
            self.assertEqual((outline.faults, outline.open), ([], []))
            self.assertLess(len(page.encode()), 1_000_000)
            for tag, attributes in outline.elements:
                self.assertNotIn("style", attributes)
                self.assertEqual([a for a in attributes if a.startswith("on")], [])
                self.assertNotIn("src", attributes)
                self.assertTrue(attributes.get("href", "#").startswith("#"), attributes)
                self.assertNotIn(tag, ("link", "img", "iframe", "object"))
        self.assertGreater(seen, 40)

    def test_allows_its_own_script_and_style_and_nothing_else(self):
        for page in self.pages():
            policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)
            script, = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
            style, = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)

            def source(text):
                return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
            self.assertEqual(policy, f"default-src 'none'; script-src {source(script)}; "
                             f"style-src {source(style)}; base-uri 'none'; form-action 'none'")
            addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.]+\.[a-z]+[^\s\"']*", page))
            self.assertLessEqual(addresses, {"http://www.w3.org/2000/svg"})

    def test_holds_data_that_are_json(self):
        for page in self.pages():
            text, = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
            self.assertNotIn("<", text)
            json.loads(text)

    def test_is_valid(self):
        if not shutil.which("tidy"):
            self.assertNotEqual(os.environ.get("WQPROF_REQUIRE_LIVE"), "1", "no tidy")
            self.skipTest("no tidy: Debian's package has that name")
        for trace in TRACES[:4]:
            page, _ = page_of(trace)
            done = subprocess.run(["tidy", "-q", "-e", "-utf8", "--gnu-emacs", "yes"], input=page.encode(),
                                  capture_output=True, check=False)
            self.assertEqual(done.stderr.decode(), "")


class OnePage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="wqprof-page-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.trace = self.folder / "t.dat"
        shutil.copy(TRACES[0], self.trace)

    def test_says_what_the_report_says(self):
        page, _ = page_of(self.trace)
        report = json.loads(run("report", self.trace, "--format", "json").stdout)
        for finding in report["findings"]:
            for sentence in [finding["text"], finding["because"], *finding["try"], finding["next"]]:
                self.assertIn(html.escape(sentence).replace("&#x27;", "&#39;"), page)
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))
        self.assertEqual(data["span"], report["source"]["duration_ns"])
        self.assertEqual(len(data["stalls"]), len(report["stalls"]))
        by_name = {(f["function"], f["workqueue"]): f for f in report["functions"]}
        for function in data["functions"]:
            if "lat" in function:
                whole = by_name[function["f"], function["w"]]["latency"]
                self.assertEqual(function["lat"]["n"], whole["count"])
                self.assertEqual(function["lat"]["q"][0], whole["p50_ns"])
                self.assertEqual(function["lat"]["q"][-1], whole["max_ns"])

    def test_draws_every_item_of_the_report(self):
        """Cells tell counts to 5 percent, and exactly where they are few."""
        page, _ = page_of(self.trace)
        heat = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))["heat"]
        counts = [sum(round(2 ** ((byte - 1) / 8)) for byte in base64.b64decode(m["cells"]) if byte)
                  for m in heat["maps"]]
        report = json.loads(run("report", self.trace, "--format", "json").stdout)
        items = sum(f["latency"]["count"] for f in report["functions"])
        self.assertEqual(counts[0], items)
        self.assertEqual(sum(counts[1:]), items)

    def test_is_the_same_from_export(self):
        file = self.folder / "p.html"
        done = run("export", self.trace, "--to", "html", "-o", file)
        self.assertEqual((done.returncode, done.stdout), (0, b""), done.stderr)
        self.assertEqual(file.read_text(), page_of(self.trace)[0])

    def test_does_not_depend_on_the_number_of_threads(self):
        self.assertEqual(page_of(self.trace, "--threads", "1")[0], page_of(self.trace, "--threads", "4")[0])

    def test_obeys_filters_and_says_so(self):
        page, done = page_of(self.trace, "-w", "wqt_victim", "--time", "+0.1,+0.5")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("only workqueue wqt_victim", page)
        table = re.search(r'id="functions-table">(.*?)</table>', page, re.DOTALL).group(1)
        self.assertIn("wqt_fn_victim", table)
        self.assertNotIn("wqt_fn_hog", table)
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))
        self.assertEqual(data["span"], 400_000_000)

    def test_never_replaces_a_file_that_is_no_page(self):
        before = self.trace.read_bytes()
        done = run("report", self.trace, "--html", self.trace)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"no page of HTML", done.stderr)
        self.assertEqual(self.trace.read_bytes(), before)
        page = self.folder / "p.html"
        for _ in range(2):
            self.assertEqual(run("report", self.trace, "--html", page).returncode, 0)
        self.assertTrue(page.read_text().startswith("<!DOCTYPE html>"))

    def test_of_a_log_there_is_none_but_beside_a_trace_it_is_shown(self):
        cases = SOURCE / "tests/data/cases"
        page, done = page_of(cases / "52-lockup-6.x-callerid-rle/input.txt")
        self.assertEqual((done.returncode, page), (3, ""))
        self.assertIn(b"leave out --html", done.stderr)
        both = self.folder / "both.txt"
        both.write_bytes((cases / "52-lockup-6.x-callerid-rle/input.txt").read_bytes() +
                         (cases / "37-oops-dump-dmesg/input.txt").read_bytes())
        page, done = page_of(both)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('id="log-h"', page)

    def test_refuses_options_of_tables(self):
        for options in (["--format", "json"], ["--by", "pool"], ["--sort", "p99"], ["--top", "3"],
                        ["--hist"], ["--split"]):
            done = run("report", self.trace, "--html", self.folder / "p.html", *options)
            self.assertEqual(done.returncode, 2, options)
            self.assertIn(options[0].encode(), done.stderr)

    def test_tells_where_it_cannot_be_written(self):
        done = run("report", self.trace, "--html", self.folder / "nowhere/p.html")
        self.assertEqual(done.returncode, 74, done.stderr)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([WQPROF, "report", self.trace, "--html", "-"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 74, done.stderr)

    def test_has_the_stacks_of_the_report_where_there_are_any(self):
        self.assertNotIn('id="stacks-table"', page_of(self.trace)[0])
        text = self.folder / "stacked.txt"
        text.write_text(stacked_text.text())
        page, done = page_of(text)
        self.assertEqual(done.returncode, 0, done.stderr)
        table = re.search(r'id="stacks-table">(.*?)</table>', page, re.DOTALL).group(1)
        rows = re.findall(r'<tr[^>]*>(<th scope="row".*?)</tr>', table, re.DOTALL)
        report = json.loads(run("report", text, "--by", "stack", "--format", "json").stdout)["stacks"]
        self.assertEqual(len(rows), len(report))
        self.assertEqual(len(rows), len(stacked_text.PATHS))
        for stack in report:
            # Through this everybody queues.
            first = next(frame for frame in stack["stack"].split(";") if frame != "queue_work_on")
            row, = [row for row in rows if f">{first} " in row]
            values = [int(v) for v in re.findall(r'data-v="(\d+)"', row)]
            latency = stack["latency"]
            for value in (latency["count"], latency["p50_ns"], latency["p99_ns"], latency["max_ns"]):
                self.assertIn(value, values)
        items = re.search(r'id="items-table">(.*?)</table>', page, re.DOTALL).group(1)
        self.assertIn("aio_fsync &lt; io_submit_one", items)

    def test_escapes_names_of_a_hostile_text(self):
        """A task may call itself anything."""
        comm = "<img src=x>'\""
        lines = []
        for i in range(50):
            at = 1 + i / 1000
            lines += [f"  {comm}-77    [000] d..1. {at:.6f}: workqueue_queue_work: work struct=00000000abcd1200 "
                      "function=fn workqueue=wq req_cpu=0 cpu=0",
                      f"  {comm}-77    [000] d..1. {at:.6f}: workqueue_activate_work: work struct 00000000abcd1200",
                      f"  kworker/0:1-9    [000] ..... {at + 0.0005:.6f}: workqueue_execute_start: work struct "
                      "00000000abcd1200: function fn",
                      f"  kworker/0:1-9    [000] ..... {at + 0.0007:.6f}: workqueue_execute_end: work struct "
                      "00000000abcd1200: function fn"]
        text = self.folder / "t.txt"
        text.write_text("\n".join(lines) + "\n")
        page, done = page_of(text)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("&lt;img src=x&gt;&#39;&quot;-77", page)
        self.assertNotIn("<img", page)


if __name__ == "__main__":
    WQPROF = sys.argv[1]
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
