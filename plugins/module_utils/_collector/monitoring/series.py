# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The series of a collector in Prometheus: how alerts and panels select them, and which components they are about.

`alerts` and `dashboard` have expressions with placeholders such as `<process_uptime>`. A Series fills them in for one
collector, and Parts says which components the collector has. Private.

Names: what the Collector serves depends on its version and on its readers. The default, in every version, is a name
without unit and `_total`. From 0.119.0 to 0.151.0, a reader in the config adds both; later, it does only if it says
so. Such names match by a pattern. Sources: the real Collectors 0.93.0 and 0.158.0; service/telemetry/migration of the
Collector (`WithoutTypeSuffix == nil`) in the versions between; documentation.md of memorylimiterprocessor.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..._otelcol.config.layers import parse_version
from ..._otelcol.config.paths import ROLES, list_at, value_at
from ..._otelcol.config.pipelines import PipelineGraph
from ..._otelcol.traits import kind_of

# What records of each signal are called in names of metrics. Source: documentation.md of exporterhelper.
NOUNS = {"traces": "spans", "metrics": "metric_points", "logs": "log_records", "profiles": "profile_samples"}
_SIGNAL_BY_NOUN = {noun: signal for signal, noun in NOUNS.items()}
# The label that both ways of scraping make of the label of the pods.
COLLECTOR = "o11y_opentelemetry_collector"


class _EarlierName(NamedTuple):
    """The name of a metric before a version of the Collector."""

    name: str
    until_version: tuple[int, ...]


_EARLIER_NAMES = {"processor_memory_limiter_refused": _EarlierName("processor_refused", until_version=(0, 155))}
# From the first version on, and before the second, names have units and `_total` by default.
_SUFFIXED_SINCE, _PLAIN_SINCE = (0, 119), (0, 152)
_READER_PATH = ("pull", "exporter", "prometheus")
_SUFFIX_OPTIONS = ("without_units", "without_type_suffix")
_UNKNOWN_VERSION = (999,)
# A placeholder in an expression, such as `<matchers>`.
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")


@dataclass(frozen=True)
class CollectorSeries:
    """The series of one collector."""

    matchers: str
    """The labels that select them in PromQL, such as `namespace="otel",o11y_opentelemetry_collector="gateway"`."""
    version: tuple[int, ...] = _UNKNOWN_VERSION
    """The version of the Collector that serves them."""
    has_renamed_metrics: bool = False
    """Whether names can have units and `_total`, so that they are matched by a pattern."""
    value_by_name: Mapping[str, str] = field(default_factory=dict)
    """Values that stand in place of placeholders, such as the memory limit of the collector."""

    def fill_in(self, text: str, noun: str = "") -> str:
        """Return an expression with a value, or the selector of a metric, in place of each placeholder.

        `noun` are the records of a signal, such as `spans`. With it,

        - `<noun>` becomes `spans`;
        - `<exporter_sent_of>` becomes `otelcol_exporter_sent_spans{…}`;
        - `<exporter_queue_size_by_signal>` becomes `otelcol_exporter_queue_size{…,data_type=~"traces|"}`: some versions
          of the Collector do not have the label.
        """
        return _PLACEHOLDER.sub(lambda match: self._fill_placeholder(match[1], noun), text)

    def _fill_placeholder(self, name: str, noun: str) -> str:
        if name in self.value_by_name:
            return self.value_by_name[name]
        if name == "noun":
            return noun
        metric = self._name_in_version(name.removesuffix("_of").removesuffix("_by_signal"))
        if name.endswith("_of"):
            metric = f"{metric}_{noun}"
        matchers = self.matchers
        if name.endswith("_by_signal"):
            matchers = f'{matchers},data_type=~"{_SIGNAL_BY_NOUN[noun]}|"'
        if not self.has_renamed_metrics:
            return f"otelcol_{metric}{{{matchers}}}"
        pattern = f"otelcol_{metric}(__[a-z_]+)?(_seconds|_bytes)?(_total)?"
        return f'{{__name__=~"{pattern}",{matchers}}}'

    def _name_in_version(self, name: str) -> str:
        """Return how the version of this Collector names a metric."""
        earlier = _EARLIER_NAMES.get(name)
        return earlier.name if earlier and self.version < earlier.until_version else name


def format_matchers(labels: Mapping[str, str]) -> str:
    """Return labels as PromQL selects them."""
    return ",".join(f"{name}={quote_promql(value)}" for name, value in labels.items())


def quote_promql(text: str) -> str:
    """Return text as PromQL writes it."""
    return '"' + text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") + '"'


def parse_known_version(text: str) -> tuple[int, ...]:
    """Return a version as numbers, such as `(0, 158, 0)`; one that nobody knows counts as the newest."""
    return parse_version(text) or _UNKNOWN_VERSION


def may_have_suffixes(config: Mapping[str, Any], version: tuple[int, ...]) -> bool:
    """Return whether the names of metrics can have units and `_total`, by the version and the readers in a config."""
    is_plain_by_default = version != _UNKNOWN_VERSION and not _SUFFIXED_SINCE <= version < _PLAIN_SINCE
    for reader in list_at(config, "service", "telemetry", "metrics", "readers"):
        settings = value_at(reader, _READER_PATH)
        if not isinstance(settings, dict):
            continue
        for name in _SUFFIX_OPTIONS:
            if settings.get(name, is_plain_by_default) is not True:
                return True
    return False


@dataclass(frozen=True)
class Parts:
    """The components in the pipelines of a config. Their kinds are `receivers`, `processors` and `exporters`."""

    component_kinds: frozenset[str]
    component_types: frozenset[str]
    """The types with their kinds, such as `processors/memorylimiter`."""
    signals_by_kind: Mapping[str, tuple[str, ...]]

    def list_nouns(self, kind: str) -> Sequence[str]:
        """Return the nouns of the signals in whose pipelines there is a component of this kind."""
        return [noun for signal, noun in NOUNS.items() if signal in self.signals_by_kind.get(kind, ())]


def read_parts(config: Mapping[str, Any]) -> Parts:
    """Return the components of a config. A connector counts neither as a receiver nor as an exporter."""
    types: set[str] = set()
    signals_of_kind: dict[str, set[str]] = {}
    graph = PipelineGraph.of(config)
    for kind in ROLES:
        for component_id, signals in graph.find_signals_by_id(kind).items():
            types.add(f"{kind}/{kind_of(component_id)}")
            signals_of_kind.setdefault(kind, set()).update(signals)
    signals_by_kind = {kind: tuple(sorted(signals)) for kind, signals in sorted(signals_of_kind.items())}
    return Parts(frozenset(signals_by_kind), frozenset(types), signals_by_kind)
