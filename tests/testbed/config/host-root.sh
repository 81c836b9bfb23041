#!/bin/sh
# host-root.sh ROOT
#
# Prepares a new Debian for hosts: a user with sudo, a journal that survives restarts, and nothing that two hosts must not
# share (machine id, SSH keys). Units that have no work in a host for tests do not start.
set -eu
root=$1
inside() { chroot "$root" "$@"; }

inside useradd --create-home --shell /bin/bash ops
echo 'ops ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
chmod 0440 "$root/etc/sudoers.d/ops"

rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
# Ansible asks for compression, which costs more than two seconds of CPU for each copy of the Collector's archive.
cat >"$root/etc/ssh/sshd_config.d/testbed.conf" <<EOF
Compression no
Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com
PasswordAuthentication no
PermitRootLogin prohibit-password
UseDNS no
EOF

mkdir -p "$root/var/log/journal"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  console-getty.service getty.target; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
for unit in nginx.service redis-server.service; do
  inside systemctl --quiet disable "$unit"
done

inside apt-get clean
rm -rf "$root"/var/lib/apt/lists/*
