# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of files means, for each aspect; what means nothing is not told."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._gitops.gitops_changes import (
    list_changes,
    render_markdown,
)

FILE = "collectors/obs/gw.yml"
CONFIG: dict[str, Any] = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
    "exporters": {"otlp": {"endpoint": "a:4317", "headers": {"authorization": "Bearer abcdef-secret"}}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp"]}}},
}
POD = {"containers": [{"name": "c", "image": "x:1", "ports": [{"containerPort": 4317, "hostPort": 4317}]}]}
OBJECTS: dict[str, dict[str, Any]] = {
    "config": {"kind": "ConfigMap", "metadata": {"name": "gw-1", "namespace": "obs"}, "data": {"relay": CONFIG}},
    "workload": {"kind": "Deployment", "metadata": {"name": "gw"}, "spec": {"template": {"spec": POD}}},
    "service": {"kind": "Service", "metadata": {"name": "gw"}, "spec": {"ports": [{"name": "otlp", "port": 4317}]}},
    "role": {
        "kind": "ClusterRole",
        "metadata": {"name": "gw"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    },
    "resource": {
        "kind": "OpenTelemetryCollector",
        "metadata": {"name": "cr"},
        "spec": {"config": CONFIG, "image": "y:1"},
    },
}


def written(objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects with the config as a text."""
    found = copy.deepcopy(objects)
    if "config" in found:
        found["config"]["data"] = {"relay": yaml.safe_dump(found["config"]["data"]["relay"])}
    return list(found.values())


def told(edit: Callable[[dict[str, dict[str, Any]]], Any], *kinds: str) -> list[tuple[str, str]]:
    before = {kind: copy.deepcopy(OBJECTS[kind]) for kind in kinds}
    after = copy.deepcopy(before)
    edit(after)
    rows = list_changes({FILE: written(before)}, {FILE: written(after)}, yaml.safe_load)
    assert {row["subject"] for row in rows} <= {"Collector obs/gw"}
    return [(row["aspect"], row["change"]) for row in rows if row["aspect"] != "object"]


def config(after: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = after["config"]["data"]["relay"]
    return found


CASES: dict[str, tuple[Callable[[dict[str, Any]], Any], str, list[tuple[str, str]]]] = {
    "a pipeline and a component": (
        lambda after: (
            config(after).update(processors={"batch": {"timeout": "1s"}}),
            config(after)["service"]["pipelines"]["traces"].update(processors=["batch"]),
        ),
        "config",
        [
            ("pipeline", "changed `traces`: `otlp → otlp` becomes `otlp → batch → otlp`"),
            ("component", "added `processors.batch`"),
        ],
    ),
    "a destination": (
        lambda after: config(after)["exporters"]["otlp"].update(endpoint="b:4317"),
        "config",
        [
            ("destination", "changed `traces by otlp`: `a:4317` becomes `b:4317`"),
            ("setting", "changed `exporters.otlp.endpoint`: `a:4317` becomes `b:4317`"),
        ],
    ),
    "a right": (
        lambda after: after["role"]["rules"].append({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}),
        "role",
        [("right", "changed `pods by ClusterRole gw`: `get` becomes `get, list`")],
    ),
    "a resource": (
        lambda after: after["role"]["rules"].append({"apiGroups": ["apps"], "resources": ["x"], "verbs": ["*"]}),
        "role",
        [("right", "added `x of apps by ClusterRole gw`: `*`")],
    ),
    "a port": (
        lambda after: after["service"]["spec"]["ports"].append({"name": "http", "port": 4318}),
        "service",
        [("port", "added `Service gw 4318/TCP`: `http`")],
    ),
    "a port of the node": (
        lambda after: after["workload"]["spec"]["template"]["spec"]["containers"][0].pop("ports"),
        "workload",
        [("port", "removed `Deployment gw 4317/TCP of the node`")],
    ),
    "an image": (
        lambda after: after["workload"]["spec"]["template"]["spec"]["containers"][0].update(image="x:2"),
        "workload",
        [("image", "changed `Deployment gw container c`: `x:1` becomes `x:2`")],
    ),
    "an image of the operator": (
        lambda after: after["resource"]["spec"].update(image="y:2"),
        "resource",
        [("image", "changed `OpenTelemetryCollector cr`: `y:1` becomes `y:2`")],
    ),
    "a config of the operator": (
        lambda after: after["resource"]["spec"]["config"]["exporters"].update(debug={"verbosity": "basic"}),
        "resource",
        [("component", "added `exporters.debug`")],
    ),
    "nothing but the name of the ConfigMap": (
        lambda after: after["config"]["metadata"].update(name="gw-2"),
        "config",
        [],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_told_by_what_it_means(name: str) -> None:
    edit, kind, expected = CASES[name]
    assert told(edit, kind) == expected


def of_namespace(namespace: str) -> dict[str, Any]:
    return {"kind": "Instrumentation", "metadata": {"name": "apps", "namespace": namespace}}


def test_an_object_of_one_namespace_is_not_hidden_by_that_of_another() -> None:
    file = "instrumentation/instrumentations.yml"
    before = {file: [of_namespace("shop"), of_namespace("web")]}
    (row,) = list_changes(before, {file: [of_namespace("web")]}, yaml.safe_load)
    assert row["change"] == "removed `Instrumentation shop/apps`"


def test_rights_of_one_role_are_not_hidden_by_those_of_another() -> None:
    more = {**OBJECTS["role"], "metadata": {"name": "other"}}
    more["rules"] = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    grown = {**OBJECTS["role"], "rules": more["rules"]}
    rows = list_changes({FILE: [OBJECTS["role"], more]}, {FILE: [grown, more]}, yaml.safe_load)
    rights = [row["change"] for row in rows if row["aspect"] == "right"]
    assert rights == ["changed `pods by ClusterRole gw`: `get` becomes `get, list`"]


def test_a_secret_is_masked() -> None:
    ((aspect, change),) = told(
        lambda after: config(after)["exporters"]["otlp"]["headers"].update({"x-api-key": "k-secret-1234"}), "config"
    )
    assert aspect == "setting" and change.startswith("added `exporters.otlp.headers.x-api-key`: ")
    assert "secret" not in change


def test_a_table_has_no_row_that_a_value_has_made() -> None:
    ((_aspect, change),) = told(lambda after: config(after)["exporters"]["otlp"].update(name="a|b`\n| c"), "config")
    assert change == "added `exporters.otlp.name`: `a\\|b' \\| c`"


def report(*changes: dict[str, str], moved: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"changes": list(changes), "moved": list(moved)}


def test_clusters_with_the_same_changes_are_one_section() -> None:
    row = {"subject": "Collector obs/gw", "aspect": "right", "change": "added `pods`: `get`"}
    other = {**row, "change": "removed `pods`: `get`"}
    page = render_markdown({"eu": report(row), "us": report(row), "lab": report(other), "calm": report()}, [])
    assert page.startswith("# 3 of 4 clusters change\n\n## eu, us\n\n### Collector obs/gw\n")
    assert page.count("| right | added `pods`: `get` |") == 1
    assert "## lab\n" in page and "calm" not in page


def test_a_long_list_says_how_many_rows_are_left_out() -> None:
    rows = [{"subject": "Operator", "aspect": "object", "change": f"added `{number}`"} for number in range(120)]
    assert "| … | 20 more |" in render_markdown({"eu": report(*rows)}, [])


def test_a_cluster_that_moves_or_is_not_rendered_is_named() -> None:
    page = render_markdown(
        {"eu": report(moved=("moved from `first/eu` to `rest/eu`",)), "us": report()}, ["lab", "edge"]
    )
    assert page == (
        "# 1 of 2 clusters change\n\nNot rendered: lab, edge. What changes there is unknown.\n\n"
        "- eu: moved from `first/eu` to `rest/eu`\n"
    )
