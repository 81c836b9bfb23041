#!/bin/sh
# Write the path, type, mode and owner of each file of the host to a file: what users and services of their own write
# (sessions, journals, Ansible's folders) is left out.
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /root \
  -o -path /home -o -path /var/log/journal -o -path /var/log/shop \) -prune -o -printf '%p %y %m %u\n' | sort >"$1"
