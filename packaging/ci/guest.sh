#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Boots a kernel in QEMU, runs CMD there as root, and brings back what CMD leaves in /out.  Needs
# no KVM and no rights; its exit code is CMD's, or 4 when the kernel did not boot.
#
# usage: guest.sh RESULTS -- CMD...
#        guest.sh --fetch            fetches only; prints KERNEL and MODULES, a line each
# environment:
#   KERNEL, MODULES   the kernel's image, and the directory that holds its modules.  Without them:
#   PACKAGE           a Debian package, fetched through apt (default: linux-image-cloud-amd64)
#   CACHE             where fetched kernels stay (default: ~/.cache/wqprof/kernels)
#   FILES             files and programs for the guest, besides CMD's first word when that is a file;
#                     they lie in the directory in which CMD starts, which is in its PATH, too
#   CPUS, MEMORY      of the guest (2, and 1536 MiB)
#   TIMEOUT           seconds for one boot (300)
#   QEMU_CPU          how QEMU runs the CPUs, as its options.  By default in virtual time (-icount),
#                     in which a busy host does not show, where the kernel can be started so
set -eu

die() {
  echo "guest.sh: $1" >&2
  exit "${2-4}"
}
usage() {
  sed -n 's/^# \(usage:\|       guest.sh\)/\1/p' "$0" >&2
  exit 2
}

for tool in qemu-system-x86_64 busybox cpio; do
  command -v "$tool" >/dev/null ||
    die "$tool is missing. Run: apt-get install qemu-system-x86 busybox-static cpio"
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Unpacks the newest image that PACKAGE stands for; it is fetched once.
fetch() {
  package=${PACKAGE-linux-image-cloud-amd64}
  depends=$(apt-cache depends --no-recommends --no-suggests "$package" 2>/dev/null |
    sed -n 's/^ *Depends: \(linux-\(image\|binary\|modules\)-[0-9].*\)/\1/p')
  packages=${depends:-$package}
  # Some kernels are packaged as an image that depends on its binary and its modules.
  for name in $packages; do
    packages="$packages $(apt-cache depends "$name" 2>/dev/null |
      sed -n 's/^ *Depends: \(linux-\(base\|binary\|modules\)-[0-9].*\)/\1/p')"
  done
  cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/wqprof/kernels}
  MODULES=$cache/${packages%% *}
  if [ ! -e "$MODULES/complete" ]; then
    mkdir -p "$MODULES"
    # shellcheck disable=SC2086
    (cd "$scratch" && apt-get -q download $packages >"$scratch/apt" 2>&1) || {
      cat "$scratch/apt" >&2
      die "apt cannot fetch $package. Run apt-get update, or set KERNEL and MODULES"
    }
    for archive in "$scratch"/*.deb; do dpkg-deb -x "$archive" "$MODULES"; done
    rm -f "$scratch"/*.deb
    touch "$MODULES/complete"
  fi
  KERNEL=$(find "$MODULES" -name 'vmlinuz*' | head -n 1)
}

# Copies a file into the guest's directory, a program with the libraries that it needs.
add_file() {
  cp -L "$1" "$root/files/"
  for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
    case $library in
      */ld-linux*) cp -L "$library" "$root/lib64/" ;;
      *) cp -L "$library" "$root/lib/" ;;
    esac
  done
}

add_module() {
  file=$(find "$MODULES" -name "$1.ko" -o -name "$1.ko.*" | head -n 1)
  case $file in
    '') ;; # built in, or unknown to this kernel
    *.xz) xz -dc "$file" >"$root/lib/modules/$1.ko" ;;
    *.zst) zstd -qdc "$file" >"$root/lib/modules/$1.ko" ;;
    *.gz) gzip -dc "$file" >"$root/lib/modules/$1.ko" ;;
    *) cp "$file" "$root/lib/modules/" ;;
  esac
}

quoted() {
  for word in "$@"; do printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"; done
}

