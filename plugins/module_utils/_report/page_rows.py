# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of the page of a fleet, key by key, as the templates in playbooks/templates/report read it.

`page_model.py` builds a `Page`, and the other files of this folder build the rows that it has. The keys are those of
the templates, so some are short: `left` is the time until a certificate ends. Who renames a key here renames it in the
templates too. Several rows have these words:

- `read` is whether earlier tasks could read something from a cluster or host, and `unread` has what they could not;
- `unseen` is what a diagnosis could not look at, and `unlisted` what runs and is not in the inventory;
- an `anchor` is the id of an element of the page, to which links of the page lead. Private.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict


class DiagnosisSummary(TypedDict):
    """What a diagnosis says of a collector. Each text is empty if the collector was not read."""

    status: str
    """`healthy`, `warning`, `error`, `unknown`, or empty if it was not read."""
    state: str
    """The status in words."""
    ready: str
    verdict: list[str]
    change: str
    """The message about a change that a run has not ended; empty without one."""
    unseen: list[str]
    wave: dict[str, str]
    """The record of the wave that its release has passed."""


class CollectorRow(DiagnosisSummary):
    """A collector of a cluster or of a host. `anchor` is the id of its row on the page."""

    read: bool
    anchor: str
    name: str
    namespace: str
    version: str


class ClusterCollectorRow(CollectorRow):
    """A collector of a cluster."""

    mode: str
    backend: str


class ServiceRow(CollectorRow):
    """A collector of a host, which runs as a service."""

    service: str
    program: str
    release: str
    differs: list[str]
    """The files that differ from the inventory."""


class FindingRow(TypedDict):
    """A finding of a rule about a config."""

    severity: str
    rule: str
    path: str
    message: str
    fix: str
    collector: str
    where: str
    """The file and the line, such as `config.yml:7`."""


class CertificateRow(TypedDict):
    """A certificate that was read, or that a run would ask for. Each text is empty if it is not known."""

    subject: str
    names: list[str]
    issuer: str
    holder: str
    """The object that has it, such as `Secret obs/gateway-tls (tls.crt)`."""
    begins: str
    until: str
    left: str
    """The time until it ends, in words."""
    state: str
    """`valid`, `soon`, `expired`, `not_yet_valid`; `asked` if it was only rendered."""
    used_by: list[str]


# Whether the wanted version runs. `odd` is one that runs, and of which the notes of its row say what is odd. `unknown`
# is one that nobody knows.
VersionState = Literal["same", "differs", "unknown", "odd"]


class VersionRow(TypedDict):
    """The wanted and the running version of a product or an image."""

    what: str
    """The product, or the images of some collectors."""
    wanted: str
    running: str
    notes: list[str]
    state: VersionState


class VersionCount(TypedDict):
    """How many collectors or clusters have a version."""

    version: str
    count: int


class ProductVersions(TypedDict):
    """The versions of a product in the whole fleet, the newest first."""

    what: str
    versions: list[VersionCount]


class ActionCount(TypedDict):
    """How many objects of a cluster have an action, such as `created` or `unchanged`."""

    action: str
    count: int


class ChangedObject(TypedDict):
    """An object of a cluster that a run would change, and what it would do."""

    action: str
    kind: str
    namespace: str
    name: str


class DriftSummary(TypedDict):
    """What a run would change: objects of a cluster, or files of a host; `read` says whether that is known."""

    read: bool
    objects: Sequence[ChangedObject] | Sequence[str]
    """The objects of a cluster, or the names of the files of a host."""
    counts: NotRequired[list[ActionCount]]
    """Only of a cluster."""


class CostRow(TypedDict):
    """What the pods of a collector take, and what they may do. Figures have the keys of the columns."""

    collector: str
    pods: str
    """How many pods it has and should have, in words."""
    count: int | None
    """The number of pods; None if it is not known."""
    rules: list[str]
    iam_actions: list[str]
    ports: list[str]
    each: dict[str, float | None]
    """The figures of one pod, in cores and bytes."""
    all: dict[str, float | None]
    """The figures of all pods."""
    shown: dict[str, str]
    """The figures of one pod in words."""
    total: dict[str, str]
    """The figures of all pods in words."""


