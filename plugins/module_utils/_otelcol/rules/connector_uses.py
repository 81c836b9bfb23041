# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where connectors stand in pipelines, and which signals they turn into which. Private.

A connector is an exporter of some pipelines and a receiver of others. For example, in this config `span_metrics` gets
traces and makes metrics:

    service:
      pipelines:
        traces: {receivers: [otlp], exporters: [span_metrics]}
        metrics: {receivers: [span_metrics], exporters: [debug]}

`find_connector_uses` returns its two places, `service.pipelines.traces.exporters[0]` and
`service.pipelines.metrics.receivers[0]`, and `find_conversions` the pair `("traces", "metrics")`. connectors.py has the
rules on connectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..config.component_ids import trim_id
from ..config.paths import PIPELINE_SIGNALS, Path, list_at, mapping_at
from ..config.pipelines import read_connector_ids
from .build_facts import build_of
from .configured_components import component_type
from .subject import Subject

# Pairs of a signal that a connector takes, and one that it makes of it.
SignalPairs = frozenset[tuple[str, str]]
# The roles of connectors in a pipeline, each with the one that they have in the pipeline at their other end.
OTHER_ROLE = {"exporters": "receivers", "receivers": "exporters"}


@dataclass
class ConnectorUse:
    """Where a connector stands in pipelines."""

    exporters: dict[str, Path] = field(default_factory=dict)
    """The path of its id in each pipeline that lists it among the exporters, by the key of the pipeline."""
    receivers: dict[str, Path] = field(default_factory=dict)
    """The same for the receivers."""

    def paths(self, role: str) -> dict[str, Path]:
        """Return the paths for a role, `exporters` or `receivers`."""
        return self.exporters if role == "exporters" else self.receivers

    def find_paths_by_signal(self, role: str) -> dict[str, Path]:
        """Return the first path of each signal of these pipelines, in their order."""
        paths: dict[str, Path] = {}
        for pipeline, path in self.paths(role).items():
            paths.setdefault(component_type(pipeline), path)
        return paths


def find_connector_uses(config: Any) -> dict[str, ConnectorUse]:
    """Return where each connector stands in pipelines, by its id. One that no pipeline lists is left out."""
    connector_ids = read_connector_ids(config)
    uses: dict[str, ConnectorUse] = {}
    if not connector_ids:
        return uses
    for pipeline, ids_by_role in mapping_at(config, "service", "pipelines").items():
        if component_type(pipeline) not in PIPELINE_SIGNALS:
            continue
        for role in OTHER_ROLE:
            for index, listed_id in enumerate(list_at(ids_by_role, role)):
                component_id = trim_id(listed_id)
                if isinstance(component_id, str) and component_id in connector_ids:
                    paths = uses.setdefault(component_id, ConnectorUse()).paths(role)
                    paths.setdefault(pipeline, ("service", "pipelines", pipeline, role, index))
    return uses


class SignalConversions(NamedTuple):
    """The signals that a connector takes, and what it makes of them."""

    signal_pairs: SignalPairs | None
    """None if they are not known."""
    doubt: str = ""
    """Why the pairs may be others in this build; empty if they are certain."""

    def may_convert(self, taken_signal: str, made_signal: str) -> bool:
        """Whether the connector turns a signal into another one, as far as that is known."""
        return self.signal_pairs is None or (taken_signal, made_signal) in self.signal_pairs


def find_conversions(subject: Subject, component_id: str) -> SignalConversions:
    """Return what a connector turns signals into. That is not known without a build, and of a type that it lacks."""
    if subject.target is None:
        return SignalConversions(None)
    build = build_of(subject.target)
    known_type = build.find_component("connectors", component_type(component_id))
    if known_type is None:
        return SignalConversions(None)
    return SignalConversions(known_type.signal_pairs, build.explain_signal_doubt(known_type))
