# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS, LIMITS, Limit
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from ..helpers import cases, collector
from ..manifests.test_target_allocator import SETTINGS, SOURCES
from .test_backends import sample

KUBERNETES, OPERATOR = BACKENDS["kubernetes"], BACKENDS["operator"]
# What argument_specs.yml makes of suboptions that nobody gave.
AT_REST: dict[str, Any] = {
    "disruption_budget": {"min_available": None, "max_unavailable": None},
    "service": {"enabled": False, "type": None, "annotations": None},
    "network_policy": {"enabled": False, "egress": None},
    "storage": {"size": "1Gi", "class": None},
    "host_ports": False,
}


def operated(**options: Any) -> Any:
    return collector(backend="operator", **options)


REFUSED = [(limit, mode) for limit in LIMITS for mode in limit.modes]


@pytest.mark.parametrize(("limit", "mode"), REFUSED, ids=[f"{limit.option}-{mode}" for limit, mode in REFUSED])
def test_what_a_mode_cannot_say_is_refused_with_what_to_do(limit: Limit, mode: str) -> None:
    with pytest.raises(Problem, match=f"collector 'gateway': the operator has no place for .* mode {mode}") as problem:
        OPERATOR.check(operated(mode=mode, **{limit.option: sample(limit.option)}))
    assert f"  {limit.option}: {limit.fix}" in str(problem.value).splitlines()


@pytest.mark.parametrize("mode", OPERATOR.modes)
def test_defaults_are_at_home_in_every_mode(mode: str) -> None:
    OPERATOR.check(operated(mode=mode, **AT_REST))


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Problem, match=r"(?s)these options in mode sidecar.*tolerations: .*affinity: "):
        OPERATOR.check(operated(mode="sidecar", tolerations=sample("tolerations"), affinity=sample("affinity")))


def test_a_name_leaves_room_for_what_the_operator_adds() -> None:
    OPERATOR.check(operated(name="a" * 42))
    with pytest.raises(Problem, match=r"too long for a custom resource.*at most 42"):
        OPERATOR.check(operated(name="a" * 43))


@cases(
    "mode, settings, says",
    ("deployment", {}, "mode deployment cannot have one"),
    ("sidecar", {}, "mode sidecar cannot have one"),
    ("daemonset", {"allocation_strategy": "consistent-hashing"}, "mode daemonset does not go with strategy"),
    ("statefulset", {"allocation_strategy": "per-node"}, "mode statefulset does not go with strategy per-node"),
    ("statefulset", {"allocation_strategy": "least-weighted", "replicas": 2}, "every replica would share out"),
    (
        "statefulset",
        {"prometheus_cr": {**SOURCES, "namespaces": ["a"], "denied_namespaces": ["b"]}},
        "both namespaces and denied_namespaces",
    ),
)
def test_an_allocator_that_could_not_work_is_refused(mode: str, settings: Any, says: str) -> None:
    with pytest.raises(Problem, match=f"target allocator of collector 'gateway': .*{says}"):
        OPERATOR.check(operated(mode=mode, target_allocator={**SETTINGS, **settings}))


@cases(
    "mode, settings",
    ("daemonset", {}),
    ("statefulset", {}),
    ("statefulset", {"replicas": 2}),
    ("statefulset", {"allocation_strategy": "least-weighted"}),
    ("deployment", {"enabled": False}),
)
def test_an_allocator_that_works_is_not(mode: str, settings: Any) -> None:
    OPERATOR.check(operated(mode=mode, target_allocator={**SETTINGS, **settings}))


def test_the_plain_backend_runs_without_an_allocator_and_refuses_what_only_that_does() -> None:
    KUBERNETES.check(collector(mode="statefulset", target_allocator=SETTINGS))
    with pytest.raises(Problem, match=r"reads ServiceMonitors.*Set `backend: operator`"):
        KUBERNETES.check(collector(mode="statefulset", target_allocator={**SETTINGS, "prometheus_cr": SOURCES}))
    with pytest.raises(Problem, match=r"mode sidecar, and only the operator.*Set `backend: operator`"):
        KUBERNETES.check(collector(mode="sidecar"))
