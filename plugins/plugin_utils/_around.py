# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules know about one collector of its neighbours: those that send to it, and those that get its data.

`_connected_collectors.py` describes all collectors of a run, and `_judged_collectors.py` tells the rules. A hop is a
collector as others reach it, and routes say which hops each of its exporters reaches (data_flow.py). Surroundings in
this file are the neighbours of a collector; `RuleSurroundings` of _drafted.py are another thing. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..module_utils._otelcol.rules.annotated_scrapes import AnnotatedScrape
from ..module_utils._otelcol.rules.data_flow import (
    Routes,
    find_downstream_printers,
    find_other_scrapes,
    find_receiving_collectors,
    find_routing_keys,
    find_senders,
    find_unreceived_signals,
    find_unseen_collectors,
)
from ..module_utils._otelcol.rules.flow_collectors import FlowCollector
from ..module_utils._otelcol.rules.subject import Printer, Receiving


@dataclass(frozen=True)
class CollectorSurroundings:
    """What the rules know about one collector of the others of a run. The fields are those of `rules/subject.py`."""

    printers: Mapping[str, tuple[Printer, ...]] = field(default_factory=dict)
    senders: tuple[str, ...] = ()
    routing: Mapping[str, set[str]] | None = None
    unreceived: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    unseen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    receiving: Mapping[str, tuple[Receiving, ...]] = field(default_factory=dict)
    scraping: tuple[AnnotatedScrape, ...] = ()

    @classmethod
    def describe_each(cls, hops: Sequence[FlowCollector], routes: Routes) -> list[CollectorSurroundings]:
        """Return the surroundings of each collector of a run, in the order of `hops`.

        `hops` describes the collectors as receivers, `routes` says which of them each exporter reaches.
        """
        printers = find_downstream_printers(hops, routes)
        senders = find_senders(hops, routes)
        routing = find_routing_keys(hops, routes)
        unreceived = find_unreceived_signals(hops, routes)
        unseen = find_unseen_collectors(hops, routes)
        receiving = find_receiving_collectors(hops, routes)
        scraping = find_other_scrapes(hops)
        return [
            cls(
                printers=printers[index],
                senders=senders[index],
                routing=routing[index],
                unreceived=unreceived[index],
                unseen=unseen[index],
                receiving=receiving[index],
                scraping=scraping[index],
            )
            for index in range(len(hops))
        ]
