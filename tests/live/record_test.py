#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof record` on the running kernel: what it writes, says, and leaves."""

import datetime
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import stat
import subprocess
import time

import live

CLOCKSOURCE = pathlib.Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")


def times_apart(ours, others):
    """By how much the stamps of the same events differ.  Both instances recorded the whole load."""
    def by_worker(starts):
        out = {}
        for worker, at in starts:
            out.setdefault(worker, []).append(at)
        return out
    theirs = by_worker(others)
    return sorted(mine - yours for worker, times in by_worker(ours).items()
                  if len(times) == len(theirs.get(worker, []))
                  for mine, yours in zip(times, theirs[worker]))


class Record(live.Live):
    # --- What it leaves ------------------------------------------------------------------

    def test_record_leaves_a_file_and_nothing_else(self):
        said = self.record("-d", "300ms")
        self.assertRegex(said, rf"(?m)^wrote {self.file}: \d+\.\d s, [\d,]+ events, \d+\.\d MB, "
                               r"lost 0$")
        self.assertEqual(sorted(self.directory.iterdir()), [self.file])
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)

    def test_an_existing_file_becomes_old(self):
        self.record("-d", "50ms")
        first = self.file.read_bytes()
        self.record("-d", "50ms")
        self.assertEqual(sorted(self.directory.iterdir()),
                         [self.file, self.file.with_name("t.dat.old")])
        self.assertEqual(self.file.with_name("t.dat.old").read_bytes(), first)

    def test_a_recording_that_cannot_begin_leaves_the_old_one(self):
        self.record("-d", "50ms")
        first = self.file.read_bytes()
        self.record("--max-size", "1M", expect=2)
        self.record("--", "/no/such/program", expect=2)
        self.assertEqual(list(self.directory.iterdir()), [self.file])
        self.assertEqual(self.file.read_bytes(), first)

    def test_standard_output_takes_no_trace(self):
        done = subprocess.run([live.WQPROF, "record", "-o", "-", "-d", "50ms"], text=True,
                              capture_output=True, cwd=self.directory, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("wqprof stat", done.stderr)
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_a_trace_that_is_being_written_is_not_taken_away(self):
        first = self.start()
        self.wait_until_tracing(first)
        second = self.record("-d", "50ms", expect=2)
        self.assertIn("another wqprof is recording into it", second)
        first.send_signal(signal.SIGINT)
        self.end(first)
        self.assertEqual(sorted(self.directory.iterdir()), [self.file])

    # --- How it ends -----------------------------------------------------------------------

    def end_by(self, number):
        child = self.start()
        self.wait_until_tracing(child)
        self.assertEqual(self.load(2000).wait(), 0)
        child.send_signal(number)
        self.assertIn("wrote", self.end(child))
        self.assertFalse(self.info()["file"]["unfinished"])
        self.assertGreater(self.report()["quality"]["paired_fraction"], 0.99)

    def test_sigint_ends_a_recording_well(self):
        self.end_by(signal.SIGINT)

    def test_sigterm_ends_a_recording_well(self):
        self.end_by(signal.SIGTERM)

    def test_sigquit_ends_a_recording_well(self):
        self.end_by(signal.SIGQUIT)

    def test_what_somebody_else_switches_off_is_told(self):
        for name, value, expected in [("tracing_on", "0", "switched off"),
                                      ("events/workqueue/workqueue_execute_end/enable", "0",
                                       "workqueue_execute_end was disabled"),
                                      ("trace", "", "buffer was cleared")]:
            child = self.start()
            self.wait_until_tracing(child)
            self.assertEqual(self.load(20000).wait(), 0)
            if name == "trace":  # what was read is counted by then
                time.sleep(1.5)
            (live.instances_of(child.pid)[0] / name).write_text(value)
            child.send_signal(signal.SIGINT)
            self.assertIn(expected, self.end(child))
            notes = [row["value"] for row in self.info()["settings"]
                     if row["key"] == "disturbed"]
            self.assertTrue(any(expected in note for note in notes), notes)
            self.assert_inconclusive()

    def test_what_somebody_else_reads_is_missing(self):
        child = self.start()
        self.wait_until_tracing(child)
        self.assertEqual(self.load(2000).wait(), 0)
        for pipe in sorted(live.instances_of(child.pid)[0].glob("per_cpu/cpu*/trace_pipe_raw")):
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            try:
                os.read(reader, 64 << 10)
            except BlockingIOError:
                pass
            os.close(reader)
        child.send_signal(signal.SIGINT)
        self.end(child)
        self.assertGreater(self.report()["quality"]["lost_events"], 0)

    def test_capabilities_do_instead_of_root(self):
        self.directory.chmod(0o777)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             "--inh-caps=+dac_override,+syslog", "--ambient-caps=+dac_override,+syslog",
             live.WQPROF, "record", "-d", "100ms", "-o", self.file], text=True,
            capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(self.info()["trace"]["events"], 0)

    def test_under_sudo_the_file_that_was_written_is_given_away(self):
        secret = self.directory / "secret"
        secret.mkdir()
        (secret / "t.dat").write_text("root's")
        place = self.directory / "place"
        place.mkdir()
        self.file = place / "t.dat"
        child = self.start(env={**os.environ, "SUDO_UID": "65534", "SUDO_GID": "65534"})
        self.wait_until_tracing(child)
        # Events are enabled first, the file comes after.
        self.wait_until(self.file.exists, "no file was made")
        place.rename(self.directory / "moved")
        place.symlink_to(secret)
        child.send_signal(signal.SIGINT)
        child.communicate()
        self.assertEqual((secret / "t.dat").stat().st_uid, 0)
        self.assertEqual((self.directory / "moved/t.dat").stat().st_uid, 65534)

    def test_nobody_is_called_1x(self):
        self.record("-d", "50ms", env={**os.environ, "SUDO_UID": "1x", "SUDO_GID": "1"})
        self.assertEqual(self.file.stat().st_uid, 0)

    def test_sigint_is_obeyed_in_the_background_of_a_shell(self):
        child = self.start(preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.wait_until_tracing(child)
        child.send_signal(signal.SIGINT)
        self.end(child)

    def killed(self, *arguments):
        """A recorder killed while works are queued."""
        child = self.start(*arguments)
        self.wait_until_tracing(child)
        load = self.load(10_000_000, 2)
        # The pages of one CPU at least are beyond the text before them.
        self.wait_until(lambda: sum(path.stat().st_size for path in self.directory.iterdir()) >
                        8 << 20, "nothing was written")
        child.kill()
        child.communicate()
        instances = live.instances_of(child.pid)
        self.assertEqual([live.text(path / "tracing_on") for path in instances],
                         ["0"] * len(instances))
        load.kill()
        info = self.info()
        self.assertTrue(info["file"]["unfinished"])
        self.assertGreater(info["trace"]["events"], 1000)
        report = self.report()
        self.assertGreater(report["quality"]["paired_fraction"], 0.99)
        functions = {row["function"] for row in report["functions"]}
        self.assertIn("flush_to_ldisc", functions)
        self.assertEqual([name for name in functions if name.startswith("0x")], [])
        return child, info["trace"]["events"]

    def test_what_a_killed_recorder_left_is_read_and_then_removed(self):
        child, events = self.killed()
        self.record("-d", "50ms")
        self.assertEqual(live.instances_of(child.pid), [])
        # With the pages in its siblings, it moved away as a whole.
        old = self.file.with_name("t.dat.old")
        self.assertEqual(self.siblings(), [])
        self.assertEqual(self.info(old)["trace"]["events"], events)

    def test_what_a_killed_compressing_recorder_left_is_read(self):
        child, _ = self.killed("--compress", "-b", "1M")
        self.record("-d", "50ms")
        self.assertEqual(live.instances_of(child.pid), [])

    def test_max_size_is_used_and_never_exceeded(self):
        load = self.load(10_000_000, 2)
        said = self.record("--max-size", "20M", "-b", "1M")
        load.kill()
        self.assertIn("--max-size", said)
        self.assertLessEqual(self.file.stat().st_size, 20 << 20)
        self.assertGreater(self.file.stat().st_size, 18 << 20)
        ended = [row["value"] for row in self.info()["settings"] if row["key"] == "ended_by"]
        self.assertEqual(ended, ["max-size"])

    def test_the_command_goes_on_when_max_size_is_reached(self):
        load = self.load(10_000_000, 2)
        done = self.directory / "done"
        said = self.record("--max-size", "12M", "-b", "1M", "--", "sh", "-c",
                           f"sleep 4; touch {done}")
        load.kill()
        self.assertIn("sh exited with code 0", said)
        self.assertTrue(done.exists())

    def test_a_max_size_without_room_for_events_is_told(self):
        said = self.record("--max-size", "100k", expect=2)
        self.assertIn("give it more", said)
        self.assertEqual(list(self.directory.iterdir()), [])

    # --- A command ---------------------------------------------------------------------------

    def test_the_exit_code_of_the_command_is_told(self):
        said = self.record("--", "sh", "-c", "exit 3")
        self.assertRegex(said, r"sh exited with code 3 after \d+\.\d{3} s")

    def test_the_signal_that_ended_the_command_is_told(self):
        said = self.record("sh", "-c", "kill -SEGV $$")
        self.assertIn("sh was ended by signal 11", said)

    def test_a_command_does_not_outlive_the_duration(self):
        began = self.directory / "began"
        said = self.record("-d", "1s", "--", "sh", "-c", f"touch {began}; exec sleep 1000")
        self.assertTrue(began.exists())
        self.assertIn("ended by signal 15", said)
        self.assertIn("wrote", said)

    def test_sigint_ends_the_command_too(self):
        child = self.start("--", "sh", "-c", f"echo $$ > {self.directory}/pid; exec sleep 1000")
        pid = self.directory / "pid"
        self.wait_until(lambda: pid.exists() and pid.read_text().strip(), "no command")
        child.send_signal(signal.SIGINT)
        self.assertIn("ended by signal 15", self.end(child))
        self.assertFalse(os.path.exists(f"/proc/{pid.read_text().strip()}"))

    def test_a_second_sigint_kills_a_command_that_does_not_listen(self):
        ready = self.directory / "ready"
        child = self.start("--", "sh", "-c",
                           f"trap '' TERM INT; touch {ready}; while :; do sleep 1; done")
        self.wait_until(ready.exists, "no command")
        child.send_signal(signal.SIGINT)
        self.wait_until(lambda: [n for n in live.instances_of(child.pid)
                                 if live.text(n / "tracing_on") == "0"], "tracing went on")
        child.send_signal(signal.SIGINT)
        self.assertIn("ended by signal 9", self.end(child))

    def test_a_command_that_is_not_found_changes_nothing(self):
        self.file.write_text("mine")
        said = self.record("--", "no-such-program", expect=2)
        self.assertIn("cannot run no-such-program: No such file", said)
        self.assertEqual([p.read_text() for p in self.directory.iterdir()], ["mine"])

    def test_the_command_keeps_its_own_options_and_streams(self):
        child = self.start("echo", "-n", "hello", "-d")
        out, said = child.communicate(timeout=60)
        self.assertEqual((child.returncode, out), (0, "hello -d"), said)

    # --- What stands in its way ----------------------------------------------------------------

    def mount_small(self, size):
        place = self.directory / "small"
        place.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"no tmpfs can be mounted: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", place], check=True)
        self.file = place / "t.dat"

    def assert_inconclusive(self):
        """A limit that the recording keeps is no pass."""
        budget = self.directory / "b.toml"
        budget.write_text('schema = 1\n[[budget]]\nname = "x"\nlatency.max = "1h"\n',
                          encoding="utf-8")
        done = subprocess.run([live.WQPROF, "check", "--budget", budget, self.file],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)

    def fill_disk(self, size, *arguments):
        self.mount_small(size)
        load = self.load(10_000_000, 2)
        said = self.record(*arguments, expect=74)
        load.kill()
        self.assertIn("the disk is full", said)
        self.assertIn("wrote a part of the recording", said)
        self.assertEqual(sorted(self.file.parent.iterdir()), [self.file])
        self.assertFalse(self.info()["file"]["unfinished"])
        self.assertGreater(self.info()["trace"]["events"], 100_000)
        self.assertTrue(self.info()["file"]["incomplete"])
        done = subprocess.run([live.WQPROF, "report", self.file], capture_output=True, text=True,
                              check=True)
        self.assertRegex(done.stdout, r"(?s)incomplete: .*CPU\s+\d+\s+ends\s+at\s+\+\d+\.\d{6} s")
        self.assert_inconclusive()
        return said

    def test_a_full_disk_leaves_a_whole_trace_of_what_was_written(self):
        self.fill_disk("24M")
        self.assertEqual(live.trace_cmd_count(self.file), self.info()["trace"]["events"])

    def test_a_full_disk_leaves_a_whole_compressed_trace(self):
        self.fill_disk("5M", "--compress")

    def test_a_full_disk_leaves_version_7_where_version_6_needs_too_much(self):
        said = self.fill_disk("24M", "--file-version", "6")
        self.assertIn("no room for version 6", said)
        self.assertEqual(self.info()["file"]["format"], "trace.dat v7")

    def test_a_disk_that_is_full_from_the_start_gets_no_file(self):
        self.mount_small("1M")
        self.assertIn("the disk is full", self.record("-d", "1s", expect=74))
        self.assertEqual(list(self.file.parent.iterdir()), [])

    def test_a_file_size_limit_is_told(self):
        # In units of 1 KiB.
        load = self.load(10_000_000, 2)
        child = subprocess.run(["sh", "-c", 'ulimit -f 12288; exec "$@"', "sh", live.WQPROF,
                                "record", "-o", self.file], capture_output=True, text=True,
                               check=False)
        load.kill()
        self.assertEqual(child.returncode, 74, child.stderr)
        self.assertIn("ulimit -f", child.stderr)
        self.info()

    def test_a_place_that_cannot_be_written_is_told(self):
        for path in ("missing/t.dat", ".", "/dev/null"):
            self.file = self.directory / path
            said = self.record("-d", "1s", expect=2)
            self.assertRegex(said, r"^wqprof: cannot write .*\n.*-o")
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_an_unknown_clock_is_told_with_those_that_exist(self):
        said = self.record("--clock", "sundial", "-d", "1s", expect=2)
        self.assertRegex(said, r"no trace clock 'sundial'\nit has: local global")
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_a_buffer_that_does_not_fit_is_told(self):
        said = self.record("-b", "1000000G", "-d", "1s", expect=4)
        self.assertRegex(said, r"does not fit into memory.*\n.*-b \d+[kM]")
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_without_rights_it_says_what_to_do(self):
        program = self.directory / "wqprof"
        shutil.copy(live.WQPROF, program)
        self.directory.chmod(0o777)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               program, "record", "-o", self.file, "-d", "1s"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("run it with sudo", done.stderr)
        self.assertEqual(list(self.directory.iterdir()), [program])

    def run_apart(self, script):
        """Runs `script PROGRAM FILE` where nobody else sees what it mounts."""
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, live.WQPROF, self.file],
                              capture_output=True, text=True, check=False)
        if "unshare" in done.stderr or "mount" in done.stderr:
            self.skipTest(f"nothing can be mounted or unmounted: {done.stderr.strip()}")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_tracefs_is_mounted_for_the_recording_when_it_is_not(self):
        script = ('umount -a -t tracefs && test ! -e /sys/kernel/tracing/instances && '
                  '"$0" record -q -o "$1" -d 300ms && test ! -e /sys/kernel/tracing/instances')
        self.run_apart(script)
        self.info()

    # --- What it writes ---------------------------------------------------------------------

    def check_counts(self, *arguments):
        """trace-cmd finds the events that we count, and that the kernel counted."""
        said = self.record(*arguments, "--", live.PTY_LOAD, "30000", "2")
        told = int(re.search(r"s, ([\d,]+) events", said).group(1).replace(",", ""))
        self.assertGreater(told, 200_000)
        self.assertEqual(self.info()["trace"]["events"], told)
        self.assertEqual(live.trace_cmd_count(self.file), told)
        report = self.report()
        self.assertEqual(report["quality"]["lost_events"], 0)
        # A work may wait since before the recording, longer than some that came after it.
        begin = report["source"]["begin_ns"]
        done = subprocess.run([live.WQPROF, "works", "--format", "ndjson", self.file],
                              capture_output=True, text=True, check=True)
        works = map(json.loads, done.stdout.splitlines()[1:])
        late = [work for work in works if work["state"] == "unmatched" and
                work.get("started_ns", work.get("ended_ns")) > begin + 100_000_000]
        self.assertEqual(late, [])
        return self.info()

    def test_version_7_holds_the_same_events_for_trace_cmd(self):
        self.assertEqual(self.check_counts()["file"]["format"], "trace.dat v7")

    def test_version_6_holds_the_same_events_for_trace_cmd(self):
        self.assertEqual(self.check_counts("--file-version", "6")["file"]["format"],
                         "trace.dat v6")

    def test_a_compressed_file_holds_the_same_events_for_trace_cmd(self):
        self.assertEqual(self.check_counts("--compress")["file"]["compression"], "zstd")

    def assert_all_functions_are_named(self):
        """By trace-cmd as by us, and with nothing added: an address is where its function begins."""
        symbols = {line.split()[2] for line in
                   pathlib.Path("/proc/kallsyms").read_text(encoding="ascii").splitlines()}
        out = subprocess.run(["trace-cmd", "report", "-i", self.file], capture_output=True,
                             text=True, errors="replace", check=True).stdout
        named = re.findall(r"workqueue_\w+: .*function[= ](\S+)", out)
        self.assertTrue(named)
        theirs = {name.removesuffix("+0x0") for name in named}
        self.assertLessEqual(theirs, symbols)
        done = subprocess.run([live.WQPROF, "works", "--format", "ndjson", self.file],
                              capture_output=True, text=True, check=True)
        works = [json.loads(line) for line in done.stdout.splitlines()[1:]]
        ours = {work["function"] for work in works if "function" in work}
        self.assertLessEqual(ours, theirs)

    def test_a_quiet_second_is_small_and_all_its_functions_have_names(self):
        self.record("-d", "1s")
        # All symbols would take some 5 MB; names of tasks, as many as the machine had, a part of this.
        # How many events a second has is not ours: other tests may boot kernels beside this one.
        events = self.info()["file"]["data_bytes"]
        self.assertLess(self.file.stat().st_size - events, 450 << 10)
        self.assert_all_functions_are_named()

    def test_the_functions_of_a_compressed_file_and_of_version_6_have_names(self):
        for options in ["--compress"], ["--file-version", "6"]:
            self.record(*options, "--", live.PTY_LOAD, "2000")
            self.assert_all_functions_are_named()

    def test_scheduler_and_timer_events_are_in_the_file(self):
        info = self.check_counts()
        names = {event["event"] for event in info["events"]}
        self.assertLessEqual({"sched:sched_switch", "sched:sched_waking", "sched:sched_wakeup",
                              "timer:timer_start"}, names)

    def test_the_leanest_recording_has_works_only(self):
        self.record("--no-sched", "--no-timers", "-d", "50ms")
        self.assertEqual({event["event"].split(":")[0] for event in self.info()["events"]},
                         {"workqueue"})

    def test_only_timers_of_delayed_works_are_recorded(self):
        self.record("-d", "1s")
        functions = subprocess.run(
            ["trace-cmd", "report", "-i", self.file, "-F", "timer_start"], capture_output=True,
            text=True, check=True).stdout
        lines = [line for line in functions.splitlines() if "timer_start" in line]
        self.assertTrue(lines)
        self.assertEqual([line for line in lines if "delayed_work_timer_fn" not in line], [])

    def test_workers_are_named(self):
        self.record("--", live.PTY_LOAD, "20000")
        workers = [w["comm"] for w in self.report()["workers"] if w["executions"] > 100]
        self.assertTrue(workers)
        self.assertEqual([c for c in workers if not re.fullmatch(r"kworker/u?\d+:\d+H?", c)], [])

    def test_a_small_buffer_has_small_sub_buffers(self):
        self.record("-b", "128k", "-d", "50ms")
        self.assertEqual(self.info()["file"]["page_size"], 8192 if (
            live.TRACEFS / "buffer_subbuf_size_kb").exists() else os.sysconf("SC_PAGE_SIZE"))

    def test_nothing_is_lost_at_full_speed(self):
        said = self.record("--", live.PTY_LOAD, "200000", "2")
        self.assertRegex(said, r", lost 0\n")
        self.assertEqual(self.report()["quality"]["lost_events"], 0)

    def test_what_the_buffer_could_not_keep_is_told(self):
        child = self.start("-b", "256k")
        self.wait_until_tracing(child)
        for _ in range(2):
            child.send_signal(signal.SIGSTOP)
            self.assertEqual(self.load(50_000, 2).wait(), 0)
            child.send_signal(signal.SIGCONT)
            self.assertEqual(self.load(20_000, 2).wait(), 0)
        child.send_signal(signal.SIGINT)
        said = self.end(child)
        lost = sum(int(n.replace(",", "")) for n in re.findall(r"lost ([\d,]+) events? on CPU", said))
        self.assertGreater(lost, 10_000)
        self.assertRegex(said, r"-b [1-9]\d*M\n")
        self.assertIn(f"lost {lost:,}\n", said)
        quality = self.report()["quality"]
        # Absent when a page had no room left for the number.
        self.assertIn(quality["lost_events"], (lost, None))
        gaps = sum(int(n) for n in re.findall(r"on CPU \d+ \((\d+) gaps?\)", said))
        self.assertGreater(gaps, 1)
        self.assertEqual(quality["lost_gaps"], gaps)

    # --- Its clock ------------------------------------------------------------------------------

    def clock_with(self, source):
        """The clock that is chosen where the kernel measures time by this clocksource."""
        name = self.directory / "source"
        name.write_text(source + "\n", encoding="ascii")
        script = (f'mount --bind {name} {CLOCKSOURCE} && '
                  '"$0" record -q -o "$1" -d 100ms')
        self.run_apart(script)
        trace = self.info()["trace"]
        noted = [row["value"] for row in self.info()["settings"] if row["key"] == "clock"]
        self.assertEqual(noted, [trace["clock"]])
        return trace["clock"]

    def needs_tsc(self):
        if "x86-tsc" not in live.text(live.TRACEFS / "trace_clock"):
            self.skipTest("there is no clock x86-tsc")

    def test_the_tsc_is_the_clock_where_the_kernel_trusts_it(self):
        self.needs_tsc()
        self.assertEqual(self.clock_with("tsc"), "x86-tsc")
        self.assertEqual(self.clock_with("hpet"), "mono")
        self.assertEqual(self.clock_with("kvm-clock"), "mono")

    def test_without_a_word_the_clock_fits_this_machine(self):
        self.record("-d", "50ms")
        trusted = live.text(CLOCKSOURCE) == "tsc" and "x86-tsc" in live.text(
            live.TRACEFS / "trace_clock")
        self.assertEqual(self.info()["trace"]["clock"], "x86-tsc" if trusted else "mono")

    def starts(self, path):
        """Worker and time of each start of a work that the load queued, by time."""
        done = subprocess.run([live.WQPROF, "works", "--format", "ndjson", path],
                              capture_output=True, text=True, check=True)
        works = [json.loads(line) for line in done.stdout.splitlines()[1:]]
        return sorted(((work["worker_pid"], work["started_ns"]) for work in works
                       if work.get("function") == "flush_to_ldisc" and "started_ns" in work),
                      key=lambda start: start[1])

    def test_cycles_become_the_times_of_mono(self):
        self.needs_tsc()
        other = self.directory / "mono.dat"
        cycles = self.start("--clock", "x86-tsc", "--no-sched", "--no-timers")
        mono = subprocess.Popen([live.WQPROF, "record", "-q", "-o", other, "--clock", "mono",
                                 "--no-sched", "--no-timers"])
        self.children.append(mono)
        for child in cycles, mono:
            self.wait_until_tracing(child)
        for _ in range(5):
            self.assertEqual(self.load(2000).wait(), 0)
            time.sleep(0.3)
        for child in cycles, mono:
            child.send_signal(signal.SIGINT)
        self.end(cycles)
        self.assertEqual(mono.wait(), 0)
        trace = self.info()["trace"]
        self.assertEqual((trace["clock"], trace["clock_is_ns"]), ("x86-tsc", True))
        self.assertLess(trace["clock_error_ns"], 100_000)
        self.assertIsNone(self.info(other)["trace"]["clock_error_ns"])
        # One event is stamped by one instance after the other, in a fraction of a microsecond
        # unless something comes between.
        apart = times_apart(self.starts(self.file), self.starts(other))
        self.assertGreater(len(apart), 1000)
        self.assertLess(-apart[len(apart) // 20], 10_000)
        self.assertLess(apart[-len(apart) // 20], 10_000)
        # Neither has trace-cmd another time, but for its one line.
        said = subprocess.run(["trace-cmd", "report", "-t", "-i", self.file], capture_output=True,
                              text=True, errors="replace", check=True).stdout
        stamp = re.search(r" (\d+)\.(\d{9}): ", said)
        self.assertLess(abs(int(stamp.group(1) + stamp.group(2)) - trace["begin_ns"]),
                        trace["clock_line_error_ns"] + 2)

    def test_what_a_killed_recorder_left_has_the_times_of_mono(self):
        self.needs_tsc()
        self.killed("--clock", "x86-tsc")
        trace = self.info()["trace"]
        self.assertTrue(trace["clock_is_ns"])
        self.assertIsNone(trace["clock_error_ns"])
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.assertLess(now - trace["end_ns"], 60e9)
        self.assertGreater(now, trace["begin_ns"])
        self.record("-d", "50ms")  # removes what it left

    # --- What it says ----------------------------------------------------------------------------

    def test_progress_is_shown_on_a_terminal_only(self):
        self.assertNotIn("\r", self.record("-d", "1200ms"))
        master, slave = pty.openpty()
        child = subprocess.Popen([live.WQPROF, "record", "-o", self.file, "-d", "2200ms"],
                                 stderr=slave, env={**os.environ, "TERM": "xterm"})
        os.close(slave)
        said = b""
        try:
            while chunk := os.read(master, 4096):
                said += chunk
        except OSError:
            pass  # the terminal is gone with its last user
        os.close(master)
        self.assertEqual(child.wait(), 0)
        self.assertRegex(said.decode(), r"\r\x1b\[K1\.\d s, [\d,]+ events")

    def test_quiet_is_quiet_and_verbose_tells_the_cost(self):
        self.assertEqual(self.record("-q", "-d", "100ms"), "")
        self.assertIn("s CPU while recording", self.record("-v", "-d", "100ms"))

    def test_the_file_tells_how_it_was_recorded(self):
        said = self.record("-w", "events*", "--", "sleep", "0.1")
        self.assertIn("all workqueues are recorded", said)
        settings = {}
        for row in self.info()["settings"]:
            settings.setdefault(row["key"], []).append(row["value"])
        self.assertEqual(settings["workqueue_filter"], ["events*"])
        self.assertEqual(settings["command"], ["sleep 0.1"])
        self.assertEqual(settings["ended_by"], ["command"])
        self.assertIn("timer:timer_cancel", settings["left_out"][0])
        self.assertIn(f"next: wqprof report {self.file}", said)

    def test_text_of_the_user_is_no_setting(self):
        forged = "x\nunfinished=1\ndata_cpu=0\ndata_offset=0"
        self.record("-w", forged, "-d", "50ms", "-q")
        self.assertFalse(self.info()["file"]["unfinished"])
        self.assertIn({"key": "workqueue_filter", "value": forged}, self.info()["settings"])

    def test_reports_show_the_workqueues_of_the_recording(self):
        self.record("-w", "no_such_wq*", "--", live.PTY_LOAD, "2000")
        shown = subprocess.run([live.WQPROF, "report", self.file], capture_output=True, text=True,
                               check=False)
        self.assertNotIn("flush_to_ldisc", shown.stdout)
        self.assertIn("no_such_wq*", shown.stdout + shown.stderr)
        every = subprocess.run([live.WQPROF, "report", "-w", "*", self.file], capture_output=True,
                               text=True, check=False)
        self.assertIn("flush_to_ldisc", every.stdout)

    def test_the_wall_clock_and_the_boot_are_noted(self):
        for clock in ["mono", "local", "boot"]:
            before = time.time()
            self.record("--clock", clock, "--", live.PTY_LOAD, "2000")
            trace = self.info()["trace"]
            begin = datetime.datetime.fromisoformat(trace["wall_begin"][:26] + "+00:00")
            self.assertTrue(before - 1 < begin.timestamp() < time.time() + 1, trace)
            self.assertEqual(trace["boot_id"],
                             live.text(pathlib.Path("/proc/sys/kernel/random/boot_id")))


if __name__ == "__main__":
    live.main(Record)
