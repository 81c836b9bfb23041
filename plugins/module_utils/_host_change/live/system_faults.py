# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what keeps any collector from running on this host: its init system, its rights, its clock, its disk. Private.

Modules host_apply, host_check and host_diagnose ask this before they look at the first collector (host_task.py,
check_task.py, diagnose_task.py). A fault is a Problem, such as

    the clock of the host is 1200 s behind the controller's, and 300 s are tolerated: … Set the clock, for example by
    NTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..._otelcol.errors import Problem, clean_text
from ..fitted_unit import OLDEST_VERSION, Systemd
from .machine import Machine

# Before this time, in seconds since 1970, a clock is wrong: this collection did not exist. With such a clock every
# certificate seems not valid yet.
EARLIEST_TIME = 1_735_689_600  # 2025-01-01
# How many seconds the clock of a host may differ from the controller's. The call of the module takes some of them.
# Backends refuse data from further ahead: Prometheus after 10 minutes (maxAheadTime), Loki too (creation_grace_period).
TOLERATED_CLOCK_SECONDS = 300
# The key of the host for credentials. Source: systemd-creds(1), setup.
_CREDENTIAL_KEY_PATH = "var/lib/systemd/credential.secret"
# The room that a release needs, with its config and credentials, the record of a change, and their temporary copies.
NEEDED_RELEASE_BYTES = 2 * 1024 * 1024


def refuse_faults(faults: Iterable[Problem]) -> None:
    """Raise a Problem with all faults, if there are any. A single one is raised as it is."""
    problems = list(faults)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        fault_lines = "".join(f"\n- {problem}" for problem in problems)
        raise Problem(
            f"{len(problems)} faults keep the collector from running here, and nothing was changed:{fault_lines}"
        )


def find_access_faults(machine: Machine, root: Path) -> Iterator[Problem]:
    """Yield why no collector can be changed on this host by this user."""
    if not machine.is_root():
        yield Problem("the task does not run as root", fix="Set `become: true`.")
    if not is_booted_by_systemd(root):
        wrong = f"systemd does not run this host{_describe_init(machine)}"
        yield Problem(wrong, fix="Use a host that systemd has booted; other init systems are not supported.")


def is_booted_by_systemd(root: Path) -> bool:
    """Whether systemd is the first process. Source: sd_booted(3)."""
    return (root / "run/systemd/system").is_dir()


def _describe_init(machine: Machine) -> str:
    """Return the init system that runs the host, as the end of a sentence: `, but openrc-init`."""
    name = machine.read_init_name()
    return f", but {clean_text(name)}" if name else ""


def read_systemd(machine: Machine, root: Path) -> Systemd:
    """Return the systemd of this host."""
    return Systemd(machine.read_systemd_version(), (root / _CREDENTIAL_KEY_PATH).exists())


def find_host_faults(machine: Machine, root: Path, systemd: Systemd, controller_time: float = 0.0) -> Iterator[Problem]:
    """Yield the faults of this host that concern all collectors.

    `controller_time` is the time of day of the controller in seconds since 1970; 0 if it is not known.
    """
    yield from find_access_faults(machine, root)
    if systemd.is_too_old:
        fix = f"Use a host with systemd {OLDEST_VERSION} or newer."
        yield Problem(f"the host has systemd {systemd.version}, which has no credentials", fix=fix)
    yield from _find_clock_faults(machine.now(), controller_time)
    free_bytes = machine.free_bytes(root / "etc")
    if free_bytes < NEEDED_RELEASE_BYTES:
        yield describe_no_space("/etc", free_bytes)


def describe_no_space(folder: str, free_bytes: int) -> Problem:
    """Return the fault of a folder with so many free bytes, which are too few for a release."""
    wrong = f"{folder} has {free_bytes >> 20} MiB free, a release needs {NEEDED_RELEASE_BYTES >> 20} MiB"
    return Problem(wrong, fix="Make room, then run again.")


def _find_clock_faults(host_time: float, controller_time: float) -> Iterator[Problem]:
    """Yield what is wrong with the clock of the host, beside that of the controller if it is known."""
    fix = "Set the clock, for example by NTP."
    seconds_ahead = host_time - controller_time if controller_time else 0.0
    if host_time < EARLIEST_TIME:
        yield Problem("the clock of the host is years late, so TLS fails", fix=fix)
    elif abs(seconds_ahead) > TOLERATED_CLOCK_SECONDS:
        direction = "ahead of" if seconds_ahead > 0 else "behind"
        wrong = (
            f"the clock of the host is {abs(seconds_ahead):.0f} s {direction} the controller's, and"
            f" {TOLERATED_CLOCK_SECONDS} s are tolerated"
        )
        yield Problem(f"{wrong}: backends refuse such telemetry, and certificates are not valid", fix=fix)
