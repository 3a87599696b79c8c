#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/ci/qemu.sh boots a kernel, records a load in it and exits as the budget's verdict.

usage: recipe_test.py WQPROF LOAD CACHE

Exits 77, which CTest knows as skipped, when QEMU or a kernel cannot be had; why is its last line.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

CI = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging/ci"
FETCH_SECONDS = 100
SKIP = 77


def skip(why):
    print(f"no kernel was booted: {why}")
    sys.exit(SKIP)


def fetched_kernel():
    """(image, directory of its modules) of this machine's suite, fetched where it is not there."""
    tools = [t for t in ("qemu-system-x86_64", "busybox", "cpio") if not shutil.which(t)]
    if tools:
        skip(f"{', '.join(tools)} missing")
    command = [CI / "guest.sh", "--fetch"]
    try:
        done = subprocess.run(command, env={**os.environ, "CACHE": str(CACHE)}, text=True,
                              capture_output=True, timeout=FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        skip(f"its package was not fetched in {FETCH_SECONDS} s")
    if done.returncode == 4:
        skip(done.stderr.strip().splitlines()[-1])
    if done.returncode != 0:
        sys.exit(done.stderr)
    kernel, modules = done.stdout.splitlines()
    return {"KERNEL": kernel, "MODULES": modules}


class Recipe(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.artefacts = pathlib.Path(self.folder.name) / "artefacts"
        self.budget = pathlib.Path(self.folder.name) / "budget.toml"

    def run_recipe(self, limit, environment, *command, files=""):
        self.budget.write_text('schema = 1\n[[budget]]\nname = "terminals"\n'
                               f'function = "flush_to_ldisc"\nlatency.max = "{limit}"\n')
        return subprocess.run([CI / "qemu.sh", self.budget, self.artefacts, "--", *command],
                              env={**os.environ, "WQPROF": WQPROF, "TIMEOUT": "60",
                                   "FILES": files, **environment},
                              capture_output=True, text=True, check=False, timeout=600)

    def verdicts(self):
        suite = ElementTree.parse(self.artefacts / "junit.xml").getroot().find("testsuite")
        return int(suite.get("tests")), int(suite.get("failures"))

    def test_a_kept_budget_passes(self):
        done = self.run_recipe("100s", KERNEL, LOAD, "300")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.verdicts(), (1, 0))
        self.assertIn("1 limit: 1 kept", (self.artefacts / "check.txt").read_text())

    def test_a_broken_budget_fails_and_leaves_its_evidence(self):
        done = self.run_recipe("1ns", {**KERNEL, "RUNS": "2"}, LOAD, "300")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(self.verdicts(), (1, 1))
        self.assertEqual(sorted(p.name for p in self.artefacts.glob("*")),
                         ["check.txt", "console.log", "dmesg.txt", "junit.xml", "output.txt",
                          "run-1.dat", "run-2.dat"])

    def test_a_load_that_fails_is_no_pass(self):
        done = self.run_recipe("100s", KERNEL, "sh", "-c", f"./{pathlib.Path(LOAD).name} 300; exit 7",
                               files=LOAD)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("run 1: exit 7", done.stderr)
        self.assertFalse((self.artefacts / "junit.xml").exists())

    def test_what_does_not_boot_is_no_verdict(self):
        done = self.run_recipe("1ns", {**KERNEL, "KERNEL": "/dev/null"}, LOAD, "300")
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("brought nothing back", done.stderr)
        self.assertFalse((self.artefacts / "junit.xml").exists())


if __name__ == "__main__":
    WQPROF, LOAD = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
    CACHE = pathlib.Path(sys.argv[3])
    KERNEL = fetched_kernel()
    unittest.main(argv=sys.argv[:1])
