# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154
#
# The one list of Debian packages that wqprof needs, and how the scripts beside this file
# install them.  To be sourced.

build_packages="g++ cmake ninja-build pkg-config libabsl-dev libfmt-dev libcli11-dev
  libpugixml-dev libtomlplusplus-dev nlohmann-json3-dev libtracefs-dev libtraceevent-dev
  libzstd-dev libarchive-dev zlib1g-dev libprotozero-dev libsimdjson-dev scdoc"

test_packages="libgtest-dev libgmock-dev python3 python3-jsonschema trace-cmd linux-perf mandoc
  libxml2-utils tidy strace
  codespell apparmor systemd"

# For the BPF program that reads how workqueues are set up; without them it is left out.
bpf_packages="clang bpftool libbpf-dev"

# For the tests that boot kernels in QEMU; they are skipped without these.
kernel_packages="qemu-system-x86 busybox-static cpio make xz-utils libelf1"

# For .ci/run only: the second compiler, sanitizers, format check, a compiler cache, a browser for the
# tests of pages (skipped without it), and what a fleet's lines and metrics are for.
ci_packages="clang libclang-rt-dev clang-format lld ccache chromium chromium-driver python3-selenium zsh
  fish prometheus prometheus-node-exporter clickhouse-server curl"

# For packaging/build-deb.sh, packaging/static.sh (archives that libarchive's needs) and
# packaging/release.sh; for packaging/ci/try-*.sh.
deb_packages="build-essential debhelper dh-apparmor dpkg-dev fakeroot lintian"
static_packages="dpkg-dev xz-utils libbz2-dev liblz4-dev liblzma-dev libelf-dev nettle-dev"
rpm_packages="rpm rpmlint"
chroot_packages="mmdebstrap busybox-static"

# Prints those of the packages named by its arguments that are not installed.
missing_packages() {
  for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" = installed ] || printf ' %s' "$package"
  done
}

# Makes sure that the packages named by its arguments are installed; touches nothing, and
# asks no network, when they are.
install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "$0: this is no Debian system: install by its own means what Debian calls" >&2
    echo "$*," >&2
    echo "then run: cmake -B build && cmake --build build" >&2
    return 1
  fi
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "$0: packages are missing and only root can install them. Run: sudo $0" >&2
    echo "or: sudo apt-get install --no-install-recommends$missing" >&2
    return 1
  fi
  echo "Installing:$missing" >&2
  log=$(mktemp)
  # An unreachable third-party source must not stop us: what matters is the install.
  apt-get -q update >"$log" 2>&1 || true
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends $missing >>"$log" 2>&1 </dev/null || {
    cat "$log" >&2
    rm -f "$log"
    echo "$0: apt-get could not install what the build needs; its own words are above." >&2
    return 1
  }
  rm -f "$log"
}

# The directory for build trees: build/ in the source tree, or a cache directory where the
# source tree cannot be written.
build_root() {
  if mkdir -p "$1/build" 2>/dev/null && [ -w "$1/build" ]; then
    echo "$1/build"
    return
  fi
  if [ "$(id -u)" = 0 ]; then cache=/var/cache; else cache=${XDG_CACHE_HOME:-$HOME/.cache}; fi
  echo "$cache/wqprof/build-$(printf %s "$1" | cksum | cut -d' ' -f1)"
}

# Configures and builds: build PRESET DIRECTORY TARGET [cmake option...].  Says little unless
# it fails or somebody watches.
build() {
  preset=$1 directory=$2 target=$3
  shift 3
  mkdir -p "$directory"
  if ! cmake -S "$source" --preset "$preset" -B "$directory" "$@" >"$directory/configure.log" 2>&1
  then
    cat "$directory/configure.log" >&2
    return 1
  fi
  if [ -t 2 ]; then quiet=; else quiet=--quiet; fi
  # shellcheck disable=SC2086
  cmake --build "$directory" --target $target -- $quiet >&2 || return 1
  # What sudo built belongs to who called it, so that plain cmake works there afterwards.
  [ -z "${SUDO_UID-}" ] || chown -R "$SUDO_UID:${SUDO_GID-}" "$directory"
}

# Lays the committed tree into a new directory; what was unpacked from a release has no git, and
# all of it but the builds is taken.
export_tree() {
  mkdir -p "$1"
  if [ -e "$source/.git" ]; then
    git -C "$source" archive HEAD | tar -x -C "$1"
  else
    tar -C "$source" --exclude './build*' -cf - . | tar -x -C "$1"
  fi
}

# What a build takes for the time: SOURCE_DATE_EPOCH, or the commit's, or the changelog's.
source_date() {
  if [ -n "${SOURCE_DATE_EPOCH-}" ]; then
    echo "$SOURCE_DATE_EPOCH"
  elif [ -e "$source/.git" ]; then
    git -C "$source" log -1 --format=%ct
  else
    date -d "$(sed -n 's/^ -- .*>  //p' "$source/packaging/debian/changelog" | head -n 1)" +%s
  fi
}

# Where packages are built: a compiler cache whose base is the source tree has the objects of one
# build for the others, as they lie as deep in it as those of the tests.
package_directory() {
  root=$(build_root "$source")
  mkdir -p "$root"
  mktemp -d "$root/package.XXXXXX"
}

# With what a tree is compiled for packages, as debian/rules has it: no path of this machine is in
# the objects, and nothing for debuggers, which would take twice the time.
package_flags() {
  (
    cd "$1" || exit
    export DEB_BUILD_MAINT_OPTIONS=hardening=+all DEB_CXXFLAGS_MAINT_STRIP=-g
    echo "$(dpkg-buildflags --get CXXFLAGS) $(dpkg-buildflags --get CPPFLAGS)"
  )
}
