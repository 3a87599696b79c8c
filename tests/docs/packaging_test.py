#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the packages say agrees with the tree: versions, build dependencies, installed files.

usage: packaging_test.py BUILD_DIRECTORY
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def words_of(variable):
    text = (ROOT / "packaging/deps.sh").read_text()
    return set(re.search(rf'^{variable}="([^"]*)"', text, re.MULTILINE).group(1).split())


class Packages(unittest.TestCase):
    def test_have_the_version_of_the_program(self):
        done = subprocess.run([ROOT / "packaging/version.sh"], capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        wrong = subprocess.run([ROOT / "packaging/version.sh", "99.0"], capture_output=True,
                               text=True, check=False)
        self.assertEqual(wrong.returncode, 1)
        self.assertEqual(len(wrong.stderr.splitlines()), 4)

    def test_need_what_the_build_needs(self):
        control = (ROOT / "packaging/debian/control").read_text()
        field = re.search(r"^Build-Depends:\n((?: .*\n)+)", control, re.MULTILINE).group(1)
        names = {re.sub(r"[ (].*", "", line.strip().rstrip(",")) for line in field.splitlines()}
        self.assertEqual(names - {"debhelper-compat", "dh-apparmor"},
                         words_of("build_packages") | words_of("bpf_packages"))

    def test_are_compiled_with_the_same_flags(self):
        """As else each would be compiled anew in CI, which takes too long."""
        rules = (ROOT / "packaging/debian/rules").read_text()
        flags = set(re.findall(r"^export (DEB_\w+) = (\S+)$", rules, re.MULTILINE))
        exported = re.search(r"^    export (DEB_.*)$", (ROOT / "packaging/deps.sh").read_text(),
                             re.MULTILINE).group(1)
        self.assertEqual({tuple(word.split("=", 1)) for word in exported.split()}, flags)

    def test_have_units_that_may_do_little(self):
        """By systemd's own measure, from 0 (nothing) to 10 (all that root may)."""
        for unit in sorted((ROOT / "packaging/systemd").glob("*.service")):
            with self.subTest(unit=unit.name):
                done = subprocess.run(["systemd-analyze", "security", "--offline=yes",
                                       "--threshold=15", "--no-pager", unit],
                                      capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("Overall exposure level", done.stdout)
                # It hides /proc/kallsyms, and with that the names of functions.
                self.assertNotIn("\nProtectKernelTunables=yes", unit.read_text())

    def test_have_a_drop_in_that_gives_the_recorder_what_stacks_take(self):
        needed = ["CapabilityBoundingSet=~CAP_SYS_ADMIN", "CapabilityBoundingSet=~CAP_SYS_PTRACE",
                  "SystemCallFilter=~@debug"]
        source = ROOT / "packaging/systemd"
        with tempfile.TemporaryDirectory() as root:
            units = pathlib.Path(root) / "etc/systemd/system"
            extra = units / "wqprof-watch.service.d"
            extra.mkdir(parents=True)

            def granted():
                done = subprocess.run(["systemd-analyze", "security", "--offline=yes", f"--root={root}",
                                       "--json=short", "wqprof-watch.service"],
                                      capture_output=True, text=True, check=True)
                self.assertEqual(done.stderr, "")
                refused = {row["name"]: row["set"] for row in json.loads(done.stdout)}
                return [name for name in needed if not refused[name]]
            shutil.copy(source / "wqprof-watch.service", units)
            self.assertEqual(granted(), [])
            shutil.copy(source / "wqprof-watch-stacks.conf", extra)
            self.assertEqual(granted(), needed)

    def test_have_an_apparmor_profile_that_can_be_parsed(self):
        profile = ROOT / "packaging/apparmor/usr.bin.wqprof"
        with tempfile.TemporaryDirectory() as folder:
            for text, code in ((profile.read_text(), 0),
                               (profile.read_text().replace("flags=(complain)", ""), 0),
                               (profile.read_text().replace("capability syslog", "capability x"), 1)):
                copy = pathlib.Path(folder) / "usr.bin.wqprof"
                copy.write_text(text)
                done = subprocess.run(["apparmor_parser", "-QTK", copy], capture_output=True,
                                      text=True, check=False)
                self.assertEqual(done.returncode, code, done.stderr)

    def test_hold_every_file_that_is_installed(self):
        """In the .deb's lists by folder, in the .rpm's by folder or pattern."""
        with tempfile.TemporaryDirectory() as root:
            environment = {**os.environ, "DESTDIR": root}
            subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr"], check=True,
                           env=environment, stdout=subprocess.DEVNULL)
            files = {str(path.relative_to(root)) for path in pathlib.Path(root).rglob("*")
                     if path.is_file()}
            subprocess.run(["cmake", "-P", ROOT / "packaging/uninstall.cmake"], check=True,
                           cwd=BUILD, env=environment, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            left = [path for path in pathlib.Path(root).rglob("*") if path.is_file()]
            self.assertEqual(left, [])
            self.assertFalse((pathlib.Path(root) / "usr/share/wqprof").exists())
        self.assertIn("usr/bin/wqprof", files)
        deb = [line.split()[0] for name in ("wqprof.install", "wqprof-doc.install", "not-installed")
               for line in (ROOT / "packaging/debian" / name).read_text().splitlines()
               if not line.startswith("#")] + ["usr/share/doc/wqprof/LICENSE"]
        self.assertEqual([f for f in files if not any(f.startswith(d) for d in deb)], [])
        spec = (ROOT / "packaging/rpm/wqprof.spec").read_text().split("%files\n")[1]
        rpm = [line.split()[-1].lstrip("/").rstrip("*") for line in spec.split("\n\n")[0].splitlines()]
        self.assertEqual([f for f in files if not any(f.startswith(r) for r in rpm)], [])


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1])
