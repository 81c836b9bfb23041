# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.pod import pod_template

from ..helpers import build, running


def env(config: Any = None, **given: Any) -> dict[str, Any]:
    entries = pod_template(build(config, env=given))["spec"]["containers"][0]["env"]
    assert len({entry["name"] for entry in entries}) == len(entries)
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


def field(path: str) -> dict[str, Any]:
    return {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ("text", "text"),
        ("", ""),
        (None, ""),
        (5, "5"),
        (True, "true"),
        ({"secret": "s", "key": "k"}, {"secretKeyRef": {"name": "s", "key": "k"}}),
        ({"secret": "s", "key": "k", "optional": True}, {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}),
        (
            {"secret": "s", "key": "k", "optional": False},
            {"secretKeyRef": {"name": "s", "key": "k", "optional": False}},
        ),
        ({"config_map": "c", "key": "k"}, {"configMapKeyRef": {"name": "c", "key": "k"}}),
        ({"field": "spec.nodeName"}, field("spec.nodeName")),
    ],
)
def test_a_variable_has_a_source(given: Any, source: Any) -> None:
    assert env(MINE=given)["MINE"] == source


@pytest.mark.parametrize("given", [{}, {"secret": "s"}, {"key": "k"}, {"vault": "v", "key": "k"}])
def test_another_source_is_refused_with_those_there_are(given: Any) -> None:
    with pytest.raises(Problem, match=r"environment variable MINE has a source that is not understood") as refused:
        env(MINE=given)
    assert "{secret: NAME, key: KEY}" in refused.value.fix


def test_what_the_config_reads_of_the_pod_is_given() -> None:
    config = running(receivers={"nop": {"a": "${env:K8S_NODE_NAME} ${env:MY_POD_NAME} ${env:OTHER:-x}"}})
    assert env(config) == {
        "GOMEMLIMIT": "409MiB",
        "K8S_NODE_NAME": field("spec.nodeName"),
        "MY_POD_IP": field("status.podIP"),
        "MY_POD_NAME": field("metadata.name"),
    }


def test_what_the_user_gives_counts() -> None:
    assert env(GOMEMLIMIT="1GiB", MY_POD_IP="::") == {"GOMEMLIMIT": "1GiB", "MY_POD_IP": "::"}


def test_variables_come_in_an_order_that_does_not_change() -> None:
    assert list(env(B="", A="")) == ["GOMEMLIMIT", "MY_POD_IP", "A", "B"]