class BoxSize(TypedDict):
    """The size of a box in pixels. All boxes are equal."""

    width: int
    height: int


class BoxRow(TypedDict):
    """The box of a node: a collector, or where its data goes."""

    x: int
    y: int
    kind: str
    """A key of `KIND_TITLES` in topology_graph.py."""
    title: str
    subtitle: str
    told: str
    """The whole title and subtitle, since those in the box are cut off. Browsers show it above the box."""
    status: str
    """The status of a collector, as `DiagnosisSummary` has it; empty for other nodes."""
    many: bool
    """Whether it stands for several nodes."""
    anchor: str


class LineRow(TypedDict):
    """A line between two boxes: its path as SVG writes it, and what it shows in words."""

    path: str
    title: str


class EdgeRow(TypedDict):
    """Who sends what to whom, in words."""

    source: str
    target: str
    says: str


class KindRow(TypedDict):
    """A kind of nodes, for the legend."""

    kind: str
    says: str


class Topology(TypedDict):
    """The picture of who sends to whom, for topology.html.j2. Lengths are in pixels."""

    width: int
    height: int
    box: BoxSize
    nodes: list[BoxRow]
    lines: list[LineRow]
    ways: list[EdgeRow]
    """All edges, also those that are one line of the picture because it folds nodes."""
    kinds: list[KindRow]
    """The kinds of nodes in the picture."""
    loops: list[str]
    """The collectors that send to themselves, which the picture does not show."""


class ClusterOrHostRow(TypedDict):
    """A cluster or a host."""

    name: str
    anchor: str
    problem: str
    """Why it could not be rendered; empty if it could."""
    unread: list[str]
    """Which parts could not be read, and why."""
    note: str
    """That nothing was read from it; empty if it was to be read."""
    collectors: Sequence[CollectorRow]
    unlisted: list[str]
    """The collectors that run there and that the inventory does not list."""
    findings: list[FindingRow]
    certificates: list[CertificateRow]
    versions: list[VersionRow]
    drift: DriftSummary


class ClusterRow(ClusterOrHostRow):
    """A cluster."""

    topology: Topology
    costs: list[CostRow]
    totals: dict[str, str]


class StateCounts(TypedDict):
    """How many collectors are healthy, how many have warnings or errors, and how many nobody could see."""

    healthy: int
    ailing: int
    unseen: int


class WaveRow(StateCounts):
    """A wave: its clusters and hosts, and how many of their collectors are in each state."""

    name: str
    members: str
    """Its clusters and hosts in words."""
    versions: list[VersionCount]
    differs: str
    """How many objects and files differ from the inventory, in words."""
    passed: list[str]
    """How many collectors run a release that has passed the wave, in words."""


class AttentionRow(TypedDict):
    """What needs attention."""

    severity: str
    cluster: str
    """The name of the cluster or host."""
    text: str
    anchor: str
    """The id of the row on the page that it leads to."""


class SummaryCounts(StateCounts):
    """The numbers at the top of the page."""

    clusters: int
    unread: int
    """How many clusters could not be read."""
    hosts: int
    unread_hosts: int
    collectors: int
    errors: int
    """How many findings of rules are errors."""
    warnings: int
    certificates: int
    """How many certificates let no connection be made, now or soon."""
    drift: int
    """How many objects and files differ from the inventory."""
    changes: int
    """How many collectors have a change that no run has ended."""


class Page(TypedDict):
    """The whole page."""

    title: str
    time: str
    summary: SummaryCounts
    attention: list[AttentionRow]
    more: int
    """How many further rows need attention."""
    versions: list[ProductVersions]
    waves: list[WaveRow]
    no_waves: str
    """Why the waves cannot be planned; empty if they can."""
    clusters: list[ClusterRow]
    hosts: list[ClusterOrHostRow]
    topology_of_hosts: Topology
