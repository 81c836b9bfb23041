# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all collectors of a host share: its clock, systemd, SELinux and journal. Changes nothing. Private."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .accounts import group_id
from .machine import Machine, read_text_or_empty

# Groups whose members read the journal. Source: systemd-journald.service(8).
_JOURNAL_GROUPS = ("systemd-journal", "adm", "wheel")
# What an audit record of SELinux says of a Collector. Source: avc_audit_pre_callback of Linux.
_DENIAL_WORDS = ("avc:", "denied", 'comm="otelcol')
_MOST_DENIALS = 3


def read_system_facts(machine: Machine, root: Path) -> dict[str, Any]:
    """Return what all collectors of this host share."""
    is_enforcing = read_text_or_empty(root / "sys/fs/selinux/enforce").strip() == "1"
    version = re.search(r"systemd (\d+)", machine.run("systemctl", "--version").output)
    synchronized = machine.run("timedatectl", "show", "-p", "NTPSynchronized", "--value").output.strip()
    return {
        "now": machine.now(),
        "synchronized": synchronized,
        "systemd": int(version[1]) if version else 0,
        "enforcing": is_enforcing,
        "denials": _list_denials(machine) if is_enforcing else [],
        "journal_is_kept": (root / "var/log/journal").is_dir(),
        "journal_groups": [name for name in _JOURNAL_GROUPS if group_id(name) >= 0],
    }


def _list_denials(machine: Machine) -> list[str]:
    """Return the last things that SELinux has denied to a Collector, by the audit records in the journal."""
    options = ("-o", "cat", "-n", "2000", "_TRANSPORT=audit", "+", "_TRANSPORT=kernel")
    records = []
    for line in machine.run("journalctl", "--no-pager", *options).output.splitlines():
        if all(word in line for word in _DENIAL_WORDS):
            records.append(line.strip())
    return list(dict.fromkeys(records))[-_MOST_DENIALS:]
