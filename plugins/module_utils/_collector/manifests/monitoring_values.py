# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the alerts and panels of a collector depend on: its facts, its series, and values of its options. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._otelcol.needs.quantities import parse_bytes
from ..._otelcol.traits import sends_nothing
from ..critical import critical_table, critical_use
from ..monitoring.gpu_rules import gpu_facts, gpu_values
from ..monitoring.series import COLLECTOR, Series, matchers, parts_of, renamed, version_of
from . import open_telemetry_collector
from .build import CollectorBuild
from .pod import HASH_ANNOTATION

# The value of option `scrape` that makes a PodMonitor.
POD_MONITOR = "pod_monitor"
# Of the hash of a config, in label `config_hash` of the series.
HASH_DIGITS = 10
_ALL_PERCENT = 100
_SECONDS_OF_MINUTE, _MINUTES_OF_DAY = 60, 1440
# Source: prometheus.io, "Data model".
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
# The version from which processors count what goes in and out.
_ITEMS = (0, 111)


class PodStamp(NamedTuple):
    """The annotation of the pods that changes with the config, and its value for this config."""

    annotation: str
    value: str


def pod_stamp(build: CollectorBuild) -> PodStamp:
    """Return what tells the pods of one config from those of another. The operator has a hash of all that it gets."""
    if build.collector.backend != "operator":
        return PodStamp(HASH_ANNOTATION, build.config_hash)
    pods = open_telemetry_collector.open_telemetry_collector(build)["spec"].get("podAnnotations") or {}
    return PodStamp(names.SPEC_HASH, pods.get(names.SPEC_HASH, ""))


# ── What alerts and panels ask for ──


def monitoring_facts(build: CollectorBuild) -> frozenset[str]:
    """Return what alerts and panels ask for: kinds and types of components, and what the collector has."""
    parts = parts_of(build.config)
    scraped = map(critical_table.fact, critical_use.components(build.collector.recipes))
    return frozenset((*parts.kinds, *parts.types, *scraped, *_facts_of_deployment(build)))


def _facts_of_deployment(build: CollectorBuild) -> Iterator[str]:
    """Yield what a collector has by its options, its config and its version."""
    collector = build.collector
    options = collector.monitoring
    version = version_of(build.collector_version)
    facts = {
        "daemonset": collector.mode == "daemonset",
        "every_node": collector.every_node and not collector.nodes,
        "kube_state_metrics": bool(options.get("kube_state_metrics")),
        "workloads": bool(options.get("workloads")),
        "config_hash": options.get("scrape") == POD_MONITOR,
        "certificates": bool(collector.certificates),
        "queue": any(_queues(build.config, name) for name in section(build.config, "exporters")),
        "items": version >= _ITEMS,
        "dropped": version < _ITEMS,
        **gpu_facts(options.get("gpus")),
    }
    for name, holds in facts.items():
        if holds:
            yield name


def _queues(config: Mapping[str, Any], name: str) -> bool:
    """Whether an exporter keeps a queue: one that sends requests, unless the config turns it off."""
    settings = section(config, "exporters", name, "sending_queue")
    return not sends_nothing(name) and settings.get("enabled") is not False


# ── What expressions compare ──


def monitoring_series(build: CollectorBuild) -> Series:
    """Return the series of the collector, and the values that its expressions compare them with."""
    collector = build.collector
    version = version_of(build.collector_version)
    usual = {"namespace": collector.namespace, COLLECTOR: collector.name}
    certificates = "|".join(item["name"].replace(".", "[.]") for item in collector.certificates)
    minutes = _number(build, "full_within_minutes", _MINUTES_OF_DAY)
    values = {
        "matchers": matchers(prometheus_labels(build, "series_labels") or usual),
        "name": collector.name,
        "namespace": collector.namespace,
        "workload": names.child(collector.name) if collector.backend == "operator" else collector.name,
        "names": f'name=~"{certificates}"',
        "config_hash": pod_stamp(build).value[:HASH_DIGITS],
        "memory_limit": str(parse_bytes(collector.memory_limit)),
        "memory_share": _share(build, "memory_percent"),
        "queue_share": _share(build, "queue_percent"),
        "full_within": str(minutes * _SECONDS_OF_MINUTE),
        "full_minutes": str(minutes),
        **gpu_values(collector.monitoring.get("gpus")),
    }
    return Series(values["matchers"], version, renamed(build.config, version), values)


def _share(build: CollectorBuild, name: str) -> str:
    """Return an option in percent as a part of one, which series have. All is 100 percent."""
    return f"{_number(build, name, _ALL_PERCENT) / _ALL_PERCENT:g}"


def _number(build: CollectorBuild, name: str, most: int) -> int:
    """Return an option that is a number, the largest one if it is not given.

    Raises Problem for a number with which an alert would fire always or never.
    """
    value = build.collector.monitoring.get(name)
    if value is None or 1 <= value <= most:
        return value or most
    wrong = f"option '{name}' of collector '{build.collector.name}' is {value}"
    raise Problem(wrong, where="monitoring", fix=f"Use a number from 1 to {most}.")


def prometheus_labels(build: CollectorBuild, name: str) -> dict[str, str]:
    """Return an option with labels of Prometheus. Raises Problem for a name that Prometheus does not take."""
    labels = names.texts(f"monitoring.{name}", build.collector.monitoring.get(name) or {})
    unfit = next((key for key in labels if not _LABEL.match(key)), None)
    if unfit is not None:
        wrong = f"'{unfit}' is not a valid name of a label in Prometheus"
        raise Problem(wrong, where=f"monitoring.{name}", fix="Use letters, digits and underscores, no digit first.")
    return labels
