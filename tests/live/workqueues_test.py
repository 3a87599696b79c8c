#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How workqueues are set up, as a recording of the running kernel has it."""

import json
import os
import pathlib
import subprocess

import live

DEVICES = pathlib.Path("/sys/devices/virtual/workqueue")


def sysfs_workqueues():
    """What sysfs says of the workqueues that it shows."""
    return {path.parent.name: {
        "unbound": live.text(path.parent / "per_cpu") == "0",
        "max_active": int(live.text(path)),
        "nice": live.text(path.parent / "nice"),
        "affinity_scope": live.text(path.parent / "affinity_scope"),
        "affinity_strict": live.text(path.parent / "affinity_strict"),
    } for path in DEVICES.glob("*/max_active")}


class Workqueues(live.Live):
    def configuration(self, *arguments):
        """The configuration in a new recording; skips where BPF is not in this build."""
        self.record(*(arguments or ("-d", "1s")))
        info = self.info()
        if info["configuration"]["limited_by"] == "this wqprof was built without BPF":
            self.skipTest("built without BPF")
        self.assertEqual((info["configuration"]["source"], info["configuration"]["limited_by"]),
                         ("bpf", None))
        return info

    def named(self, info, name):
        return [row for row in info["workqueues"] if row["workqueue"] == name]

    def test_configuration_agrees_with_sysfs(self):
        info = self.configuration()
        shown = sysfs_workqueues()
        if not shown:
            self.skipTest("no workqueue has WQ_SYSFS here")
        for name, expected in shown.items():
            with self.subTest(workqueue=name):
                rows = [row for row in self.named(info, name) if "WQ_SYSFS" in row["flags"]]
                self.assertEqual(len(rows), 1)
                row = rows[0]
                self.assertEqual("WQ_UNBOUND" in row["flags"], expected["unbound"])
                self.assertEqual(row["max_active"], expected["max_active"])
                if expected["unbound"]:
                    self.assertEqual(str(row["nice"]), expected["nice"])
                    self.assertTrue(row["pool_ids"])
                if expected["affinity_scope"] is not None:
                    scope = expected["affinity_scope"].split()[0]
                    self.assertEqual(row["affinity_scope"], scope)
                    strict = expected["affinity_strict"] == "1"
                    self.assertEqual(row["affinity_strict"], strict)

    def test_configuration_has_the_kernels_own_workqueues(self):
        info = self.configuration()
        kblockd = self.named(info, "kblockd")
        self.assertEqual(len(kblockd), 1)
        self.assertLessEqual({"WQ_MEM_RECLAIM", "WQ_HIGHPRI"}, set(kblockd[0]["flags"]))
        self.assertEqual(kblockd[0]["kind"], "per-cpu")
        rescuer = pathlib.Path(f"/proc/{kblockd[0]['rescuer_pid']}/comm").read_text("utf-8")
        self.assertIn("kblockd", rescuer)
        kinds = {row["kind"] for row in self.named(info, "events")}
        self.assertEqual(kinds, {"per-cpu"})
        self.assertIn("unbound", {row["kind"] for row in self.named(info, "events_unbound")})
        self.assertTrue(any(row["kind"] == "ordered" for row in info["workqueues"]))

    def test_configuration_has_the_pools_of_every_cpu(self):
        info = self.configuration()
        pools = {row["pool"]: row for row in info["worker_pools"]}
        for cpu in os.sched_getaffinity(0):
            self.assertEqual((pools[f"cpu{cpu}"]["cpus"], pools[f"cpu{cpu}"]["nice"]),
                             (str(cpu), 0))
            self.assertEqual(pools[f"cpu{cpu}-hi"]["nice"], -20)
        ids = [row["pool_id"] for row in info["worker_pools"]]
        self.assertEqual(len(ids), len(set(ids)))
        used = {i for row in info["workqueues"] for i in row["pool_ids"]}
        self.assertLessEqual(used, set(ids))

    def test_configuration_counts_what_was_seen(self):
        # For as long as it may take until the first reading, and longer.
        load = "for i in $(seq 20); do \"$0\" 2000 1 && sleep 0.2; done"
        info = self.configuration("--", "sh", "-c", load, live.PTY_LOAD)
        ends = [row["end"]["started"] for row in info["workqueues"]]
        if ends[0] is None:
            self.skipTest("this kernel has no pool_workqueue_stats")
        quality = self.report()["quality"]
        self.assertGreater(quality["counted_starts"], 2000)
        self.assertEqual(quality["lost_events"], 0)
        self.assertEqual(quality["missing_starts"], 0)
        self.assertGreaterEqual(quality["seen_starts"] + 100, quality["counted_starts"])

    def test_configuration_is_there_without_bpf(self):
        """Without the rights sysfs gives what it can, and the file says what was missing."""
        drop = ["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", "--inh-caps=-all"]
        done = subprocess.run([*drop, live.WQPROF, "record", "-d", "200ms", "-o", self.file],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        info = self.info()
        self.assertEqual(info["configuration"]["source"], "sysfs")
        self.assertRegex(info["configuration"]["limited_by"], "CAP_BPF|built without BPF")
        names = {row["workqueue"]: row for row in info["workqueues"]}
        for name, expected in sysfs_workqueues().items():
            self.assertEqual(names[name]["max_active"], expected["max_active"])
            self.assertIsNone(names[name]["flags"])

    def test_configuration_of_stat(self):
        done = subprocess.run([live.WQPROF, "stat", "-d", "1s", "--format", "json"],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        source = json.loads(done.stdout)["source"]
        self.assertIn(source["workqueues_from"], ("bpf", "sysfs"))
        self.assertEqual({row["workqueue"] for row in source["workqueues"]} >=
                         set(sysfs_workqueues()), True)


if __name__ == "__main__":
    live.main(Workqueues)
