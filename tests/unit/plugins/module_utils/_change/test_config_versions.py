# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The config that a new one replaces is of the same collector, in the same namespace."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.config_versions import find_replaced_configs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef

from .manifests import obj


def deployment(namespace: str, config_name: str) -> Any:
    config_volume = {"name": "config", "configMap": {"name": config_name}}
    pod = {"volumes": [config_volume]}
    return obj("Deployment", "agent", namespace, api="apps/v1", spec={"template": {"spec": pod}})


def test_each_of_two_namespaces_has_a_config_of_the_same_name_replaced() -> None:
    manifests = [
        manifest
        for namespace in ("one", "two")
        for manifest in (obj("ConfigMap", "agent-new", namespace), deployment(namespace, "agent-new"))
    ]
    live_objects = {
        ObjectRef("Deployment", "one", "agent"): deployment("one", "agent-old"),
        ObjectRef("Deployment", "two", "agent"): deployment("two", "agent-older"),
    }
    assert find_replaced_configs(manifests, live_objects) == {
        ObjectRef("ConfigMap", "one", "agent-new"): ObjectRef("ConfigMap", "one", "agent-old"),
        ObjectRef("ConfigMap", "two", "agent-new"): ObjectRef("ConfigMap", "two", "agent-older"),
    }


def test_a_config_that_the_cluster_has_replaces_none() -> None:
    manifests = [obj("ConfigMap", "agent-new"), deployment("ns", "agent-new")]
    live_objects = {
        ObjectRef("ConfigMap", "ns", "agent-new"): obj("ConfigMap", "agent-new"),
        ObjectRef("Deployment", "ns", "agent"): deployment("ns", "agent-old"),
    }
    assert find_replaced_configs(manifests, live_objects) == {}
