# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is around a collector: the other collectors of a run that send to it, or get its data. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..module_utils._otelcol.rules.annotated_scrapes import AnnotatedScrape
from ..module_utils._otelcol.rules.data_flow import (
    Hop,
    Routes,
    downstream_printers,
    receiving_collectors,
    routing_to,
    scrapes_beside,
    senders_to,
    unreceived_signals,
    unseen_collectors,
)
from ..module_utils._otelcol.rules.subject import Printer, Receiving


@dataclass(frozen=True)
class Around:
    """What the rules know of the other collectors of a run about one of them, as their `Subject` describes it."""

    printers: Mapping[str, tuple[Printer, ...]] = field(default_factory=dict)
    senders: tuple[str, ...] = ()
    routing: Mapping[str, set[str]] | None = None
    unreceived: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    unseen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    receiving: Mapping[str, tuple[Receiving, ...]] = field(default_factory=dict)
    scraping: tuple[AnnotatedScrape, ...] = ()

    @classmethod
    def of_each(cls, hops: Sequence[Hop], routes: Routes) -> list[Around]:
        """Return what is around each of the collectors."""
        printers = downstream_printers(hops, routes)
        senders = senders_to(hops, routes)
        routing = routing_to(hops, routes)
        unreceived = unreceived_signals(hops, routes)
        unseen = unseen_collectors(hops, routes)
        receiving = receiving_collectors(hops, routes)
        scraping = scrapes_beside(hops)
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
