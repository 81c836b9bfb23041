# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the alerts and panels of a collector depend on: its facts, its series, and values of its options. Private.

A fact is a word such as `gpus` that an alert or a panel needs (`needed_facts`). Series are the names of the collector's
own metrics in Prometheus. Values stand in place of placeholders such as `<gpu_power>` in expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._otelcol.needs.quantities import parse_bytes
from ..._otelcol.traits import sends_nothing
from ..critical import critical_table, critical_use
from ..monitoring.gpu_rules import build_gpu_values, list_gpu_facts
from ..monitoring.series import (
    COLLECTOR,
    CollectorSeries,
    format_matchers,
    may_have_suffixes,
    parse_known_version,
    read_parts,
)
from . import open_telemetry_collector
from .build import CollectorBuild
from .pod import HASH_ANNOTATION

# The value of option `scrape` that makes a PodMonitor.
POD_MONITOR = "pod_monitor"
# Of the hash of a config, in label `config_hash` of the series.
HASH_DIGITS = 10
_ALL_PERCENT = 100
_SECONDS_PER_MINUTE, _MINUTES_PER_DAY = 60, 1440
# Source: prometheus.io, "Data model".
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
# The version from which processors count what goes in and out.
_FIRST_VERSION_WITH_ITEMS = (0, 111)


class PodStamp(NamedTuple):
    """The annotation of the pods that changes with the config, and its value for this config."""

    annotation: str
    value: str


def read_pod_stamp(build: CollectorBuild) -> PodStamp:
    """Return the annotation that tells the pods of one config from those of another, with its value: a hash.

    With backend operator, the hash is over all that replaces the pods.
    """
    if build.collector.backend != "operator":
        return PodStamp(HASH_ANNOTATION, build.config_hash)
    pod_annotations = open_telemetry_collector.render_collector_resource(build)["spec"].get("podAnnotations") or {}
    return PodStamp(names.SPEC_HASH, pod_annotations.get(names.SPEC_HASH, ""))


# ── What alerts and panels ask for ──


def list_monitoring_facts(build: CollectorBuild) -> frozenset[str]:
    """Return the facts that alerts and panels may need: kinds and types of components, and abilities such as `gpus`."""
    parts = read_parts(build.config)
    critical_facts = map(critical_table.component_fact, critical_use.list_components(build.collector.recipes))
    return frozenset((*parts.component_kinds, *parts.component_types, *critical_facts, *_list_deployment_facts(build)))


def _list_deployment_facts(build: CollectorBuild) -> Iterator[str]:
    """Yield what a collector has by its options, its config and its version."""
    collector = build.collector
    options = collector.monitoring
    version = parse_known_version(build.collector_version)
    facts = {
        "daemonset": collector.mode == "daemonset",
        "every_node": collector.every_node and not collector.nodes,
        "kube_state_metrics": bool(options.get("kube_state_metrics")),
        "workloads": bool(options.get("workloads")),
        "config_hash": options.get("scrape") == POD_MONITOR,
        "certificates": bool(collector.certificates),
        "queue": any(_has_queue(build.config, name) for name in mapping_at(build.config, "exporters")),
        "items": version >= _FIRST_VERSION_WITH_ITEMS,
        "dropped": version < _FIRST_VERSION_WITH_ITEMS,
        **list_gpu_facts(options.get("gpus")),
    }
    for name, is_true in facts.items():
        if is_true:
            yield name


def _has_queue(config: Mapping[str, Any], name: str) -> bool:
    """Whether an exporter keeps a queue: one that sends requests, unless the config turns it off."""
    queue_settings = mapping_at(config, "exporters", name, "sending_queue")
    return not sends_nothing(name) and queue_settings.get("enabled") is not False


# ── What expressions compare ──


def build_monitoring_series(build: CollectorBuild) -> CollectorSeries:
    """Return the series of the collector, and the values that its expressions compare them with."""
    collector = build.collector
    version = parse_known_version(build.collector_version)
    default_labels = {"namespace": collector.namespace, COLLECTOR: collector.name}
    certificates = "|".join(certificate["name"].replace(".", "[.]") for certificate in collector.certificates)
    full_minutes = _read_number(build, "full_within_minutes", _MINUTES_PER_DAY)
    values = {
        "matchers": format_matchers(read_prometheus_labels(build, "series_labels") or default_labels),
        "name": collector.name,
        "namespace": collector.namespace,
        "workload": names.operator_child_name(collector.name) if collector.backend == "operator" else collector.name,
        "names": f'name=~"{certificates}"',
        "config_hash": read_pod_stamp(build).value[:HASH_DIGITS],
        "memory_limit": str(parse_bytes(collector.memory_limit)),
        "memory_share": _read_share(build, "memory_percent"),
        "queue_share": _read_share(build, "queue_percent"),
        "full_within": str(full_minutes * _SECONDS_PER_MINUTE),
        "full_minutes": str(full_minutes),
        **build_gpu_values(collector.monitoring.get("gpus")),
    }
    return CollectorSeries(values["matchers"], version, may_have_suffixes(build.config, version), values)


def _read_share(build: CollectorBuild, name: str) -> str:
    """Return an option in percent as a part of one, which series have. All is 100 percent."""
    return f"{_read_number(build, name, _ALL_PERCENT) / _ALL_PERCENT:g}"


def _read_number(build: CollectorBuild, name: str, largest: int) -> int:
    """Return an option that is a number, the largest one if it is not given.

    Raises Problem for a number with which an alert would fire always or never.
    """
    value = build.collector.monitoring.get(name)
    if value is None or 1 <= value <= largest:
        return value or largest
    wrong = f"option '{name}' of collector '{build.collector.name}' is {value}"
    raise Problem(wrong, where="monitoring", fix=f"Use a number from 1 to {largest}.")


def read_prometheus_labels(build: CollectorBuild, name: str) -> dict[str, str]:
    """Return an option with labels of Prometheus. Raises Problem for a name that Prometheus does not take."""
    labels = names.check_texts(f"monitoring.{name}", build.collector.monitoring.get(name) or {})
    invalid_key = next((key for key in labels if not _LABEL_NAME.match(key)), None)
    if invalid_key is not None:
        wrong = f"'{invalid_key}' is not a valid name of a label in Prometheus"
        raise Problem(wrong, where=f"monitoring.{name}", fix="Use letters, digits and underscores, no digit first.")
    return labels
