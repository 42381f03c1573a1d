#!/bin/sh
# A machine whose process 1 is the systemd of this one, in namespaces of its own: processes, mounts, control groups,
# network, names (unshare(1), as root). Its files are those of this machine; what it writes is gone with it. What systemd
# expects of such a place: systemd.io/CONTAINER_INTERFACE.
#
#   unshare -m systemd-machine.sh PLACE PROGRAM ARGS...   the machine ends with the standard input
#
# PLACE, a folder: install (copied over the root), state (its /var/lib), mounts (WHAT and WHERE, a line each, seen
# read-only). `pid` appears in it: process 1, as this machine counts.
set -eu

outside() {
  mkdir "$place/groups" "$place/root" "$place/written"
  mount -t tmpfs -o mode=755 none "$place/written"
  mkdir "$place/written/upper" "$place/written/work"
  mount -t cgroup2 none "$place/groups"
  group=$place/groups/hemhub-machine-$$
  mkdir "$group"
  # A control group first: what is the root of all groups to systemd, it moves every process out of.
  # shellcheck disable=SC2016
  unshare -p -f -i -n --kill-child \
    sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec unshare -C -m -u "$@"' sh "$group" \
    sh "$0" --inside "$place" "$@" &
  machine=$!
  # A pipe that nobody writes to ends with whoever holds it, however that ends.
  read -r _ || :
  # Process 1 takes the others with it, and whoever made it waits for it.
  if [ -f "$place/pid" ]; then kill -KILL "$(cat "$place/pid")" || :; else kill -KILL "$machine" || :; fi
  wait "$machine" || :
  looks=0
  until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || [ "$looks" -ge 100 ]; do
    looks=$((looks + 1))
    sleep 0.1
  done
  [ ! -d "$group" ]
}

inside() {
  root=$place/root
  umount -l "$place/groups"
  # Of the old /proc: the number that it gives to this process.
  read -r pid _ </proc/self/stat
  mount -t overlay -o "lowerdir=/,upperdir=$place/written/upper,workdir=$place/written/work" overlay "$root"

  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  # The kernel is everybody's: its settings are read-only.
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
  mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
  for device in null zero full random urandom tty loop-control; do
    [ -e "/dev/$device" ] || continue
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  for number in $(seq 0 63); do mknod -m 600 "$root/dev/loop$number" b 7 "$number"; done
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s pts/ptmx "$root/dev/ptmx"
  mkdir "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
  mount -t tmpfs tmpfs "$root/dev/shm"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"

  # Nothing of this machine is started in it, be it from a unit, a table, or made up by a generator; no driver is loaded.
  rm -rf "$root/etc/systemd/system" "$root/usr/lib/systemd/system-generators" "$root/etc/fstab"
  rm -rf "$root"/usr/lib/systemd/system/*.wants "$root/usr/lib/systemd/system/modprobe@.service"
  mkdir "$root/etc/systemd/system"
  cp -R "$place/install/." "$root/"
  mount --bind "$place/state" "$root/var/lib"
  while IFS= read -r what && IFS= read -r where; do
    if [ -d "$what" ]; then mkdir -p "$root$where"; else : >"$root$where"; fi
    mount --bind "$what" "$root$where"
    mount -o remount,bind,ro "$root$where"
  done <"$place/mounts"
  mkdir "$root/run/before"
  printf '%s\n' "$pid" >"$place/pid.new" && mv "$place/pid.new" "$place/pid"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  cd "$root"
  pivot_root . run/before
  umount -l /run/before
  rmdir /run/before
  # Credentials reach a service through a mount that spreads.
  mount --make-rshared /
  # Of sysinit.target, which wants nothing here.
  systemd-sysusers hemhub.conf
  systemd-tmpfiles --create hemhub.conf
  systemctl --quiet enable hemhub.service
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=other "$@" </dev/null
}

case $1 in
  --inside) place=$2 && shift 2 && inside "$@" ;;
  *) place=$1 && shift && outside "$@" ;;
esac
