# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the facts of a host that concern all its collectors: its clock, systemd, SELinux and journal. Private.

Nothing is changed. Module host_diagnose returns these facts as `host` (diagnose_task.py), such as `{"systemd": 252,
"synchronized": "yes", "enforcing": False, "journal_is_kept": True, …}`.
"""

from __future__ import annotations

from pathlib import Path

from ..host_answer import SystemFacts
from .accounts import group_id
from .machine import Machine

# Groups whose members read the journal. Source: systemd-journald.service(8).
_JOURNAL_GROUPS = ("systemd-journal", "adm", "wheel")
# The words in an audit record of something that SELinux denied to a Collector. The last one has no quotation mark at
# its end, since programs have names such as `otelcol-contrib`. Source: avc_audit_pre_callback of Linux.
_DENIAL_WORDS = ("avc:", "denied", 'comm="otelcol')
# How many denials are told.
_MOST_DENIALS = 3


def read_system_facts(machine: Machine, root: Path) -> SystemFacts:
    """Return the facts of this host. `root` is `/`; tests give a folder of their own."""
    enforces_selinux = machine.enforces_selinux()
    synchronized = machine.run("timedatectl", "show", "-p", "NTPSynchronized", "--value").output.strip()
    return {
        "now": machine.now(),
        "synchronized": synchronized,
        "systemd": machine.read_systemd_version(),
        "enforcing": enforces_selinux,
        "denials": _list_denials(machine) if enforces_selinux else [],
        "journal_is_kept": (root / "var/log/journal").is_dir(),
        "journal_groups": [name for name in _JOURNAL_GROUPS if group_id(name) >= 0],
    }


def _list_denials(machine: Machine) -> list[str]:
    """Return the last audit records in the journal by which SELinux denied something to a Collector."""
    options = ("-o", "cat", "-n", "2000", "_TRANSPORT=audit", "+", "_TRANSPORT=kernel")
    records = []
    for line in machine.run("journalctl", "--no-pager", *options).output.splitlines():
        if all(word in line for word in _DENIAL_WORDS):
            records.append(line.strip())
    return list(dict.fromkeys(records))[-_MOST_DENIALS:]
