#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The AppArmor profile, enforced by a kernel in QEMU, lets wqprof work and stops all else.

usage: apparmor_test.py WQPROF CACHE

Exits 77, which CTest knows as skipped, when QEMU or a kernel cannot be had; why is its last line.
"""

import pathlib
import shutil
import subprocess
import sys
import unittest

import guest_kernel

HERE = pathlib.Path(__file__).resolve().parent
PROFILE = HERE.parent.parent / "packaging/apparmor/usr.bin.wqprof"
# What the kernel can mediate; this machine's may not have AppArmor at all.
FEATURES = "/etc/apparmor.d/abi/3.0"
# What each command of guest/confined.sh prints when it did its work.
WORKS = {"label": "wqprof (enforce)\nunconfined\n", "record": "", "again": "",
         "report": "What stands out", "works": "LATENCY", "page": "", "pipe": "What stands out",
         "stat": "What stands out", "top": "wqprof top", "doctor": "This machine can record",
         "user": " a.dat.old\n", "watch": "", "snapshot": ""}
FORBIDDEN = {"elsewhere": 'name="/etc/a.dat.new"', "shadow": 'name="/etc/shadow"',
             "module": 'capname="sys_module"'}


def compiled_policy(folder):
    """The profile as the kernel takes it, without its flag to complain only."""
    text = PROFILE.read_text()
    assert text.count(" flags=(complain)") == 1
    profile, policy = folder / "usr.bin.wqprof", folder / "policy"
    profile.write_text(text.replace(" flags=(complain)", ""))
    subprocess.run(["apparmor_parser", "-QTK", "-M", FEATURES, "-o", policy, profile], check=True)
    return policy


class Profile(guest_kernel.Guest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boot(HERE / "guest/confined.sh", KERNEL, [WQPROF, compiled_policy(cls.folder)], CPUS="1")

    def test_lets_each_command_do_its_work(self):
        for command, words in WORKS.items():
            with self.subTest(command=command):
                self.assertEqual(self.left(command, "exit"), "0\n", self.left(command, "stderr"))
                self.assertIn(words, self.left(command, "stdout"))
                self.assertEqual(self.left(command, "denied"), "")

    def test_refuses_what_wqprof_does_not_do(self):
        for command, denied in FORBIDDEN.items():
            with self.subTest(command=command):
                self.assertNotEqual(self.left(command, "exit"), "0\n")
                self.assertIn(denied, self.left(command, "denied"))
        self.assertEqual(self.left("shadow", "holds"), "before\n")


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    if not shutil.which("apparmor_parser"):
        guest_kernel.skip("apparmor_parser missing")
    KERNEL = guest_kernel.fetched(sys.argv[2])
    unittest.main(argv=sys.argv[:1])
