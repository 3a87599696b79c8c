#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of the man pages can be run.

Every command that only reads, in a section EXAMPLES or in a literal block, is run in a folder that has
the recordings which the pages name.  It must do its work: exit with 0, or as its page says with 1 (a
difference, a broken budget) or 3 (the sample holds nothing of the kind).  Behind `$ ` in a literal block
stands a command whose output follows, and is compared.

usage: examples_test.py WQPROF [--update]
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "man").glob("*.scd"))
READS = r"wqprof (?:report|works|stalls|chains|timeline|info|diff|export|check|merge)\b.*"
LITERAL = re.compile(r"(?<=^```\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)
EXAMPLES = re.compile(r"^# EXAMPLES\n(.*?)(?=^# )", re.DOTALL | re.MULTILINE)
SHOWN = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def unescaped(text):
    return re.sub(r"\\(.)", r"\1", text)


def examples(page):
    """The commands of a page, without what scdoc needs around them."""
    text = page.read_text()
    found = [command for block in LITERAL.findall(text)
             for command in re.findall(rf"^{READS}$", block, re.MULTILINE)]
    for section in EXAMPLES.findall(text):
        for line in section.splitlines():
            bold = re.fullmatch(r"\*(.*)\*", line)
            line = bold.group(1) if bold else line.strip().removesuffix("++")
            if re.fullmatch(READS, line):
                found.append(unescaped(line))
    return found


def prepare(folder):
    """The recordings that the pages name."""
    sample = ROOT / "packaging/sample/hog.dat"
    cases = ROOT / "tests/data/cases"
    names = ["wqprof.dat", "trace.dat", "good.dat", "boot.dat", "a.dat", "b.dat", "c.dat", "d.dat"]
    for side in ("base", "new"):
        (folder / side).mkdir()
        names += [f"{side}/{i}.dat" for i in range(1, 6)]
    for name in names:
        shutil.copy(sample, folder / name)
    shutil.copy(cases / "54-lockup-7.x-for-seconds/input.txt", folder / "dmesg.txt")
    shutil.copy(cases / "82-perfetto-traceconv/input.txt", folder / "trace.pftrace")
    shutil.copy(cases / "37-oops-dump-dmesg/input.txt", folder / "panic.log")
    (folder / "bin").mkdir()
    (folder / "bin/wqprof").symlink_to(WQPROF)
    for stub in ("flamegraph.pl", "jq"):
        path = folder / "bin" / stub
        path.write_text("#!/bin/sh\nexec cat\n")
        path.chmod(0o755)
    for side in ("hosts", "old", "new"):
        (folder / side).mkdir(exist_ok=True)
        run(f"wqprof export --to hist-ndjson -o {side}/1.ndjson wqprof.dat", folder)
        # What is in a file counts, not its name.
        shutil.copy(folder / side / "1.ndjson", folder / side / "2.ndjson.zst")
    run("wqprof check --init wqprof.dat > budget.toml", folder)


def run(command, folder):
    environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "TZ": "UTC",
                   "NO_COLOR": "1"}
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment,
                          text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=60)


class Examples(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wqprof-examples-"))
        self.addCleanup(shutil.rmtree, self.folder)
        prepare(self.folder)

    def test_are_there(self):
        for page in PAGES:
            command = page.name.removeprefix("wqprof-").removesuffix(".1.scd")
            if command in ("report", "works", "stalls", "chains", "timeline", "diff", "export",
                           "check", "merge", "info"):
                self.assertTrue(examples(page), page.name)

    def test_can_be_run(self):
        for page in PAGES:
            for command in examples(page):
                with self.subTest(page=page.name, command=command):
                    done = run(command, self.folder)
                    self.assertIn(done.returncode, (0, 1, 3), done.stderr)
                    # 3 for want of such items, never for want of an input.
                    self.assertNotIn("cannot read", done.stderr)

    def test_show_what_the_program_prints(self):
        shown = [(page.name, *example) for page in PAGES
                 for block in LITERAL.findall(page.read_text()) for example in SHOWN.findall(block)]
        self.assertTrue(shown)
        for page, command, output in shown:
            with self.subTest(page=page, command=command):
                self.assertEqual(run(command, self.folder).stdout, output)


def update(folder):
    prepare(folder)
    for page in PAGES:
        def block(match):
            return SHOWN.sub(lambda c: f"$ {c.group(1)}\n{run(c.group(1), folder).stdout}",
                             match.group(0))
        page.write_text(LITERAL.sub(block, page.read_text()))


if __name__ == "__main__":
    WQPROF = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2:] == ["--update"]:
        with tempfile.TemporaryDirectory() as scratch:
            update(pathlib.Path(scratch))
    else:
        unittest.main(argv=sys.argv[:1])
