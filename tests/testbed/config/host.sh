#!/bin/sh
# host.sh ROOT HOST_DIR HOSTNAME NAMESPACE
#
# Runs in a new mount namespace and boots a host: ROOT under a layer of the host's own, in the network and the cgroup
# NAMESPACE. All mounts go with the last process; the machine never sees any of them. What systemd-nspawn notes in
# /run/systemd stays inside too, so that it does not register the host with a systemd of the machine.
set -eu
root=$1 host=$2 name=$3 namespace=$4
restart=133 # how systemd-nspawn --keep-unit ends when the host restarts

mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
mount -t overlay overlay -o "lowerdir=$root,upperdir=$host/changed,workdir=$host/work" "$host/disk"

boot() {
  # A process of its own enters the cgroup: with cgroup v2, only leaves may have processes.
  sh -c '
    for group in /sys/fs/cgroup/$0 /sys/fs/cgroup/systemd/$0 /sys/fs/cgroup/unified/$0; do
      if [ -d "$group" ]; then echo $$ >"$group/cgroup.procs"; fi
    done
    exec systemd-nspawn --quiet --directory="$1" --machine="$0" --hostname="$2" --boot --register=no --keep-unit \
      --network-namespace-path="/run/netns/$0" --capability=CAP_NET_ADMIN \
      --console=read-only --link-journal=no --resolv-conf=off --timezone=off
  ' "$namespace" "$host/disk" "$name"
}

while status=0; boot || status=$?; [ "$status" -eq "$restart" ]; do
  echo "$name restarts"
done
exit "$status"
