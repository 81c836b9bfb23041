# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer of a host about one collector, key by key.

`_host_change/live/host_facts.py` builds it on the host, and `host_situation.py` makes the facts for the checks of it.
Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict


class ServiceAnswer(TypedDict):
    """What systemd says of the service. Source of the values: `systemctl show`, and systemd.service(5)."""

    unit: str
    load: str
    """Such as `loaded`, `masked` or `not-found`."""
    at_boot: str
    """Such as `enabled` or `disabled`."""
    active: str
    """Such as `active`, `inactive` or `failed`."""
    sub: str
    result: str
    """How its last run ended, such as `success`, `exit-code` or `oom-kill`."""
    status: int
    """The exit status of its last process."""
    restarts: int
    seconds: int
    """How long its process runs; 0 if it does not."""
    drop_ins: list[str]
    """The files that change the unit."""
    stale: bool
    """Whether the unit has changed on disk since systemd read it."""
    memory_max: str
    """The memory limit in bytes, or `infinity`."""
    groups: list[str]


class ReleaseAnswer(TypedDict):
    """The release of the collector that is in use on the host; its `number` is empty if there is none."""

    number: str
    is_own: bool
    differs: list[str]
    """The files that differ from those of the inventory."""
    links: list[str]
    """The links of systemd that lead elsewhere."""
    change: str
    """The release whose change a run has begun and not ended; empty without one."""
    credentials: list[str]
    """The files of credentials that are missing."""
    wave: Mapping[str, Any]
    """The record of the wave that the release has passed; empty without one."""


class ProgramAnswer(TypedDict):
    """The program that the unit starts, and the one that the inventory wants."""

    path: str
    wanted: str
    is_there: bool
    is_replaced: bool
    """Whether the file was replaced while the process runs."""


class JournalEntry(TypedDict):
    """An entry of the journal, such as:

    {"by": "collector", "run": "5f0c…", "time": "2026-03-01T10:00:00Z", "text": "Error: bind: address already in use"}
    """

    by: str
    """Who wrote it: `systemd` or `collector`."""
    run: str
    """The run of the service in which it was written."""
    time: str
    text: str


class MetricsAnswer(TypedDict):
    """Two readings of the metrics of a collector, as text; empty if they could not be read, and `why`."""

    first: str
    last: str
    why: str


class SignalAnswer(TypedDict):
    """What became of the test data of one signal."""

    sent: bool
    """Whether the collector took it."""
    arrived: bool
    """Whether the metrics of the collector count it as sent on."""
    why: str
    """Why the collector did not take it."""
    trouble: Sequence[str]
    """What the metrics count of failures meanwhile."""


class ProbeAnswer(TypedDict):
    """What became of the test data that the host sent to a collector, after so many seconds."""

    signals: Mapping[str, SignalAnswer]
    seconds: float


class SendingServiceAnswer(TypedDict):
    """A service of the host that sends to a collector."""

    unit: str
    load: str
    """What systemd says of its unit, such as `loaded` or `not-found`."""
    is_there: bool
    """Whether it has the drop-in that the inventory describes."""
    runs: bool
    has: bool
    """Whether its process has the variables of the drop-in."""
    waits: bool
    """Whether a restart would give it the variables."""


class CollectorAnswer(TypedDict):
    """What a host says of one collector."""

    name: str
    service: ServiceAnswer
    release: ReleaseAnswer
    program: ProgramAnswer
    closed: list[str]
    """The ports of its receivers on which nobody listens, such as `4317/tcp`."""
    taken: list[Mapping[str, str]]
    """The ports that another process has, each with `text` and `fix`."""
    unhealthy: str
    """What its health check says; empty if it is healthy, or has none."""
    journal: Sequence[JournalEntry]
    files: list[Mapping[str, Any]]
    certificates: list[Mapping[str, Any]]
    peers: list[Mapping[str, Any]]
    disks: list[Mapping[str, Any]]
    metrics: MetricsAnswer
    seconds: float
    """The time between the two readings."""
    probe: NotRequired[ProbeAnswer]
    """How test data arrived, if it was sent. A service that does not run gets none."""
    services: NotRequired[Sequence[SendingServiceAnswer]]
    """The services that send to the collector, if the run looks at them."""


class SystemAnswer(TypedDict, total=False):
    """What a host says of itself. Several collectors of the host share it."""

    now: float
    """Its time in seconds of Unix."""
    synchronized: str
    """`yes` or `no`: whether a time server sets its clock. Source: timedatectl(1)."""
    systemd: int
    """The version of systemd; 0 if it is not known."""
    enforcing: bool
    """Whether SELinux enforces its policy."""
    denials: list[str]
    """What SELinux has denied to a Collector, as lines of the audit log."""
    journal_is_kept: bool
    """Whether the journal outlives a restart of the host."""
    journal_groups: list[str]
    """The groups of the host whose members may read the journal."""
