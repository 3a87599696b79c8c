# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154
#
# Fresh Debian systems in a directory, for the scripts beside this file.  To be sourced; needs root.

# make_chroot SUITE DIRECTORY [PACKAGE...]: the smallest system, and these packages.
make_chroot() {
  suite=$1 root=$2
  shift 2
  [ $# = 0 ] || set -- --include="$(echo "$*" | tr ' ' ,)"
  mmdebstrap --variant=minbase "$@" "$suite" "$root" >"$root.log" 2>&1 </dev/null || {
    tail -n 20 "$root.log" >&2
    echo "$0: there is no chroot of $suite to be had" >&2
    return 4
  }
}

# in_chroot DIRECTORY CMD...: with /proc, /sys and tracefs, which end with CMD.
in_chroot() {
  mkdir -p "$1/proc" "$1/sys"
  # shellcheck disable=SC2016
  unshare --mount --propagation private sh -c '
    mount -t proc proc "$1/proc" && mount -t sysfs sysfs "$1/sys" &&
      mount -t tracefs tracefs "$1/sys/kernel/tracing" && exec chroot "$@"' sh "$@"
}
