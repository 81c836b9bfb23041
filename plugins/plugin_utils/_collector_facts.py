# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says of its collectors to later tasks. Private.

`RenderedBundle` of _rendered_bundle.py puts these facts into the result of module otel_render. For example,
`describe_workload` returns `{"kind": "Deployment", "namespace": "telemetry", "name": "agent"}`, and module rollout_wait
waits for that. A build is a collector as it is deployed (`CollectorBuild` of manifests/build.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..module_utils._change.canary.chosen_checks import choose_checks
from ..module_utils._collector import change_options
from ..module_utils._collector.backends import BACKENDS
from ..module_utils._collector.critical import critical_use
from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.manifests.network import client_url, describe_addresses
from ..module_utils._collector.options import Collector
from ..module_utils._collector.probing import explain_untested_signals
from ..module_utils._identity import iam_policy
from ._otelcol import _builds, _jmespath


def list_untested_collectors(builds: Sequence[CollectorBuild]) -> list[dict[str, str]]:
    """Return the collectors that `verify` cannot test, or not whole, each with the reason."""
    untested: list[dict[str, str]] = []
    for build in builds:
        reason = explain_untested_signals(build, build.config)
        if reason:
            untested.append({"name": build.collector.name, "reason": reason})
    return untested


def describe_workload(collector: Collector) -> dict[str, str]:
    """Return the workload of a collector, as waits and probes name it."""
    kind = BACKENDS[collector.backend].name_kind(collector)
    return {"kind": kind, "namespace": collector.namespace, "name": collector.name}


def list_ways_of_change(builds: Sequence[CollectorBuild]) -> dict[str, dict[str, Any]]:
    """Return how a change of each collector reaches its pods. Raises Problem for an invalid option `change`."""
    return {f"{build.collector.namespace}/{build.collector.name}": _describe_way_of_change(build) for build in builds}


def _describe_way_of_change(build: CollectorBuild) -> dict[str, Any]:
    """Return how a change reaches the pods of a collector, and for a canary what its verdict needs."""
    change_settings = change_options.check_change(build.collector)
    option_path = f"change.judge of collector '{build.collector.name}'"
    # Only for its Problem: a wrong check ends the run before anything is applied. The module that judges chooses again.
    choose_checks(change_settings["judge"], lambda expression: _jmespath.check_expression(expression, option_path))
    if change_settings["strategy"] != change_options.CANARY:
        return {**change_settings}
    return {**change_settings, "config": build.config, "listeners": _builds.load_catalogue().listener_rows}


def describe_image(build: CollectorBuild) -> dict[str, str]:
    """Return which image a collector has, for what has to go with its version."""
    collector = build.collector
    identity = {"namespace": collector.namespace, "name": collector.name, "backend": collector.backend}
    return {**identity, "image": build.image}


def describe_collector(build: CollectorBuild) -> dict[str, Any]:
    """Return a row about a collector for later tasks and users, as the page of module otel_render lists its keys."""
    collector = build.collector
    return {
        **describe_workload(collector),
        "mode": collector.mode,
        "backend": collector.backend,
        "config": build.config_text,
        "config_hash": build.config_hash,
        "image": build.image,
        "selector": collector.selector_text,
        "service_account": collector.service_account_name,
        "otlp_http_url": client_url(build),
        "addresses": describe_addresses(build),
        "critical_components": critical_use.list_components(collector.recipes),
        "ports": [{"name": port.name, "port": port.number, "protocol": port.protocol} for port in build.exposed_ports],
        "iam_actions": list(build.needs.iam_actions),
        "iam_statements": iam_policy.build_statements(build.needs.aws_grants),
    }
