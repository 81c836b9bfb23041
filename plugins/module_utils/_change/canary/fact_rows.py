# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that checks of a canary read: which keys they have. Private.

The *canary* are the pods with the new config, the *rest* those that still run the earlier one. `revision.py` builds
the `RevisionFacts` of each, `canary_facts.py` the `ComparisonFacts` of both. Checks are JMESPath over these keys, for
example `rest.restarted == `0` && canary.pods[?restarted >= `1`]`. Users write checks too, so docs/change.md lists keys.
The record of a change, a ConfigMap in the cluster, holds the facts of the rest as JSON: so no key can be renamed.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from ..._diagnose.result_rows import UnseenRow
from ..._telemetry.logs import LogFailure
from ..._telemetry.signal_flow import FlowRows, ProcessorRow

# The lists of counted rows in the facts.
RowKind = Literal["receives", "processes", "exports"]


class _PodCounts(TypedDict):
    """The keys of a row of a pod that every row has."""

    name: str
    restarts: int
    """Restarts since the start of the pod, by the kubelet's count."""
    restarted: int
    """Restarts while the pods are watched."""
    oom: bool
    memory_limit_mib: int
    memory_percent: int
    """How much of its memory limit the pod uses."""
    memory_low: int
    """The lowest `memory_percent` of the last few readings."""
    unread: bool
    """Whether its metrics could not be read in the last few readings."""
    why: str
    """Why its metrics could not be read; empty if they could."""


class CanaryPodRow(_PodCounts, total=False):
    """One pod. A pod of the canary also has `rest_memory`, the highest `memory_percent` of the rest."""

    rest_memory: int


class JudgedLogRow(LogFailure):
    """Entries in the log of the canary, with what the comparison says of them."""

    error_kind: str
    """The same for the same error in a later reading."""
    known: bool
    """Whether the rest has the error too."""
    calm: bool
    """Whether the component works all the same."""


class RefusedPortRow(TypedDict):
    """A port on which a pod of the canary refuses connections."""

    about: str
    id: str
    pod: str
    port: int
    closed: bool
    """Whether a pod of the rest accepts connections on this port of the receiver."""


class RevisionFacts(FlowRows):
    """What the pods of one revision count, and how they are."""

    seconds: int
    """For how many seconds the pods have been watched."""
    received: int
    """How many items all receivers have accepted in these seconds."""
    pods: list[CanaryPodRow]
    restarted: int
    """Restarts of all pods in these seconds."""
    memory_percent: int
    """That of the pod with the highest one; 0 without pods."""
    unread: list[UnseenRow]
    """The pods whose metrics cannot be read; one row if no pod runs."""
    logs: list[LogFailure]
    steady: list[str]
    """The signals that came in between nearly all readings."""
    open: list[str]
    """The ports on which a pod accepts connections, as `RECEIVER:PORT`."""


class _RestFacts(RevisionFacts):
    """The keys that the facts of the rest always have."""

    bases: list[FlowRows]
    """What the canary is compared with. The first item has what was counted while the pods are watched. The second has
    what they counted since their start: an exporter that sends once an hour counts nothing in the first."""


class RestFacts(_RestFacts, total=False):
    """The facts of the rest. Records that earlier versions of the collection wrote have no `ends`."""

    ends: list[str]
    """The addresses to which the exporters send, such as `tempo:4317`."""


class JudgedProcessorRow(ProcessorRow):
    """A processor of the canary, with what passes it in the rest. canary_processors.py builds it."""

    rest_incoming: int
    """The items that came into the processor of the rest."""
    rest_outgoing: int
    """The items that left it."""
    rest_passes: str
    """What happens to the items in the rest, in words. A message shows it if `passes` is true."""
    passes: bool
    """Whether items should pass it: as the rest shows, and not for a processor that holds data for a while."""
    least: int
    """How many items must come in before it is a fault that none passed."""


class ComparisonFacts(TypedDict):
    """The facts of a canary, each row with what it is compared with in the rest."""

    seconds: int
    canary: RevisionFacts
    rest: RestFacts
    receives: list[dict[str, Any]]
    processes: list[JudgedProcessorRow]
    exports: list[dict[str, Any]]
    ports: list[RefusedPortRow]
    logs: list[JudgedLogRow]
