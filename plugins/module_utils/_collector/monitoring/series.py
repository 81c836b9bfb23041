# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The series by which Prometheus knows a collector, and what its config has that they are about. Private.

Names: what the Collector serves depends on its version and on its readers. The default, in every version, is a name
without unit and `_total`. From 0.119.0 to 0.151.0, a reader in the config adds both; later, it does only if it says
so. Such names match by a pattern. Sources: the real Collectors 0.93.0 and 0.158.0; service/telemetry/migration of the
Collector (`WithoutTypeSuffix == nil`) in the versions between; documentation.md of memorylimiterprocessor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._otelcol.config.layers import parse_version
from ..._otelcol.config.paths import ROLES, list_at, value_at
from ..._otelcol.config.pipelines import PipelineGraph
from ..._otelcol.traits import kind_of

# What records of each signal are called in names of metrics. Source: documentation.md of exporterhelper.
NOUNS = {"traces": "spans", "metrics": "metric_points", "logs": "log_records", "profiles": "profile_samples"}
_SIGNALS = {noun: signal for signal, noun in NOUNS.items()}
# The label that both ways of scraping make of the label of the pods.
COLLECTOR = "o11y_opentelemetry_collector"
_SUFFIXED_SINCE, _PLAIN_SINCE = (0, 119), (0, 152)
# What metrics were called before a version.
_EARLIER_NAMES = {"processor_memory_limiter_refused": ("processor_refused", (0, 155))}
_READER_PATH = ("pull", "exporter", "prometheus")
_SUFFIX_OPTIONS = ("without_units", "without_type_suffix")
_UNKNOWN_VERSION = (999,)
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")


@dataclass(frozen=True)
class Series:
    """The series of one collector: the labels that select them, the version that serves them, the values of its run."""

    matchers: str
    version: tuple[int, ...] = _UNKNOWN_VERSION
    has_renamed_metrics: bool = False
    value_by_name: Mapping[str, str] = ()  # type: ignore[assignment]

    def fill_in(self, text: str, noun: str = "") -> str:
        """Return an expression with a selector, or a value, in place of each `<name>`.

        `<name_of>` ends with a noun, and `<name_by_signal>` has the label of its signal, if versions have it.
        """
        return _PLACEHOLDER.sub(lambda match: self._fill_token(match[1], noun), text)

    def _fill_token(self, name: str, noun: str) -> str:
        if name in self.value_by_name or name == "noun":
            return self.value_by_name.get(name, noun)
        metric_stem, is_by_signal = name.removesuffix("_of").removesuffix("_by_signal"), name.endswith("_by_signal")
        metric = self._name_in_version(metric_stem) + (f"_{noun}" if name.endswith("_of") else "")
        signal = f',data_type=~"{_SIGNALS[noun]}|"' if is_by_signal else ""
        if not self.has_renamed_metrics:
            return f"otelcol_{metric}{{{self.matchers}{signal}}}"
        pattern = f"otelcol_{metric}(__[a-z_]+)?(_seconds|_bytes)?(_total)?"
        return f'{{__name__=~"{pattern}",{self.matchers}{signal}}}'

    def _name_in_version(self, name: str) -> str:
        earlier_name, until_version = _EARLIER_NAMES.get(name, ("", ()))
        return earlier_name if self.version < until_version else name


def format_matchers(labels: Mapping[str, str]) -> str:
    """Return labels as PromQL selects them."""
    return ",".join(f"{name}={quote_promql(value)}" for name, value in labels.items())


def quote_promql(text: str) -> str:
    """Return text as PromQL writes it."""
    return '"' + text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") + '"'


def parse_known_version(text: str) -> tuple[int, ...]:
    """Return a version as numbers; one that nobody knows counts as the newest."""
    return parse_version(text) or _UNKNOWN_VERSION


def may_have_suffixes(config: Mapping[str, Any], version: tuple[int, ...]) -> bool:
    """Whether the names of metrics can have units and `_total`."""
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
    """What a config has that the alerts and panels are about."""

    component_kinds: frozenset[str]
    component_types: frozenset[str]
    signals_by_kind: Mapping[str, tuple[str, ...]]

    def list_nouns(self, kind: str) -> Sequence[str]:
        """Return the nouns of the signals in whose pipelines there is a component of this kind."""
        return [noun for signal, noun in NOUNS.items() if signal in self.signals_by_kind.get(kind, ())]


def read_parts(config: Mapping[str, Any]) -> Parts:
    """Return the kinds, types and signals of the components in pipelines. A connector counts as none of both ends."""
    types: set[str] = set()
    signals_of_kind: dict[str, set[str]] = {}
    for kind, component_type, signal in _list_pipeline_components(config):
        types.add(f"{kind}/{component_type}")
        signals_of_kind.setdefault(kind, set()).add(signal)
    signals_by_kind = {kind: tuple(sorted(signals)) for kind, signals in sorted(signals_of_kind.items())}
    return Parts(frozenset(signals_by_kind), frozenset(types), signals_by_kind)


def _list_pipeline_components(config: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    graph = PipelineGraph.of(config)
    for role in ROLES:
        for component_id, signals in graph.find_signals_by_id(role).items():
            yield from ((role, kind_of(component_id), signal) for signal in signals)
