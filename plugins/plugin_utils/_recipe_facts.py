# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that templates of recipes read as `collector`: about their collector, and about the others of the run.

For example, recipe pod_logs reads `collector.logs`, the globs of the log files of all collectors of the run, and leaves
these files out. `build_collector_facts` lists all facts. `_recipe_layers.py` calls it, and `_configured_collectors.py`
makes the `WholeRun`. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..module_utils._collector import recipes
from ..module_utils._collector.critical.excluded_pods import list_excluded_pods
from ..module_utils._collector.options import HEALTH_PORT, METRICS_PORT, Collector, bracket_host
from ..module_utils._host.host_options import HostCollector
from ..module_utils._host.host_tls import build_client_tls, build_server_tls
from ..module_utils._otelcol.config.collector_versions import parse_version
from ..module_utils._otelcol.config.paths import mapping_at
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.needs.memory_sizes import BATCH_BYTES, compute_request_mib
from ..module_utils._otelcol.rules.build_facts import TargetBuild
from . import _baseline_options

# Facts that hold from a version of the Collector on.
_FIRST_VERSION_OF_FACT = {
    # `service.telemetry.metrics.readers` replaces the default address of metrics.
    "metrics_readers": (0, 111),
    # The operator `container` of file_log takes names of rotated files.
    "rotated_logs": (0, 122),
    # Exporter debug can print by its own logger.
    "own_prints": (0, 104),
}

# A recipe may send to a group of hosts of the inventory, with `to: GROUP`. A resolver returns how a collector reaches
# the gateways of that group, such as `{"endpoint": "gateways.internal:4317", "is_balanced": True, …}`. Its arguments
# are the collector and the options of the recipe. `InventoryGroups.resolve_for_recipe` is one.
GroupResolver = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]


# ── The run ──


def refuse_groups(_collector: Collector, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raise Problem: no inventory says which hosts a group has. It is the resolver where there is no inventory."""
    wrong = f"`to: {options.get('to')}` names hosts of an inventory, and there is none"
    raise Problem(wrong, fix="Set `endpoint`, or `service` for trace_balancing.")


@dataclass(frozen=True)
class WholeRun:
    """What recipes know of all collectors of a run."""

    log_globs: Sequence[str] = ()
    """The globs of the log files of the collectors themselves."""
    organization_values: Sequence[str] = ()
    """The values that recipe resource_attributes adds to data."""
    resolve_group: GroupResolver = refuse_groups
    critical_components: Sequence[Mapping[str, Any]] = ()
    """Where the critical components are that collectors of the run scrape, as `critical_use.find_scrape_targets`
    describes."""


def collect_organization_values(collectors: Iterable[Collector]) -> tuple[str, ...]:
    """Return the texts that recipe resource_attributes of collectors adds; those of variables are not known."""
    added_texts = set[str]()
    for collector in collectors:
        for use in recipes.read_recipe_uses(collector.recipes):
            if use.name == "resource_attributes":
                added_texts.update(map(str, mapping_at(use.options, "attributes").values()))
    known_texts = {text for text in added_texts if text and "$" not in text}
    return tuple(sorted(known_texts))


# ── The collector ──


def build_collector_facts(
    collector: Collector, version: str, run: WholeRun, target: TargetBuild | None
) -> dict[str, Any]:
    """Return the facts about a collector that templates of recipes read as `collector`, as in `{{ collector.name }}`.

    Three of them are functions: `resolve_group` (see `GroupResolver`), `client_tls` and `server_tls`.
    """
    memory = collector.memory
    return {
        "name": collector.name,
        "namespace": collector.namespace,
        "mode": collector.mode,
        "alone": collector.runs_one_pod,
        "allocated": collector.is_allocated,
        "container": collector.logs.container,
        "recipes": {use.name: use.options for use in recipes.read_recipe_uses(collector.recipes)},
        "logs": list(run.log_globs),
        "organization": list(run.organization_values),
        "critical_pods": list_excluded_pods(run.critical_components),
        "resolve_group": partial(run.resolve_group, collector),
        "client_tls": partial(build_client_tls, collector),
        "server_tls": partial(build_server_tls, collector),
        "host": collector.listen_host,
        "listen": bracket_host(collector.listen_host),
        "own_host": collector.own_host,
        "own_listen": bracket_host(collector.own_host),
        "health_port": collector.health_port if isinstance(collector, HostCollector) else HEALTH_PORT,
        "metrics_port": collector.metrics_port if isinstance(collector, HostCollector) else METRICS_PORT,
        "state": collector.state_directory,
        "limit_mib": memory.limit_mib,
        "spike_limit_mib": memory.spike_limit_mib,
        "export_timeout": f"{collector.export_seconds}s",
        **_find_facts_of_version(version),
        "request_mib": compute_request_mib(collector.memory_limit),
        "batch_bytes": BATCH_BYTES,
        "splits": _baseline_options.exporters_split_requests(target),
        "exporters_batch": bool(version) and _baseline_options.exporters_make_batches(collector, version),
    }


def _find_facts_of_version(version: str) -> dict[str, bool]:
    """Return which facts hold for a version of the Collector; all of them for one that is not known.

    For example, `{"metrics_readers": True, "rotated_logs": False, "own_prints": True}` for 0.115.0.
    """
    is_known = bool(version)
    return {
        fact: not is_known or parse_version(version) >= first_version
        for fact, first_version in _FIRST_VERSION_OF_FACT.items()
    }
