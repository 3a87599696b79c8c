#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/ci/qemu.sh boots a kernel, records a load in it and exits as the budget's verdict.

usage: recipe_test.py WQPROF LOAD CACHE

Exits 77, which CTest knows as skipped, when QEMU or a kernel cannot be had; why is its last line.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import guest_kernel


class Recipe(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.artefacts = pathlib.Path(self.folder.name) / "artefacts"
        self.budget = pathlib.Path(self.folder.name) / "budget.toml"

    def run_recipe(self, limit, environment, *command, files=""):
        self.budget.write_text('schema = 1\n[[budget]]\nname = "terminals"\n'
                               f'function = "flush_to_ldisc"\nlatency.max = "{limit}"\n')
        return subprocess.run([guest_kernel.CI / "qemu.sh", self.budget, self.artefacts, "--",
                               *command],
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
    KERNEL = guest_kernel.fetched(sys.argv[3])
    unittest.main(argv=sys.argv[:1])
