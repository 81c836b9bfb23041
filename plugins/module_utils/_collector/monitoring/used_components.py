# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which components the pipelines of a config use, and for which signals: they decide which alerts and panels there are.

`manifests/monitoring.py` reads them from the config of a collector, and `alerts.py` and `dashboard.py` ask for the
signals of a kind of components: each gets a rule and a graph of its own. Private.

Example: with the pipelines `traces` and `logs/audit`, each from receiver `otlp` to exporter `otlp/backend`, the
component types are `receivers/otlp` and `exporters/otlp`, and the record nouns of `exporters` are `spans` and
`log_records`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._otelcol.config.paths import ROLES
from ..._otelcol.config.pipelines import PipelineGraph
from ..._otelcol.traits import kind_of

# The noun by which names of metrics call the records of a signal. Source: documentation.md of exporterhelper.
NOUN_BY_SIGNAL = {
    "traces": "spans",
    "metrics": "metric_points",
    "logs": "log_records",
    "profiles": "profile_samples",
}


@dataclass(frozen=True)
class UsedComponents:
    """The components in the pipelines of a config. Their kinds are `receivers`, `processors` and `exporters`."""

    kinds: frozenset[str]
    types: frozenset[str]
    """The types with their kinds, such as `processors/memorylimiter`."""
    signals_by_kind: Mapping[str, tuple[str, ...]]

    def list_record_nouns(self, kind: str) -> list[str]:
        """Return the nouns, such as `spans`, of the signals in whose pipelines there is a component of this kind."""
        signals = self.signals_by_kind.get(kind, ())
        return [noun for signal, noun in NOUN_BY_SIGNAL.items() if signal in signals]


def read_used_components(config: Mapping[str, Any]) -> UsedComponents:
    """Return the components of a config. A connector counts neither as a receiver nor as an exporter."""
    types: set[str] = set()
    signals_of_kind: dict[str, set[str]] = {}
    graph = PipelineGraph.of(config)
    for kind in ROLES:
        for component_id, signals in graph.find_signals_by_id(kind).items():
            types.add(f"{kind}/{kind_of(component_id)}")
            signals_of_kind.setdefault(kind, set()).update(signals)
    signals_by_kind = {kind: tuple(sorted(signals)) for kind, signals in sorted(signals_of_kind.items())}
    return UsedComponents(frozenset(signals_by_kind), frozenset(types), signals_by_kind)
