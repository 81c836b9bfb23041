# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the alerts and panels of a collector find its series, and the values that they compare them with. Private.

`monitoring.py` calls `build_monitored_collector`, and renders the tables of alerts and panels with the result. Example:
with `memory_limit: 512Mi`, the placeholder `<memory_limit>` of an expression has the value `536870912`.
"""

from __future__ import annotations

import re

from ..._otelcol.errors import Problem
from ..._otelcol.kube.operator_names import operator_workload_name
from ..._otelcol.kube.text_values import check_texts
from ..._otelcol.needs.quantities import parse_bytes
from ..monitoring.gpu_values import build_gpu_values
from ..monitoring.monitored_collector import MonitoredCollector
from ..monitoring.series import (
    COLLECTOR,
    CollectorSeries,
    format_matchers,
    may_have_suffixes,
    parse_known_version,
)
from ..monitoring.used_components import read_used_components
from .build import CollectorBuild
from .monitoring_features import find_monitoring_features
from .pod_stamp import read_pod_stamp

_ALL_PERCENT = 100
_SECONDS_PER_MINUTE = 60
_MINUTES_PER_DAY = 1440
# Source: prometheus.io, "Data model".
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


def build_monitored_collector(build: CollectorBuild) -> MonitoredCollector:
    """Return a collector as the tables of alerts and panels need it. Raises Problem for options that are not valid."""
    components = read_used_components(build.config)
    return MonitoredCollector(_build_series(build), components, find_monitoring_features(build, components))


def _build_series(build: CollectorBuild) -> CollectorSeries:
    """Return the series of the collector, with the values of the placeholders that stand for no metric."""
    version = parse_known_version(build.collector_version)
    values = _build_placeholder_values(build)
    return CollectorSeries(
        matchers=values["matchers"],
        version=version,
        has_renamed_metrics=may_have_suffixes(build.config, version),
        value_by_placeholder=values,
    )


def _build_placeholder_values(build: CollectorBuild) -> dict[str, str]:
    """Return the values of all placeholders that stand for no metric, by the names between `<` and `>`."""
    collector = build.collector
    default_labels = {"namespace": collector.namespace, COLLECTOR: collector.name}
    # A regular expression for the names of all its certificates. Names of objects have no other special character.
    certificates = "|".join(certificate["name"].replace(".", "[.]") for certificate in collector.certificates)
    full_minutes = _read_limit(build, "full_within_minutes", _MINUTES_PER_DAY)
    return {
        "matchers": format_matchers(read_prometheus_labels(build, "series_labels") or default_labels),
        "name": collector.name,
        "namespace": collector.namespace,
        "workload": operator_workload_name(collector.name) if collector.backend == "operator" else collector.name,
        "certificate_matcher": f'name=~"{certificates}"',
        "config_hash": read_pod_stamp(build).short_hash,
        "memory_limit": str(parse_bytes(collector.memory_limit)),
        "memory_share": _read_share(build, "memory_percent"),
        "queue_share": _read_share(build, "queue_percent"),
        "full_within": str(full_minutes * _SECONDS_PER_MINUTE),
        "full_minutes": str(full_minutes),
        **build_gpu_values(collector.monitoring.get("gpus")),
    }


def _read_share(build: CollectorBuild, option: str) -> str:
    """Return an option in percent as a share, which series have: `80` is `0.8`. By default, it is all."""
    return f"{_read_limit(build, option, _ALL_PERCENT) / _ALL_PERCENT:g}"


def _read_limit(build: CollectorBuild, option: str, largest: int) -> int:
    """Return an option that is a number from 1 to the largest one; by default, the largest.

    Raises Problem for another number, with which an alert would fire always or never.
    """
    limit: int | None = build.collector.monitoring.get(option)
    if limit is None:
        return largest
    if not 1 <= limit <= largest:
        wrong = f"option '{option}' of collector '{build.collector.name}' is {limit}"
        raise Problem(wrong, where="monitoring", fix=f"Use a number from 1 to {largest}.")
    return limit


def read_prometheus_labels(build: CollectorBuild, option: str) -> dict[str, str]:
    """Return an option with labels of Prometheus. Raises Problem for a name that Prometheus does not take."""
    labels = check_texts(f"monitoring.{option}", build.collector.monitoring.get(option) or {})
    for name in labels:
        if not _LABEL_NAME.match(name):
            wrong = f"'{name}' is not a valid name of a label in Prometheus"
            raise Problem(
                wrong, where=f"monitoring.{option}", fix="Use letters, digits and underscores, no digit first."
            )
    return labels
