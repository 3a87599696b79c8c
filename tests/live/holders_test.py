#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kernel stacks of what holds a pool, taken by stat, top and watch while it goes on."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import live
import top_test

UNITS = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging/systemd"
NO_ADMIN = ["setpriv", "--bounding-set=-sys_admin,-perfmon", "--inh-caps=-all"]


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Holders(live.Live):
    def stat(self, *arguments, wrapper=()):
        child = subprocess.Popen([*wrapper, live.WQPROF, "stat", *arguments],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        self.wait_until_tracing(child)
        return child

    def ended(self, child):
        child.send_signal(signal.SIGINT)
        out, said = child.communicate(timeout=120)
        self.assertEqual(child.returncode, 0, said)
        return out, said

    def load_beside(self, name):
        return pathlib.Path(live.PTY_LOAD).with_name(name)

    def asleep(self):
        """A worker sleeps in a work from here to the end of the test: a loop device writes to a file
        of a file system that is frozen.  Returns how to thaw it."""
        place = self.directory / "frozen"
        place.mkdir()
        tool("mount", "-t", "tmpfs", "none", place)
        self.addCleanup(tool, "umount", place)
        image, inner = place / "image", place / "fs"
        with image.open("wb") as file:
            file.truncate(64 << 20)
        tool("mkfs.ext4", "-q", image)
        inner.mkdir()
        tool("mount", "-o", "loop", image, inner)
        self.addCleanup(tool, "umount", inner)
        with (inner / "file").open("wb") as file:
            file.truncate(8 << 20)
        device = tool("losetup", "-f", "--show", inner / "file")
        self.addCleanup(tool, "losetup", "-d", device)
        tool("fsfreeze", "-f", inner)
        writer = subprocess.Popen(["dd", "if=/dev/zero", f"of={device}", "bs=4k", "count=1",
                                   "oflag=direct"], stderr=subprocess.DEVNULL)

        def thaw():
            if writer.poll() is None:
                subprocess.run(["fsfreeze", "-u", inner], check=False)
            writer.wait(timeout=60)
        self.addCleanup(thaw)
        return thaw

    def check_asleep(self, row):
        self.assertRegex(row["comm"], r"^kworker/")
        self.assertEqual((row["state"], row["why_not"]), ("blocked", None), row)
        self.assertRegex(row["workqueue"], r"^loop\d")
        self.assertRegex(" ".join(row["stack"]), r"\bloop_\w+")
        self.assertGreater(row["at_ns"], row["begin_ns"])
        self.assertGreaterEqual(row["last_ns"], row["at_ns"])

    def test_stat_shows_where_a_worker_sleeps(self):
        child = self.stat("-q", "--format", "json")
        thaw = self.asleep()
        time.sleep(3)
        thaw()
        report = json.loads(self.ended(child)[0])
        rows = [r for r in report["holder_stacks"] if (r["function"] or "").startswith("loop_")]
        self.assertTrue(rows, report["holder_stacks"])
        self.check_asleep(rows[0])
        self.assertGreaterEqual(rows[0]["looks"], 2, "it was looked at again")
        self.assertLessEqual(len(rows), 4)

    def sampled(self, entries):
        """What `stat` says while the kernel frees so many entries: how long that took, and stacks."""
        child = self.stat("-q", "--format", "json")
        subprocess.run([self.load_beside("hog_load"), str(entries), "2500"], check=True, timeout=120)
        perf = [os.readlink(fd) for fd in pathlib.Path(f"/proc/{child.pid}/fd").iterdir()]
        self.assertFalse([name for name in perf if "perf_event" in name], "closed as soon as done")
        report = json.loads(self.ended(child)[0])
        longest = max((f["execution"]["max_ns"] for f in report["functions"]
                       if f["function"] == "bpf_map_free_deferred"), default=0)
        return longest, [r for r in report["holder_stacks"]
                         if r["function"] == "bpf_map_free_deferred"]

    def test_stat_samples_a_worker_that_runs(self):
        # What is over before its events are read has no stack: some machines free faster.
        for entries in 700_000, 2_000_000, 5_000_000:
            longest, rows = self.sampled(entries)
            if rows or longest > 1_500_000_000:
                break
        self.assertTrue(rows, longest)
        self.assertEqual(rows[0]["state"], "on_cpu", rows)
        self.assertGreater(rows[0]["samples"], 0)
        self.assertGreater(rows[0]["samples_alike"], 0)
        self.assertRegex(" ".join(rows[0]["stack"]), r"\bbpf_map_free_deferred\b")

    def test_stat_says_that_a_task_with_the_cpu_runs_in_user_space(self):
        cpu = max(os.sched_getaffinity(0))
        child = self.stat("-q", "--format", "json")
        os.sched_setaffinity(child.pid, os.sched_getaffinity(0) - {cpu} or {cpu})
        for time_of_it in ("1", "900"):
            subprocess.run([self.load_beside("stall_load"), str(cpu), time_of_it], check=True,
                           timeout=60)
            time.sleep(0.5)
        report = json.loads(self.ended(child)[0])
        stalls = [s for s in report["stalls"] if s["pool"] == f"cpu{cpu}" and s["holder_stacks"]]
        self.assertTrue(stalls, (report["stalls"], report["holder_stacks"]))
        rows = [r for s in stalls for r in s["holder_stacks"] if r["comm"] == "stall_load"]
        self.assertTrue(rows, stalls)
        self.assertEqual((rows[-1]["function"], rows[-1]["state"]), (None, "on_cpu"))
        self.assertTrue(rows[-1]["in_user_space"], rows)
        self.assertEqual(rows[-1]["stack"], [])
        findings = [f for f in report["findings"] if f["pool"] == f"cpu{cpu}"]
        self.assertTrue(any(f["holder_stacks"] for f in findings), findings)

    def test_stat_says_once_that_stacks_may_not_be_read(self):
        child = self.stat("-q", wrapper=NO_ADMIN)
        thaw = self.asleep()
        time.sleep(3)
        thaw()
        out, _ = self.ended(child)
        self.assertEqual(out.count("only with CAP_SYS_ADMIN"), 1, out)

    def capabilities_of(self, *units):
        """As the service has them: a user of its own with those that systemd gives it."""
        lines = [line for unit in units for line in (UNITS / unit).read_text().splitlines()]

        def named(setting):
            return {word.removeprefix("CAP_").lower() for line in lines
                    if line.startswith(setting + "=") for word in line.split("=")[1].split()}
        self.assertEqual(named("AmbientCapabilities"), named("CapabilityBoundingSet"))
        given = ",".join("+" + name for name in sorted(named("AmbientCapabilities")))
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                f"--inh-caps={given}", f"--ambient-caps={given}"]

    def why_not_as(self, wrapper):
        """What keeps a recorder with these rights from the stack of a worker that sleeps."""
        child = self.stat("-q", "--format", "json", wrapper=wrapper)
        thaw = self.asleep()
        time.sleep(3)
        thaw()
        rows = json.loads(self.ended(child)[0])["holder_stacks"]
        return {r["why_not"] for r in rows if (r["function"] or "").startswith("loop_")}

    def test_the_service_says_why_it_takes_no_stacks(self):
        why = self.why_not_as(self.capabilities_of("wqprof-watch.service"))
        self.assertEqual(why, {"the kernel shows stacks of sleeping tasks only with CAP_SYS_ADMIN"})

    def test_the_service_takes_stacks_with_its_drop_in(self):
        wrapper = self.capabilities_of("wqprof-watch.service", "wqprof-watch-stacks.conf")
        self.assertEqual(self.why_not_as(wrapper), {None})

    def test_a_user_of_its_own_needs_one_capability_more(self):
        wrapper = [word.replace(",+sys_ptrace", "") for word in
                   self.capabilities_of("wqprof-watch.service", "wqprof-watch-stacks.conf")]
        self.assertIn("CAP_SYS_PTRACE", "".join(map(str, self.why_not_as(wrapper))))

    def test_watch_keeps_stacks_in_its_file(self):
        said, found = self.directory / "said", self.directory / "found"
        with said.open("w", encoding="utf-8") as file:
            child = subprocess.Popen([live.WQPROF, "watch", "-o", found, "--after", "1500ms",
                                      "--count", "1", "--on", "execution > 300ms, workqueue=loop*"],
                                     stderr=file)
        self.children.append(child)
        self.wait_until_tracing(child)
        thaw = self.asleep()
        child.wait(timeout=60)
        thaw()
        self.assertRegex(said.read_text(), r"stack taken while it goes on: kworker/\S+\[\d+\], "
                                           r"executing loop_\w+, slept at \w+ < ")
        path = next(found.iterdir())
        info = self.info(path)
        rows = [r for r in info["holder_stacks"] if (r["function"] or "").startswith("loop_")]
        self.assertTrue(rows, info["holder_stacks"])
        self.check_asleep(rows[0])
        self.assertEqual(self.report(path)["holder_stacks"], info["holder_stacks"])
        text = subprocess.run([live.WQPROF, "info", path], capture_output=True, text=True,
                              check=True).stdout
        self.assertIn("Stacks of what held pools", text)
        self.assertGreater(live.trace_cmd_count(path), 0, "trace-cmd takes no offence")

    def test_top_shows_the_stack_of_a_worker(self):
        terminal = top_test.Terminal(120, 30, ["-I", "300ms", "-w", "loop*"])
        self.children.append(terminal.child)
        self.addCleanup(os.close, terminal.master)
        self.addCleanup(os.close, terminal.slave)
        self.wait_until_tracing(terminal.child)
        self.asleep()

        def shown(words, keys=""):
            terminal.press(keys)

            def seen():
                terminal.read()
                return re.search(words, terminal.text())
            self.wait_until(seen, f"never shown: {words}; but\n{terminal.text()}")
        shown(r"\[workers by cpu\]", "w")
        shown(r"\[workers by running_for\]", "sss")
        shown(r"kworker/\S+ .*loop_\w+")
        shown("stack taken while it goes on: kworker/", "\r")
        terminal.press("q")
        self.assertEqual(terminal.child.wait(timeout=60), 0)


if __name__ == "__main__":
    live.main(Holders)
