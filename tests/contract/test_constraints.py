# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where constraints decide what pods may do: every recipe runs, and under no more than it needs."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from .constraints import RESTRICTED_V2, refusals
from .manifest_lookups import WORKLOADS
from .operator_children import with_children
from .role import PLATFORMS
from .test_recipes import UNDER_ALL, ids, is_refused, request

Json = dict[str, Any]
PLATFORM = next(name for name, facts in PLATFORMS.items() if facts.get("security_context_constraints"))
KIND = "SecurityContextConstraints"
CASES = [one for one in UNDER_ALL if one[1] == PLATFORM and one[2] != "sidecar" and not is_refused(*one[:3])]
LARGE: Json = {
    "mode": "daemonset",
    "host_network": True,
    "selinux_type": "spc_t",
    "volumes": [{"name": "share", "mount_path": "/share", "source": {"nfs": {"server": "a", "path": "/"}}}],
    "recipes": ["otlp_ingest", "pod_logs", "host_metrics", "debug_output"],
}


def made(collector: Json) -> tuple[list[Json], list[Json]]:
    """Return the workloads of ours, and the constraints."""
    planned = _render.judge_request(
        _render.RenderRequest([{"name": "one", "platform": PLATFORM, **collector}], {"namespace": "a"})
    )
    return split(with_children(_render.build_bundle(planned)["manifests"]))


def split(manifests: list[Json]) -> tuple[list[Json], list[Json]]:
    of_role = {"app.kubernetes.io/component": "opentelemetry-collector"}.items()
    pods = [item for item in manifests if item["kind"] in WORKLOADS]
    ours = [item for item in pods if of_role <= item["spec"]["template"]["metadata"]["labels"].items()]
    return ours, [item for item in manifests if item["kind"] == KIND]


def narrower(constraints: Json) -> Iterator[tuple[str, Json]]:
    """Yield constraints that allow one thing less, each with the name of that."""
    for key, value in constraints.items():
        less = narrower_value(key, value)
        if less is not None:
            yield key, {**deepcopy(constraints), key: less}
    for kind in constraints["volumes"]:
        yield f"volume {kind}", {**constraints, "volumes": [other for other in constraints["volumes"] if other != kind]}


def narrower_value(key: str, value: Any) -> Any:
    """Return what allows less than a field of constraints does; None if nothing does."""
    if value is True and key != "readOnlyRootFilesystem":
        return False
    if key == "runAsUser" and "uid" in value:
        return RESTRICTED_V2[key]
    if key in ("fsGroup", "seLinuxContext") and len(value) > 1:
        return {"type": value["type"]}
    return None


@pytest.mark.parametrize("combination", CASES, ids=ids)
def test_a_recipe_runs_under_what_everybody_may_use_or_under_constraints_of_its_own(
    combination: tuple[str, str, str, str],
) -> None:
    workloads, own = split(
        with_children(_render.build_bundle(_render.judge_request(request(*combination)))["manifests"])
    )
    assert workloads
    assert [refusals(own[0] if own else RESTRICTED_V2, item) for item in workloads] == [[] for _ in workloads]
    assert not own or refusals(RESTRICTED_V2, workloads[0])


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
@pytest.mark.parametrize(
    "collector",
    [
        LARGE,
        {"mode": "daemonset", "recipes": ["otlp_ingest", "debug_output"]},
        {"mode": "daemonset", "host_ports": False, "recipes": ["otlp_ingest", "host_metrics", "debug_output"]},
        {"mode": "daemonset", "host_ports": False, "recipes": ["otlp_ingest", "pod_logs", "debug_output"]},
        {"mode": "deployment", "selinux_type": "spc_t", "recipes": ["otlp_ingest", "debug_output"]},
    ],
    ids=["everything", "ports", "host", "logs", "selinux"],
)
def test_nothing_is_allowed_that_is_not_needed(collector: Json, backend: str) -> None:
    (workload,), (constraints,) = made({**collector, "backend": backend})
    assert refusals(constraints, workload) == []
    assert [name for name, less in narrower(constraints) if not refusals(less, workload)] == []


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
def test_who_needs_nothing_of_its_node_has_no_constraints_and_no_user(backend: str) -> None:
    for mode in ("deployment", "statefulset"):
        collector = {"mode": mode, "backend": backend, "recipes": ["otlp_ingest", "debug_output"]}
        (workload,), constraints = made(collector)
        assert constraints == []
        assert "runAsUser" not in workload["spec"]["template"]["spec"]["securityContext"]