make_initrd() {
  root=$scratch/root
  mkdir -p "$root/bin" "$root/lib/modules" "$root/lib64" "$root/files" "$root/proc" "$root/sys" \
    "$root/dev" "$root/tmp" "$root/out" "$root/etc"
  cp "$(command -v busybox)" "$root/bin/busybox"
  for module in $drivers; do add_module "$module"; done
  if [ -f "$1" ]; then
    add_file "$1"
    program=./$(basename "$1")
    shift
    set -- "$program" "$@"
  fi
  for file in ${FILES-}; do add_file "$file"; done
  quoted "$@" >"$root/command"
  cat >"$root/init" <<INIT
#!/bin/busybox sh
export PATH=/files:/bin LD_LIBRARY_PATH=/lib HOME=/tmp
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev || mdev -s
mkdir -p /dev/pts
mount -t devpts none /dev/pts
mount -t tmpfs -o size=80% none /tmp
mount -t tmpfs -o size=80% none /out
echo 1 >/proc/sys/kernel/printk      # a slow console would be a part of the load
# Which of them needs which differs between kernels.
for pass in 1 2 3; do
  for module in $drivers; do insmod /lib/modules/\$module.ko; done
done 2>/dev/null
mount -t tracefs none /sys/kernel/tracing
mount -t debugfs none /sys/kernel/debug
cd /files
{ sh /command; echo \$? >/out/exit; } 2>&1 | tee /out/output.txt
dmesg >/out/dmesg.txt
tar cf /dev/vda -C /out .
sync
poweroff -f
INIT
  chmod +x "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1) >"$scratch/initrd.gz"
}

# Exact and repeatable, but the boot processor of a kernel that starts the others one by one waits
# for them in a loop that leaves them no virtual time.
virtual_time="-accel tcg,thread=single -icount shift=1,sleep=off"
# On threads of their own, CPUs may go on executing what another one has patched: where tracepoints
# of softirqs are switched on and off, the guest hung once in some hundred recordings.
real_time="-accel tcg,thread=single"
cpu_options() {
  if [ "${CPUS:-2}" = 1 ]; then
    echo "$virtual_time"
  elif find "$MODULES" "$(dirname "$KERNEL")" -type f '(' -name 'config-*' -o -name config ')' \
    -exec cat {} + 2>/dev/null | grep -q '^CONFIG_HOTPLUG_PARALLEL=y'; then
    echo "$virtual_time"
  else
    echo "$real_time"
  fi
}

boot() {
  rm -f "$scratch/disk"
  truncate -s 1G "$scratch/disk"
  # shellcheck disable=SC2086
  timeout -k 5 "${TIMEOUT:-300}" qemu-system-x86_64 $options -cpu max -m "${MEMORY:-1536}" \
    -smp "${CPUS:-2}" -display none -no-reboot -nodefaults -serial stdio -kernel "$KERNEL" \
    -initrd "$scratch/initrd.gz" -append "console=ttyS0 quiet panic=-1 tsc=reliable" \
    -drive "file=$scratch/disk,format=raw,if=virtio" </dev/null >"$results/console.log" 2>&1 ||
    echo "QEMU ended with $?" >>"$results/console.log"
  tar xf "$scratch/disk" -C "$results" 2>/dev/null && [ -e "$results/exit" ]
}

if [ "${1-}" = --fetch ]; then
  fetch
  printf '%s\n' "$KERNEL" "$MODULES"
  exit
fi
if [ $# -lt 3 ] || [ "$2" != -- ]; then usage; fi
results=$1
shift 2
drivers="virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk"
[ -n "${KERNEL-}" ] || fetch
[ -n "${MODULES-}" ] || die "KERNEL needs MODULES, the directory of its modules" 2
mkdir -p "$results"
rm -f "$results/exit"
make_initrd "$@"
options=${QEMU_CPU:-$(cpu_options)}
# With a thread for each CPU, QEMU now and then loses a race with a kernel that patches its text.
tries=3
until boot; do
  tries=$((tries - 1))
  if [ "$tries" = 0 ]; then
    tail -n 20 "$results/console.log" >&2
    die "$KERNEL brought nothing back from three boots; its last words are above"
  fi
done
cat "$results/output.txt"
code=$(cat "$results/exit")
rm -f "$results/exit"
exit "$code"
