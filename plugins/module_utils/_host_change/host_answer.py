# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer of a host to module host_diagnose, key by key. Private.

`live/host_facts.py`, `live/system_facts.py` and `live/diagnose_task.py` build it on the host. The controller reads it
in `_diagnose/host_situation.py`, which makes the facts for the checks of it, and in `_host_diagnose.py` of
plugin_utils. `about` in a row is the component of the config that the row is about, such as `receivers/file_log`. For
example, a file that the service may not read gives in `files` the row

    {"about": "receivers/file_log", "pattern": "/var/log/*.log", "count": 1, "more": 0,
     "unreadable": [{"what": "folder", "path": "/var/log/app", "owner": "root", "group": "root", "mode": "0700",
                     "file": "/var/log/app/a.log"}]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from .host_question import FilePattern, HostPeer


class ServiceFacts(TypedDict):
    """The unit of a collector, mostly in systemd's words. Source: org.freedesktop.systemd1(5)."""

    unit: str
    load: str
    """Whether systemd knows the unit: `loaded`, or `not-found`."""
    at_boot: str
    """`enabled` if it starts at boot."""
    active: str
    """Such as `active` or `failed`."""
    sub: str
    """Such as `running` or `auto-restart`."""
    result: str
    """Why it ended, such as `exit-code`; `success` while it runs."""
    status: int
    """The exit status of its last process."""
    restarts: int
    seconds: int
    """For how many seconds the process runs; 0 if it does not run."""
    drop_ins: list[str]
    stale: bool
    """Whether a file of the unit has changed since systemd read it."""
    memory_max: str
    """In bytes, or `infinity`."""
    groups: list[str]
    """The groups that the unit names beside that of its user."""


class ReleaseFacts(TypedDict):
    """The release in use, and how it differs from the inventory."""

    number: str
    """Empty if no release is in use."""
    is_own: bool
    """Whether a run of this collection has made the collector's folder."""
    differs: list[str]
    """The files that differ."""
    links: list[str]
    """The links of the system that are missing, or that lead elsewhere."""
    change: str
    """The release that a killed run has left half done; empty without one."""
    credentials: list[str]
    """The files of credentials that are missing."""
    wave: dict[str, Any]
    """The wave that the release has passed, see `live/change_notes.py`; empty without one."""


class ProgramFacts(TypedDict):
    """The program that the unit starts, and the one that the inventory wants."""

    path: str
    """That of the unit in use; without a unit, the wanted one."""
    wanted: str
    is_there: bool
    """Whether `path` is a file that can be run."""
    is_replaced: bool
    """Whether the process runs a file that was replaced since."""


class TakenPortFacts(TypedDict):
    """A port that another process has, in words, and how it gets free."""

    text: str
    fix: str


class JournalEntry(TypedDict):
    """An entry of the journal."""

    time: str
    text: str
    by: str
    """`systemd` or `collector`."""
    run: str
    """The id of the run of the service."""


class UnreadableEntry(TypedDict):
    """A folder or a file that the service may not read."""

    what: str
    """`folder` or `file`."""
    path: str
    owner: str
    group: str
    mode: str
    """Four octal digits."""


class UnreadableFile(UnreadableEntry):
    """A file that the service may not read, with the entry on its path that keeps the service from it."""

    file: str
    """The path of the file."""


class PatternFacts(FilePattern):
    """The files that a pattern of the config matches."""

    count: int
    unreadable: list[UnreadableFile]
    """The first of those that the service may not read."""
    more: int
    """How many more it may not read."""


class PeerFacts(HostPeer):
    """Whether the host reaches a server to which a component connects."""

    endpoint: str
    """As HOST:PORT."""
    state: str
    """`ok`, `no_name` if no name server knows the host, `refused`, or `no_way` if nothing answers."""


class CertificateFindings(TypedDict, total=False):
    """What was found out about a file with a certificate or a key."""

    state: str
    """Always there: `missing`, `unreadable` for the service, `not_read` if this run cannot read it, or `there`."""
    not_before: str
    """From when on the certificate is valid; absent for a key, and for a file that this run cannot read."""
    not_after: str
    """Until when."""

    # Of a file that the service may not read: the folder or file on its path that keeps the service from it.
    what: str
    path: str
    owner: str
    group: str
    mode: str


class CertificateFacts(CertificateFindings, total=False):
    """A file with a certificate or a key that the config names. `path` is that of the config, if not as above."""

    about: str
    file: str
    """The path of the file; absent if the file is missing."""


class DiskFacts(TypedDict):
    """A file system on which the collector keeps data."""

    path: str
    percent: int
    """How much of it is used; 0 if it reports no blocks."""
    full: bool
    """Whether no block or no file is left. One that reports no blocks or no files is not full for this reason."""
    free_mib: int
    """0 also if it reports no blocks."""


class CollectorFacts(TypedDict):
    """All facts of a collector, without those that its own metrics give."""

    name: str
    service: ServiceFacts
    release: ReleaseFacts
    program: ProgramFacts
    closed: list[str]
    """The ports on which it does not listen, as `4317/tcp`."""
    taken: list[TakenPortFacts]
    unhealthy: str
    """The answer of its health check; empty if it is healthy, or has no health check."""
    journal: list[JournalEntry]
    files: list[PatternFacts]
    certificates: list[CertificateFacts]
    peers: list[PeerFacts]
    disks: list[DiskFacts]


class MetricReadings(TypedDict):
    """Two readings of a collector's own metrics, as text for Prometheus; empty if they cannot be read."""

    first: str
    last: str
    why: str
    """Why they cannot be read; empty if they can."""


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


class CollectorAnswer(CollectorFacts, total=False):
    """What a host says of one collector: its facts, its own metrics, and test data."""

    metrics: MetricReadings
    seconds: float
    """The time between the two readings of the metrics."""
    probe: ProbeAnswer
    """How test data arrived, if it was sent. A service that does not run gets none."""
    services: Sequence[SendingServiceAnswer]
    """The services that send to the collector, if the run looks at them."""


class SystemFacts(TypedDict):
    """The facts of a host."""

    now: float
    """The time of day, in seconds since 1970."""
    synchronized: str
    """`yes` if NTP sets the clock, `no`, or empty if timedatectl does not say."""
    systemd: int
    """The version of systemd; 0 if it is not known."""
    enforcing: bool
    """Whether SELinux enforces its policy."""
    denials: list[str]
    """The last audit records in which SELinux denied something to a Collector."""
    journal_is_kept: bool
    """Whether the journal is on the disk, so that it survives a boot."""
    journal_groups: list[str]
    """The groups of this host whose members read the journal."""
