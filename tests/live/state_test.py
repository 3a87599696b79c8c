#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof state` on the running kernel: what executes and what waits is what was made to."""

import json
import os
import pathlib
import subprocess
import time

import jsonschema

import live

SCHEMA = pathlib.Path(__file__).parents[2] / "src/render/schemas/wqprof.state-1.json"
NO_BPF = ["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", "--inh-caps=-all"]


class State(live.Live):
    def state(self, *arguments, wrapper=(), expect=0):
        done = subprocess.run([*wrapper, live.WQPROF, "state", *arguments], capture_output=True,
                              text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def look(self, wrapper=()):
        """The state, read by BPF; skips where that is not in this build."""
        done = self.state("--format", "json", wrapper=wrapper)
        state = json.loads(done.stdout)
        if state["source"]["limited_by"] == "this wqprof was built without BPF":
            self.skipTest("built without BPF")
        self.assertEqual((state["source"]["from"], state["source"]["limited_by"]), ("bpf", None))
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(state)
        return state

    def starve(self, cpu):
        """A real-time task keeps the CPU, once it has queued a work there."""
        load = pathlib.Path(live.PTY_LOAD).with_name("stall_load")
        child = subprocess.Popen([load, str(cpu), "900"])
        self.children.append(child)
        return child

    def look_until(self, found, load, wrapper=()):
        """The first look in which `found` finds something, and that; `load()` is done again and
        again."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            child = load()
            while child.poll() is None:
                state = self.look(wrapper)
                if what := found(state):
                    child.kill()
                    return state, what
        self.fail("it was never seen")

    def test_state_sees_what_waits_and_who_has_the_cpu(self):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            self.skipTest("a CPU to be starved, and one to look from, are not there")
        starved = cpus[-1]

        def waits(state):
            # The kernel goes on while it is read: of a work that was queued after its pool was
            # counted, the pool has nothing active yet.
            held = {row["pool"] for row in state["pools"] if row["active"] and row["on_cpu"] and
                    row["on_cpu"]["comm"] == "stall_load"}
            return [row for row in state["waiting"] if row["function"] == "aio_fsync_work" and
                    row["state"] == "pending" and row["pool"] in held]
        state, rows = self.look_until(waits, lambda: self.starve(starved),
                                      ["taskset", "-c", str(cpus[0])])
        self.assertEqual(rows[0]["pool"], f"cpu{starved}")
        self.assertGreaterEqual(rows[0]["count"], 1)
        self.assertTrue(rows[0]["workqueue"])
        # What does not get on comes first; on a busy host others may be stuck for longer.
        stuck = [row["stuck_ns"] for row in state["pools"] if row["stuck_ns"] is not None]
        self.assertEqual(stuck, sorted(stuck, reverse=True))
        pool = next(row for row in state["pools"] if row["pool"] == f"cpu{starved}")
        self.assertEqual((pool["cpu"], pool["kind"]), (starved, "per-cpu"))
        self.assertEqual(pool["pending"], sum(row["count"] for row in state["waiting"]
                                              if row["pool"] == pool["pool"] and
                                              row["state"] == "pending"))
        self.assertEqual(pool["on_cpu"]["policy"], "rt")
        self.assertEqual(pool["on_cpu"]["prio"], 49)
        self.assertLess(pool["stuck_ns"], 60e9)

    def test_state_sees_what_a_worker_executes_and_where_it_sleeps(self):
        """The end of a network namespace waits for grace periods of RCU, in a work."""
        def load():
            script = "for i in $(seq 40); do unshare -n true; done"
            child = subprocess.Popen(["sh", "-c", script])
            self.children.append(child)
            return child

        def executes(state):
            # It may be woken right then, and its stack is read when all else is known.
            return [row for row in state["workers"] if row["function"] == "cleanup_net" and
                    row["state"] in ("blocked", "sleeping") and
                    "cleanup_net" in " ".join(row["stack"] or ())]
        state, rows = self.look_until(executes, load)
        worker = rows[0]
        self.assertEqual(worker["workqueue"], "netns")
        self.assertTrue(worker["executes"])
        self.assertRegex(worker["comm"], r"^kworker/")
        pool = [row for row in state["pools"] if row["pool"] == worker["pool"]][0]
        self.assertEqual(pool["kind"], "unbound")
        self.assertGreaterEqual(pool["executing"], 1)
        self.assertGreaterEqual(pool["workers"], pool["executing"])

    def test_state_has_all_pools_and_ends_well_under_load(self):
        """Works come and go by the hundred thousand meanwhile."""
        self.load(1000000, 2)
        for _ in range(5):
            state = self.look()
            names = {row["pool"] for row in state["pools"]}
            for cpu in os.sched_getaffinity(0):
                self.assertLessEqual({f"cpu{cpu}", f"cpu{cpu}-hi"}, names)
            self.assertEqual(len(names), len(state["pools"]))
            self.assertFalse(state["source"]["cut"])
            self.assertLess(state["source"]["took_ns"], 1e9)
            self.assertLessEqual({row["pool"] for row in state["waiting"]}, names)

    def test_state_as_text_and_rows(self):
        text = self.state().stdout
        self.assertRegex(text, r"^wqprof state  host ")
        self.assertRegex(text, r"\n(\d+ pools are|1 pool is) idle: ")
        rows = self.state("--format", "csv").stdout.splitlines()
        self.assertTrue(rows[0].startswith("pool,kind,"), rows[0])
        lines = [json.loads(line) for line in self.state("--format", "ndjson").stdout.splitlines()]
        self.assertEqual(lines[0], {"schema": "wqprof.state/1"})
        self.assertIn("pools", {line.get("table") for line in lines})

    def test_state_without_bpf_is_what_proc_shows(self):
        done = self.state("--format", "json", wrapper=NO_BPF)
        state = json.loads(done.stdout)
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(state)
        self.assertEqual(state["source"]["from"], "proc")
        self.assertRegex(state["source"]["limited_by"], "CAP_BPF|built without BPF")
        self.assertIn("only the workers that execute are shown", done.stderr)
        names = {row["pool"] for row in state["pools"]}
        for cpu in os.sched_getaffinity(0):
            self.assertIn(f"cpu{cpu}", names)
        self.assertTrue(all(row["pending"] is None for row in state["pools"]))
        self.state("--strict", wrapper=NO_BPF, expect=3)

    def test_state_without_any_worker_in_sight_fails(self):
        """In a pid namespace of its own nothing is seen of the kernel's threads."""
        done = self.state(wrapper=["unshare", "--pid", "--fork", "--mount-proc"], expect=4)
        self.assertIn("cannot see the workers of the kernel", done.stderr)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    live.main(State)
