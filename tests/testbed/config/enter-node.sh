#!/bin/sh
# enter-node.sh NODE_DIR HOSTNAME FOLDERS COMMAND...
#
# Runs in a new mount and host name namespace and makes it a node's own: the node gets its own /var/log/pods and the other
# FOLDERS (a file with one path per line). All its mounts (overlays, volumes, pods' namespaces) go with its last process;
# the machine never sees any of them.
set -eu
node=$1
hostname "$2"
folders=$3
shift 3
mount --make-rshared /
while read -r folder; do
  mkdir -p "$node$folder" "$folder"
  mount --bind "$node$folder" "$folder"
done <"$folders"
mount --bind "$node/resolv.conf" /etc/resolv.conf
exec "$@"
