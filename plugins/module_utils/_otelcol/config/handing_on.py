# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pipelines get the very records of others: connectors such as routing hand on what they get.

Other connectors, such as span_metrics, make new records. What worked on a record once needs not work on it again.
Source: the READMEs of the connectors in opentelemetry-collector and opentelemetry-collector-contrib. Private.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..traits import hands_on


@dataclass(frozen=True)
class RecordFlow:
    """Pipelines, by name with the ids of their receivers and exporters, and the ids of all connectors."""

    pipelines: Mapping[str, Mapping[str, Sequence[str]]]
    connectors: Collection[str]

    @cached_property
    def _sending_to(self) -> Mapping[str, Sequence[str]]:
        """The pipelines that send to each connector, read once: a config may have thousands."""
        sending: dict[str, list[str]] = {}
        for pipeline, ends in self.pipelines.items():
            for connector in dict.fromkeys(ends.get("exporters", ())):
                sending.setdefault(connector, []).append(pipeline)
        return sending

    def feeders(self, pipeline: str) -> Iterator[tuple[str, str]]:
        """Yield the pipelines whose records a pipeline gets at once, each with the connector between them."""
        for connector in filter(self._hands_on, self._receivers(pipeline)):
            for other in self._sending_to.get(connector, ()):
                if other != pipeline:
                    yield other, connector

    def before(self, pipeline: str) -> dict[str, str]:
        """Return all pipelines through which records may come to a pipeline, each with the connector behind it."""
        found: dict[str, str] = {}
        waiting = [pipeline]
        while waiting:
            for other, connector in self.feeders(waiting.pop()):
                if other != pipeline and other not in found:
                    found[other] = connector
                    waiting.append(other)
        return found

    def gets_only_from(self, pipeline: str, others: Collection[str], seen: tuple[str, ...] = ()) -> bool:
        """Whether every record of a pipeline came through one of these other pipelines before."""
        feeders = [other for other, _connector in self.feeders(pipeline)]
        if not feeders or pipeline in seen or not all(map(self._hands_on, self._receivers(pipeline))):
            return False
        return all(one in others or self.gets_only_from(one, others, (*seen, pipeline)) for one in feeders)

    def _receivers(self, pipeline: str) -> Sequence[str]:
        return self.pipelines.get(pipeline, {}).get("receivers", ())

    def _hands_on(self, receiver: str) -> bool:
        return receiver in self.connectors and hands_on(receiver)
