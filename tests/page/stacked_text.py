# SPDX-License-Identifier: Apache-2.0
"""A recording as text in which each work is queued in a kernel stack; one waits behind a long execution."""

ENTRY = ["do_syscall_64", "entry_SYSCALL_64_after_hwframe"]
PATHS = {
    "tty_write_work": ["tty_port_queue", "pty_write", "n_tty_write", "file_tty_write.isra.0", "vfs_write",
                       "ksys_write", *ENTRY],
    "fsync_work": ["aio_fsync", "io_submit_one", "__x64_sys_io_submit", *ENTRY],
    "a_function_with_a_name_as_long_as_those_of_some_drivers_are_work": [
        f"a_driver_calls_through_many_layers_that_have_long_names_{i}" for i in range(9)] + ENTRY,
}


def text():
    lines, at = [], 1.0
    line = "  {comm:>16}-{pid:<6} [000] d..2. {at:.6f}: {what}".format

    def event(after, comm, pid, what):
        nonlocal at
        at += after / 1e6
        lines.append(line(comm=comm, pid=pid, at=at, what=what))
    for round_ in range(40):
        queued = []
        for i, (function, path) in enumerate(PATHS.items()):
            work = f"00000000abcd1{i}00"
            event(20, "load", 77, f"workqueue_queue_work: work struct={work} function={function} "
                                  f"workqueue=wq{i} req_cpu=0 cpu=0")
            lines.append(line(comm="load", pid=77, at=at, what="<stack trace>"))
            lines.extend(f" => {frame}" for frame in ["__queue_work", "queue_work_on", *path])
            event(1, "load", 77, f"workqueue_activate_work: work struct {work}")
            queued.append((work, function))
        for work, function in queued:
            event(30, "kworker/0:1", 9, f"workqueue_execute_start: work struct {work}: function {function}")
            event(80_000 if round_ == 20 else 40, "kworker/0:1", 9,
                  f"workqueue_execute_end: work struct {work}: function {function}")
    return "\n".join(lines) + "\n"
