#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof doctor` on the running kernel."""

import json
import os
import pathlib
import shutil
import subprocess

import live


def doctor(*prefix, program=None):
    return subprocess.run([*prefix, program or live.WQPROF, "doctor", "--format", "json"],
                          capture_output=True, text=True, check=False)


def checks(done):
    return {check["check"]: check for check in json.loads(done.stdout)["checks"]}


class Doctor(live.Live):
    def test_doctor_finds_that_this_machine_can_record(self):
        done = doctor()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(json.loads(done.stdout)["summary"]["can_record"])
        found = checks(done)
        self.assertEqual(found["self-test"]["status"], "ok", found["self-test"])
        self.assertNotIn("fail", [check["status"] for check in found.values()])

    def test_doctor_says_what_flushes_and_stacks_take(self):
        found = checks(doctor())
        refused = "the kernel refuses BPF programs at its functions (fentry)"
        flushes = found["flushes"]
        if flushes["status"] == "warn" and "no fentry" in flushes["finding"]:
            self.assertIn("lower bounds of flush_work and cancel_work_sync only, by events: ",
                          flushes["finding"])
            if os.environ.get("WQPROF_REQUIRE_LIVE") == "1":
                self.assertIn(refused, flushes["finding"])
        else:
            self.assertIn("flush_work", flushes["finding"])
        stacks = found["stacks of who queues"]
        self.assertEqual((stacks["status"], stacks["finding"]),
                         ("ok", "the kernel takes them (--stacks)"))
        self.assertEqual(found["stacks of what holds a pool"]["status"], "ok")

    def test_doctor_says_which_rights_stacks_take(self):
        # With tracefs as it is, but without the rights to look at other tasks and at CPUs.
        found = checks(doctor("setpriv", "--bounding-set=-sys_admin,-perfmon",
                              "--inh-caps=-sys_admin,-perfmon"))
        stacks = found["stacks of what holds a pool"]
        self.assertEqual(stacks["status"], "warn")
        self.assertIn("of tasks that sleep: the kernel shows stacks of sleeping tasks only with "
                      "CAP_SYS_ADMIN", stacks["finding"])
        self.assertIn("CAP_PERFMON", stacks["finding"])

    def test_doctor_removes_instances_of_dead_recorders_only(self):
        child = subprocess.Popen(["true"])
        child.wait()
        instances = live.TRACEFS / "instances"
        dead = instances / f"wqprof-{child.pid}-1"
        start = pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        alive = instances / f"wqprof-{os.getpid()}-{start}"
        other = instances / "wqprof-of-somebody"
        for path in (dead, alive, other):
            path.mkdir()
            self.addCleanup(lambda path=path: path.exists() and path.rmdir())
        found = checks(doctor())
        self.assertIn(dead.name, found["leftovers"]["finding"])
        self.assertEqual([path.exists() for path in (dead, alive, other)], [False, True, True])

    def test_doctor_tells_of_an_instance_that_cannot_be_removed(self):
        child = subprocess.Popen(["true"])
        child.wait()
        dead = live.TRACEFS / "instances" / f"wqprof-{child.pid}-1"
        dead.mkdir()
        self.addCleanup(dead.rmdir)
        with open(dead / "trace_pipe"):
            found = checks(doctor())
        self.assertEqual(found["leftovers"]["status"], "warn")
        self.assertIn(f"rmdir {dead}", found["leftovers"]["repair"])

    def test_doctor_prints_a_line_for_the_boot(self):
        done = subprocess.run([live.WQPROF, "doctor", "--boot"], capture_output=True, text=True,
                              check=True)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        words = dict(word.split("=") for word in done.stdout.split())
        self.assertEqual(words["trace_event"], "workqueue:*")
        clocks = (live.TRACEFS / "trace_clock").read_text().replace("[", "").replace("]", "")
        self.assertIn(words["trace_clock"], clocks.split())
        self.assertIn("record --attach", done.stderr)
        done = subprocess.run([live.WQPROF, "doctor", "--boot", "--json"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 2)

    def test_doctor_tells_those_without_rights_to_use_root(self):
        program = self.directory / "wqprof"
        shutil.copy(live.WQPROF, program)
        self.directory.chmod(0o755)
        done = doctor("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                      program=program)
        self.assertEqual(done.returncode, 4)
        found = checks(done)
        self.assertEqual(found["tracefs"]["status"], "fail")
        self.assertIn("sudo", found["tracefs"]["repair"])


if __name__ == "__main__":
    live.main(Doctor)
