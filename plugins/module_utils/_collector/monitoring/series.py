# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The series of a collector in Prometheus: how the expressions of alerts and panels select them.

The tables of alerts and panels have expressions with placeholders such as `<process_uptime>`. `CollectorSeries.fill_in`
fills them in for one collector. `manifests/monitoring_series.py` builds a `CollectorSeries`. Private.

Example: `resets(<process_uptime>[15m]) > 0` becomes
`resets(otelcol_process_uptime{namespace="otel",o11y_opentelemetry_collector="gateway"}[15m]) > 0`.

Names: what the Collector serves depends on its version and on its readers. The default, in every version, is a name
without unit and `_total`. From 0.119.0 to 0.151.0, a reader in the config adds both; later, it does only if it says
so. Such names match by a pattern. Sources: the real Collectors 0.93.0 and 0.158.0; service/telemetry/migration of the
Collector (`WithoutTypeSuffix == nil`) in the versions between; documentation.md of memorylimiterprocessor.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..._otelcol.config.collector_versions import parse_version
from ..._otelcol.config.paths import list_at, value_at
from .used_components import NOUN_BY_SIGNAL

# The label of the series that has the name of the collector. Prometheus makes it of the label of the pods, by a
# PodMonitor as well as by annotations.
COLLECTOR = "o11y_opentelemetry_collector"
_SIGNAL_BY_NOUN = {noun: signal for signal, noun in NOUN_BY_SIGNAL.items()}
# A placeholder in an expression, such as `<matchers>`.
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")
# The ends of placeholders for the series of one signal: see `CollectorSeries.fill_in`.
_NOUN_ENDING = "_of"
_SIGNAL_LABEL_ENDING = "_by_signal"


class _EarlierName(NamedTuple):
    """The name of a metric before a version of the Collector."""

    name: str
    until_version: tuple[int, ...]


_EARLIER_NAMES = {"processor_memory_limiter_refused": _EarlierName("processor_refused", until_version=(0, 155))}
# A version that nobody knows counts as newer than all others.
_UNKNOWN_VERSION = (999,)


@dataclass(frozen=True)
class CollectorSeries:
    """The series of one collector."""

    matchers: str
    """The labels that select them in PromQL, such as `namespace="otel",o11y_opentelemetry_collector="gateway"`."""
    version: tuple[int, ...] = _UNKNOWN_VERSION
    """The version of the Collector that serves them."""
    has_renamed_metrics: bool = False
    """Whether names can have units and `_total`, so that they are matched by a pattern."""
    value_by_placeholder: Mapping[str, str] = field(default_factory=dict)
    """The placeholders that stand for a value and not for a metric, such as `memory_limit`."""

    def fill_in(self, text: str, noun: str = "") -> str:
        """Return an expression with a value, or the selector of a metric, in place of each placeholder.

        `noun` is that of the records of a signal, such as `spans`. With it,

        - `<noun>` becomes `spans`;
        - `<exporter_sent_of>` becomes `otelcol_exporter_sent_spans{…}`;
        - `<exporter_queue_size_by_signal>` becomes `otelcol_exporter_queue_size{…,data_type=~"traces|"}`: some versions
          of the Collector do not have the label.
        """
        return _PLACEHOLDER.sub(lambda match: self._fill_placeholder(match[1], noun), text)

    def _fill_placeholder(self, placeholder: str, noun: str) -> str:
        if placeholder in self.value_by_placeholder:
            return self.value_by_placeholder[placeholder]
        if placeholder == "noun":
            return noun
        if placeholder.endswith(_NOUN_ENDING):
            metric = self._name_in_version(placeholder.removesuffix(_NOUN_ENDING))
            return self._select_metric(f"{metric}_{noun}", self.matchers)
        if placeholder.endswith(_SIGNAL_LABEL_ENDING):
            metric = self._name_in_version(placeholder.removesuffix(_SIGNAL_LABEL_ENDING))
            return self._select_metric(metric, f'{self.matchers},data_type=~"{_SIGNAL_BY_NOUN[noun]}|"')
        return self._select_metric(self._name_in_version(placeholder), self.matchers)

    def _select_metric(self, metric: str, matchers: str) -> str:
        """Return the selector of a metric, such as `otelcol_exporter_sent_spans{…}`.

        A metric whose name may have a unit and `_total` is selected by a pattern:
        `{__name__=~"otelcol_exporter_sent_spans(__[a-z_]+)?(_seconds|_bytes)?(_total)?",…}`.
        """
        if not self.has_renamed_metrics:
            return f"otelcol_{metric}{{{matchers}}}"
        pattern = f"otelcol_{metric}(__[a-z_]+)?(_seconds|_bytes)?(_total)?"
        return f'{{__name__=~"{pattern}",{matchers}}}'

    def _name_in_version(self, metric: str) -> str:
        """Return how the version of this Collector names a metric."""
        earlier = _EARLIER_NAMES.get(metric)
        return earlier.name if earlier and self.version < earlier.until_version else metric


def format_matchers(labels: Mapping[str, str]) -> str:
    """Return labels as PromQL selects them, such as `namespace="otel",job="gateway"`."""
    return ",".join(f"{name}={quote_promql(value)}" for name, value in labels.items())


def quote_promql(text: str) -> str:
    """Return text as PromQL writes it: in double quotes, with backslashes before quotes in it."""
    return '"' + text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") + '"'


# ── The names of metrics by version ──

# From the first of these versions on, and before the second, readers add units and `_total` to names by default.
_FIRST_VERSION_WITH_SUFFIXES = (0, 119)
_FIRST_VERSION_WITHOUT_SUFFIXES = (0, 152)
# Where a reader, which is an item of `service.telemetry.metrics.readers`, has its options about names.
_READER_PATH = ("pull", "exporter", "prometheus")
# The options that keep a unit or `_total` out of names. Names stay plain if both are true.
_SUFFIX_OPTIONS = ("without_units", "without_type_suffix")


def parse_known_version(text: str) -> tuple[int, ...]:
    """Return a version as numbers, such as `(0, 158, 0)`; one that nobody knows counts as the newest."""
    return parse_version(text) or _UNKNOWN_VERSION


def may_have_suffixes(config: Mapping[str, Any], version: tuple[int, ...]) -> bool:
    """Return whether the names of metrics can have units and `_total`, by the version and the readers in a config."""
    is_plain_by_default = _is_plain_by_default(version)
    for reader in list_at(config, "service", "telemetry", "metrics", "readers"):
        settings = value_at(reader, _READER_PATH)
        if not isinstance(settings, dict):
            continue
        for option in _SUFFIX_OPTIONS:
            # Another value than true, such as `${env:PLAIN}`, is not known before the pod runs: it may add suffixes.
            if settings.get(option, is_plain_by_default) is not True:
                return True
    return False


def _is_plain_by_default(version: tuple[int, ...]) -> bool:
    """Return whether readers are known to leave names as they are. Of a version that nobody knows, it is not known."""
    if version == _UNKNOWN_VERSION:
        return False
    return version < _FIRST_VERSION_WITH_SUFFIXES or version >= _FIRST_VERSION_WITHOUT_SUFFIXES
