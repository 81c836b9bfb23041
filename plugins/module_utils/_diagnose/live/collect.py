# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect the facts about running collectors, which the checks of a diagnosis search. Changes nothing.

Module collector_diagnose calls `run_diagnose`. `find_collectors.py` finds the collectors, and `diagnosed_collector.py`
has the facts of one of them. The metrics of all collectors are read over the same seconds, since that needs time.
Private.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.connect import connect
from ..._kube.live.libraries import import_library
from ..._kube.live.task_end import run
from ..._otelcol.catalogue.port_rows import map_listeners
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.kube.pod_sources import list_sources
from ..._otelcol.needs.peers import Peer
from .diagnosed_collector import DiagnosedCollector, DiagnoseOptions
from .find_collectors import DiagnosedTarget, call_isolated, find_targets, find_unlisted_collectors
from .flow import read_all_meters, watch_flow
from .peers_in_cluster import read_peers_ahead
from .reader import PLURALS_OF_SOURCES, QUICK_SECONDS, ClusterReader, utc_now

_KINDS = ["DaemonSet", "Deployment", "OpenTelemetryCollector", "StatefulSet"]
_COLLECTOR_OPTIONS = {"namespace": {"required": True}, "name": {}, "kind": {"choices": _KINDS}, "selector": {}}
_MAPPINGS = {"type": "list", "elements": "dict"}
ARGUMENTS: dict[str, Any] = {
    "collectors": {
        **_MAPPINGS,
        "required": True,
        "options": _COLLECTOR_OPTIONS,
        "required_one_of": [("name", "selector")],
    },
    "applied": _MAPPINGS,
    "window_seconds": {"type": "float", "default": 10},
    "log_seconds": {"type": "int", "default": 600},
    "metrics_port": {"type": "int", "default": 8888},
    "listeners": {**_MAPPINGS, "default": []},
    "checks": {**_MAPPINGS, "default": []},
    "fail_on": {"choices": ["error", "warning", "never"], "default": "never"},
    "profile": {"choices": ["default", "development", "production"], "default": "default"},
    "severities": {"type": "dict", "default": {}},
    "suppressions": {**_MAPPINGS, "default": []},
    "rule_paths": {"type": "list", "elements": "path", "default": []},
    "only": {"type": "list", "elements": "str", "default": []},
}


def run_diagnose(module: AnsibleModule) -> None:
    """Run module collector_diagnose: return the facts of collectors, and which other collectors there are."""
    params = module.params

    def read_facts() -> dict[str, Any]:
        reader = ClusterReader(connect(module), connect(module, QUICK_SECONDS))
        facts = collect_facts(reader, params, utc_now)
        return {"changed": False, "facts": facts, "unlisted": find_unlisted_collectors(reader, params["collectors"])}

    run(module, read_facts)


def collect_facts(reader: ClusterReader, params: dict[str, Any], read_time: Callable[[], str]) -> list[dict[str, Any]]:
    """Return the facts of each collector that the options `params` of the module name."""
    options = DiagnoseOptions(
        listeners=map_listeners(params["listeners"]),
        metrics_port=params["metrics_port"],
        window_seconds=params["window_seconds"],
        log_seconds=params["log_seconds"],
        is_fresh=bool(params.get("applied")),
        search=import_library("jmespath").search,
    )
    targets = find_targets(reader, params["collectors"])
    _read_referred_objects_ahead(reader, targets)
    return _DiagnosisRun(reader, options, read_time).collect_facts(targets)


def _read_referred_objects_ahead(reader: ClusterReader, targets: list[DiagnosedTarget]) -> None:
    """Read the Secrets and ConfigMaps that the containers of all collectors refer to, many at a time."""
    referred_objects = []
    for target in targets:
        referred_objects += call_isolated(target, _list_referred_objects)
    reader.read_ahead([], referred_objects)


def _list_referred_objects(target: DiagnosedTarget) -> list[tuple[str, str, str]]:
    """Return the Secrets and ConfigMaps that the container refers to, as plural, namespace and name."""
    referred_sources = list_sources(mapping_at(target.representative_pod, "spec"), target.collector_container)
    return [(PLURALS_OF_SOURCES[source.kind], target.pod_namespace, source.name) for source in referred_sources]


class _DiagnosisRun:
    """One run of the module, for some collectors."""

    def __init__(self, reader: ClusterReader, options: DiagnoseOptions, read_time: Callable[[], str]) -> None:
        self.reader, self.options, self.read_time = reader, options, read_time

    def collect_facts(self, targets: list[DiagnosedTarget]) -> list[dict[str, Any]]:
        """Return the facts of each collector. Between the two readings of the metrics, everything else is read.

        What flowed is the difference of the readings, so the time between them is used, and not waited for.
        """
        collectors = [call_isolated(target, self._examine_target) for target in targets]
        started_at = self.reader.cluster.clock()
        meters = [collector.meter for collector in collectors]
        read_all_meters(self.reader, meters)
        all_peers: list[Peer] = []
        for collector in collectors:
            all_peers += collector.peers
        read_peers_ahead(self.reader, all_peers)
        facts_of_each = self.reader.cluster.call_in_parallel(self._collect_isolated, collectors)
        # The pods of a collector that has just been changed are new, so its first reading shows all that they did.
        window_seconds = 0 if self.options.is_fresh else self.options.window_seconds
        watch_flow(self.reader, meters, started_at, window_seconds)
        return [collector.add_flow_facts(facts) for collector, facts in zip(collectors, facts_of_each, strict=True)]

    def _examine_target(self, target: DiagnosedTarget) -> DiagnosedCollector:
        """Return a collector with its config and what follows from that alone."""
        return DiagnosedCollector(self.reader, target, self.options)

    def _collect_isolated(self, collector: DiagnosedCollector) -> dict[str, Any]:
        """Return the facts of a collector. If reading its objects fails, return those of one without objects."""

        def collect_target_facts(target: DiagnosedTarget) -> dict[str, Any]:
            # `call_isolated` calls this with the target, and if that fails with the same target without objects, for
            # which there is no collector yet.
            is_without_objects = target is not collector.target
            return self._collect_one(self._examine_target(target) if is_without_objects else collector)

        return call_isolated(collector.target, collect_target_facts)

    def _collect_one(self, collector: DiagnosedCollector) -> dict[str, Any]:
        """Return all facts; of a collector that has just been changed, only those about where it sends to."""
        if self.options.is_fresh:
            return collector.collect_facts_after_change(self.read_time())
        return collector.collect_facts(self.read_time())
