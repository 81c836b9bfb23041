# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint import structure
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.deployed import deployment, environment
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Subject, run
from hypothesis import assume, given

from ..helpers import CONFIG, collector, needs
from ..strategies import configs

STORING = {
    **CONFIG,
    "extensions": {"file_storage": None},
    "service": {**CONFIG["service"], "extensions": ["file_storage"]},
}


@pytest.mark.parametrize(
    ("options", "field", "expected"),
    [
        ({}, "replicas", 2),
        ({"mode": "daemonset"}, "replicas", None),
        ({"autoscaling": {"min_replicas": 1, "max_replicas": 3}}, "replicas", 1),
        ({"autoscaling": {"min_replicas": 1, "max_replicas": 3}}, "autoscaled", True),
        ({"autoscaling": {"min_replicas": 1, "max_replicas": 1}}, "autoscaled", False),
        ({"memory_limit": "1Gi"}, "memory_limit_mib", 1024),
        ({"host_network": True}, "host_network", True),
        ({"network_policy": {"enabled": True}}, "network_policy", True),
        ({"volumes": [{"name": "a", "mount_path": "/data"}]}, "mounts", ("/conf", "/data")),
        ({}, "exposed", frozenset({(4317, "TCP")})),
        ({"service": {"enabled": False}}, "exposed", frozenset()),
        ({"service": {"enabled": False}, "mode": "statefulset"}, "exposed", frozenset({(4317, "TCP")})),
        ({"mode": "daemonset"}, "exposed", frozenset({(4317, "TCP")})),
        ({"mode": "daemonset", "host_ports": False}, "exposed", frozenset()),
        ({"mode": "sidecar", "backend": "operator"}, "exposed", None),
        ({"mode": "sidecar", "backend": "operator"}, "replicas", None),
        ({"backend": "operator", "target_allocator": {"enabled": True}}, "target_allocator", True),
        ({"target_allocator": {"enabled": True}}, "target_allocator", False),
        ({"mode": "daemonset", "host_network": True}, "exposed", frozenset({(4317, "TCP")})),
        ({}, "granted", ()),
        ({}, "probed", True),
        ({"platform": "eks"}, "platform", "eks"),
    ],
)
def test_what_rules_know_of_a_collector_of_ours(options: dict[str, Any], field: str, expected: Any) -> None:
    assert getattr(deployment(collector(**options), needs(CONFIG)), field) == expected


def test_mounts_that_follow_from_the_config_are_known() -> None:
    assert deployment(collector(), needs(STORING)).mounts == ("/conf", "/var/lib/otelcol/file_storage")


def test_nothing_is_known_where_no_needs_are() -> None:
    found = deployment(collector(), None)
    assert (found.mounts, found.exposed, found.granted) == (None, None, None)
    assert not found.is_understood
    assert deployment(collector(), needs(CONFIG)).is_understood


def test_a_role_brings_variables_with_it() -> None:
    annotated = collector(service_account_annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"})
    assert {"AWS_REGION", "MY_POD_IP"} <= environment(annotated)
    assert "AWS_REGION" not in environment(collector(env={"KEY": "x"}))
    assert "KEY" in environment(collector(env={"KEY": "x"}))


def test_the_operator_says_the_name_of_the_pod() -> None:
    assert "POD_NAME" in environment(collector(backend="operator"))
    assert "POD_NAME" not in environment(collector())


@given(configs)
def test_the_needs_of_a_config_that_is_not_malformed_can_be_derived(config: Any) -> None:
    faults = {fault.rule for fault in run(structure.RULES, Subject(config))}
    assume(not faults & set(structure.MALFORMED))
    assert deployment(collector(), needs(config)).is_understood
