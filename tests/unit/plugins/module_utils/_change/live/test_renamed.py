# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector under a new name leaves the one under its old name running: the run says so, and of no other."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.earlier_names import (
    NamedConfig,
    is_renamed,
    read_named_config,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import COLLECTOR_LABEL

from tests.support.cases import cases

from .helpers import cluster, collector, run

COMMAND = (
    "`kubectl -n ns delete clusterroles,configmaps,deployments,services "
    "-l o11y.opentelemetry/release=ns.old,app.kubernetes.io/managed-by=o11y.opentelemetry`"
)


def warnings(api: Any, name: str = "new", **more: Any) -> list[str]:
    return list(run(api, collector("v1", name), **more)["warnings"])


def test_a_renamed_collector_is_named_once_with_the_command_that_removes_the_earlier_one() -> None:
    api = cluster(collector("v1", "old"))
    before = copy.deepcopy(api.objects)
    (planned,) = warnings(api, check=True)
    (warning,) = warnings(api)
    assert planned == warning
    assert warning.startswith("Deployment ns/old still runs, is not in the inventory, and has the config of Deployment")
    assert COMMAND in warning
    assert {path: api.objects[path] for path in before} == before
    assert warnings(api) == []


def test_no_neighbour_is_named() -> None:
    other_config, other_owner = cluster(collector("v2", "old")), cluster(collector("v1", "old"))
    for item in other_owner.objects.values():
        item["metadata"]["managedFields"] = [{**one, "manager": "helm"} for one in item["metadata"]["managedFields"]]
    assert warnings(other_config) == []
    assert warnings(other_owner) == []
    assert (
        run(cluster(collector("v1", "old")), [*collector("v1", "new"), *collector("v1", "old")[1:]])["warnings"] == []
    )


@cases(
    "before, after, renamed",
    ("a: 1", "a: 1", True),
    ("tag: old\nx: 1", "tag: new\nx: 1", True),
    ("to: old.ns.svc", "to: old.ns.svc", True),
    ("to: old-b.ns.svc", "to: new-b.ns.svc", False),
    ("a: 1", "a: 2", False),
    ("a: 1", "a: 1\nb: 2", False),
    ("", "", False),
)
def test_configs_that_differ_in_the_name_alone(before: str, after: str, renamed: bool) -> None:
    assert is_renamed(NamedConfig("old", before), NamedConfig("new", after)) is renamed


def test_the_config_of_a_custom_resource_is_in_it() -> None:
    named = {}
    for name in ("old", "new", "other"):
        metadata = {"labels": {COLLECTOR_LABEL: name}}
        config = {"a": "new" if name == "other" else name}
        resource = {"kind": "OpenTelemetryCollector", "metadata": metadata, "spec": {"config": config}}
        named[name] = read_named_config(resource, {})
    assert is_renamed(named["old"], named["new"])
    assert not is_renamed(named["old"], named["other"])
