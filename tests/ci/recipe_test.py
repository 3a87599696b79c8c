#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The recipe in packaging/ci works on recordings that exist, and what it leaves is what CI
systems read.

usage: recipe_test.py WQPROF
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RECIPE = ROOT / "packaging/ci/check.sh"
TRACE = ROOT / "tests/data/lab/6.12-cloud/hog/trace.dat"
BUDGETS = ROOT / "tests/golden/budgets"

SCHEMA = pathlib.Path(__file__).resolve().parent / "junit.rng"


def check(arguments, environment=None):
    return subprocess.run([WQPROF, "check", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, **(environment or {})}, check=False, timeout=60)


class Recipe(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.artefacts = pathlib.Path(self.folder.name) / "artefacts"

    def run_recipe(self, budget, *arguments):
        environment = {"PATH": os.environ["PATH"], "WQPROF": WQPROF}
        return subprocess.run(["sh", RECIPE, BUDGETS / budget, self.artefacts, *arguments],
                              capture_output=True, text=True, env=environment, check=False,
                              timeout=60)

    def test_exits_as_the_verdict_and_leaves_artefacts(self):
        for budget, code in (("kept.toml", 0), ("hog.toml", 1), ("wrong.toml", 2),
                             ("typo.toml", 3)):
            with self.subTest(budget=budget):
                done = self.run_recipe(budget, TRACE)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(done.stdout, (self.artefacts / "check.txt").read_text())
                self.assertTrue((self.artefacts / "trace.dat").exists())
        ElementTree.parse(self.artefacts / "junit.xml")

    def test_says_how_it_is_called(self):
        done = subprocess.run(["sh", RECIPE], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage: check.sh BUDGET ARTEFACTS", done.stderr)


class Junit(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "junit.xml"

    def junit(self, budget):
        check(["--budget", BUDGETS / budget, "--junit", self.path, TRACE])
        return ElementTree.parse(self.path).getroot()

    def fits(self):
        return subprocess.run(["xmllint", "--noout", "--relaxng", SCHEMA, self.path],
                              capture_output=True, text=True, check=False)

    def test_is_what_ci_systems_read(self):
        for budget in ("kept.toml", "hog.toml", "typo.toml"):
            with self.subTest(budget=budget):
                self.junit(budget)
                done = self.fits()
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_would_not_pass_with_another_element(self):
        self.junit("hog.toml")
        self.path.write_text(self.path.read_text().replace("failure", "failed"))
        self.assertNotEqual(self.fits().returncode, 0)

    def test_counts_what_is_in_it(self):
        for budget, failures, errors in (("kept.toml", 0, 0), ("hog.toml", 1, 0),
                                         ("typo.toml", 0, 1)):
            with self.subTest(budget=budget):
                root = self.junit(budget)
                suite = root.find("testsuite")
                self.assertEqual(int(suite.get("tests")), len(suite.findall("testcase")))
                self.assertEqual(int(suite.get("failures")), failures)
                self.assertEqual(len(suite.findall("testcase/failure")), failures)
                self.assertEqual(int(suite.get("errors")), errors)
                self.assertEqual(len(suite.findall("testcase/error")), errors)


class Summary(unittest.TestCase):
    def test_is_appended_for_github(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "summary.md"
            path.write_text("before\n")
            done = check(["--budget", BUDGETS / "hog.toml", "--github", TRACE],
                         {"GITHUB_STEP_SUMMARY": str(path)})
            text = path.read_text()
            self.assertTrue(text.startswith("before\n### wqprof check: "), text)
            rows = [line for line in text.splitlines() if line.startswith("| FAIL |")]
            self.assertEqual(len(rows), 1)
            self.assertIn("::error file=", done.stderr)


class Json(unittest.TestCase):
    def test_fits_its_schema(self):
        import jsonschema

        schemas = ROOT / "src/render/schemas"
        for budget in ("kept.toml", "hog.toml", "typo.toml"):
            done = check(["--budget", BUDGETS / budget, "--format", "json", TRACE])
            jsonschema.validate(json.loads(done.stdout),
                                json.loads((schemas / "wqprof.check-1.json").read_text()))
        done = subprocess.run([WQPROF, "diff", "--format", "json", TRACE, TRACE],
                              capture_output=True, text=True, check=False)
        jsonschema.validate(json.loads(done.stdout),
                            json.loads((schemas / "wqprof.diff-1.json").read_text()))

    def test_a_draft_is_kept_by_its_own_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "budget.toml"
            draft = check(["--init", TRACE])
            self.assertEqual(draft.returncode, 0, draft.stderr)
            path.write_text(draft.stdout)
            self.assertEqual(check(["--lint", path]).returncode, 0)
            done = check(["--budget", path, TRACE])
            self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=sys.argv[:1])
