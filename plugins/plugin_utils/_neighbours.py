# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules know of the neighbours of a collector: those that send to it, and those that get its data. Private.

`_linked_collectors.py` describes all collectors of a run, and `_judged_collectors.py` tells the rules. For example,
collector `agent` exports traces by `otlp_grpc/gateway` to collector `gateway`, which takes no traces. Then the facts of
`agent` have `unreceived_signals={"otlp_grpc/gateway": (Unreceived("gateway", "traces"),)}`, and a rule reports it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..module_utils._otelcol.rules.annotated_scrapes import AnnotatedScrape
from ..module_utils._otelcol.rules.data_flow import (
    FlowNode,
    find_downstream_printers,
    find_other_scrapes,
    find_receiving_collectors,
    find_routing_keys,
    find_senders_without_pods,
    find_unreceived_signals,
    find_unseen_collectors,
)
from ..module_utils._otelcol.rules.subject import Printer, Receiving, Unreceived


@dataclass(frozen=True)
class NeighbourFacts:
    """What the rules know of the neighbours of one collector. `Subject` of rules/subject.py has the same fields."""

    printers_by_exporter: Mapping[str, tuple[Printer, ...]] = field(default_factory=dict)
    """By exporter, what prints the data that it sends on."""
    incomplete_senders: tuple[str, ...] = ()
    """The collectors that send data of applications here without their pods."""
    complete_routing_keys: Mapping[str, set[str]] | None = None
    """By signal, the keys by which the others divide it among the replicas; None if not all senders are known."""
    unreceived_signals: Mapping[str, tuple[Unreceived, ...]] = field(default_factory=dict)
    """By exporter, the signals that it sends in vain, each with the collector."""
    unseen_collectors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By exporter that balances, the collectors whose new replicas it never learns of."""
    receiving_collectors: Mapping[str, tuple[Receiving, ...]] = field(default_factory=dict)
    """By exporter, the collectors that get its requests."""
    annotated_scrapes: tuple[AnnotatedScrape, ...] = ()
    """The jobs by which other collectors scrape annotated pods."""


def describe_neighbours(own_node: FlowNode, all_nodes: Iterable[FlowNode]) -> NeighbourFacts:
    """Return what the rules know of the neighbours of a collector of a run, among all nodes of the run."""
    return NeighbourFacts(
        printers_by_exporter=find_downstream_printers(own_node),
        incomplete_senders=find_senders_without_pods(own_node),
        complete_routing_keys=find_routing_keys(own_node),
        unreceived_signals=find_unreceived_signals(own_node),
        unseen_collectors=find_unseen_collectors(own_node),
        receiving_collectors=find_receiving_collectors(own_node),
        annotated_scrapes=find_other_scrapes(own_node, all_nodes),
    )
