# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve the collectors of a Linux host: from rows of options to `ResolvedCollector`. Private.

This is the first of the stages that `_render.py` draws, and `_host_configs.py` calls it. For example, the row
`{name: agent, recipes: [host_metrics]}` of `otel_host_collectors` is resolved to a collector that systemd runs, with
the tested version of its distribution. `_cluster_options.py` does the same for the collectors of a cluster.

Recipes and rules are written for platforms of Kubernetes. A host has the facts of platform `generic`, except for those
in `_HOST_FACTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ..module_utils._collector.options import list_option_names
from ..module_utils._collector.platform import Platform
from ..module_utils._host.host_options import SHARED_OPTIONS, HostCollector
from ..module_utils._host.host_tls import check_tls_option
from ..module_utils._otelcol.errors import prefix_problems
from . import _arguments, _role_files, _role_options
from ._collector_build import find_collector_build
from ._host_request import HostRequest, list_host_option_names
from ._host_secrets import check_no_exposed_secret
from ._inventory_hosts import PREFIX
from ._otelcol import _tables, _yaml
from ._resolved_collector import ResolvedCollector
from ._runtimes import SystemdRuntime
from ._written_options import read_written_options

_CLUSTER_PREFIX = "otel_collector_"
_PLATFORM_NAME = "generic"
# What differs on a host from that platform: no pod hides the system.
_HOST_FACTS = {"resource_detectors": ["env", "system"]}


def resolve_host_collectors(request: HostRequest) -> list[ResolvedCollector]:
    """Return the collectors of a host with what their options decide. Raises Problem for options that cannot be used.

    Without a list of collectors, the common options are those of the one collector.
    """
    resolved_collectors: list[ResolvedCollector] = []
    for collector_item in request.collectors or [{}]:
        with prefix_problems(f"collector '{_name_for_messages(collector_item, request.defaults)}'"):
            resolved_collectors.append(_resolve_collector(collector_item, request.defaults))
    return resolved_collectors


def _name_for_messages(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> str:
    """Return the name of a collector for messages, before its options are checked."""
    written_name = {**common_options, **collector_item}.get("name")
    return "" if written_name is None else str(written_name)


def _resolve_collector(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> ResolvedCollector:
    """Return one collector. Raises Problem for options that cannot be used on a host."""
    options = _read_options(collector_item, common_options)
    collector = HostCollector.from_host_options(options, _defaults_of_cluster_options())
    check_no_exposed_secret(collector, {**common_options, **collector_item})
    check_tls_option(collector.tls)
    found_build = find_collector_build(collector)
    platform_facts = _role_files.read_platform(_PLATFORM_NAME, _role_files.find_platforms([]))
    return ResolvedCollector(
        collector=collector,
        written_options=read_written_options(collector_item, common_options),
        asks_for_storage=False,
        runtime=SystemdRuntime(),
        platform=Platform(),
        platform_facts={**platform_facts, **_HOST_FACTS},
        has_identity=True,
        target=found_build.target,
        version=found_build.version,
        image="",
        run_as_user=None,
    )


def _read_options(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a collector in their types. Without a version, they get that of the distribution.

    Raises Problem for an option that does not exist, and for a value of another type.
    """
    values = {**_yaml.strip_ansible_types(common_options), **collector_item}
    name = _arguments.describe_name(values)
    given_options = {key: value for key, value in values.items() if value is not None}
    options = _arguments.validate_values(given_options, _documented_options(), f"collector '{name}'")
    tested_version = _tables.catalogue("distributions")[options["distribution"]]["version"]
    return {**options, "version": options["version"] or tested_version}


@cache
def _documented_options() -> _arguments.DocumentedOptions:
    """Return the options of a collector of a host, as role otel_host documents them."""
    return _arguments.DocumentedOptions(_role_options.read_role_options(PREFIX, list_host_option_names()))


@cache
def _defaults_of_cluster_options() -> Mapping[str, Any]:
    """Return the defaults of the options that only clusters have: a collector of a host has these fields too."""
    cluster_option_names = [name for name in list_option_names() if name not in SHARED_OPTIONS]
    options = _arguments.DocumentedOptions(_role_options.read_role_options(_CLUSTER_PREFIX, cluster_option_names))
    return _arguments.validate_values({}, options, "role otel_collector")
