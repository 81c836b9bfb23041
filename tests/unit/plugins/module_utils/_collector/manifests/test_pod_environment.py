# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the Collector's container: the user's, and facts of the pod."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.pod_environment import (
    render_environment,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import build, cases, running


def env(config: Any = None, **given: Any) -> dict[str, Any]:
    entries = render_environment(build(config, env=given))
    assert len({entry["name"] for entry in entries}) == len(entries)
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


def field(path: str) -> dict[str, Any]:
    return {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}


def test_what_the_config_reads_is_given_and_what_the_user_gives_counts_in_an_order_that_does_not_change() -> None:
    config = running(receivers={"nop": {"a": "${env:K8S_NODE_NAME} ${env:MY_POD_NAME} ${env:OTHER:-x}"}})
    assert env(config) == {
        "GOMEMLIMIT": "409MiB",
        "K8S_NODE_NAME": field("spec.nodeName"),
        "MY_POD_IP": field("status.podIP"),
        "MY_POD_NAME": field("metadata.name"),
    }
    assert env(GOMEMLIMIT="1GiB", MY_POD_IP="::") == {"GOMEMLIMIT": "1GiB", "MY_POD_IP": "::"}
    assert list(env(B="", A="")) == ["GOMEMLIMIT", "MY_POD_IP", "A", "B"]


@cases(
    "name, given",
    *(("MY_POD_IP", host) for host in ("", "0.0.0.0", "::")),
    ("K8S_POD_IP", "::"),
    ("K8S_NODE_IP", ""),
    *(("MY_POD_IP", {"field": f"status.{key}"}) for key in ("podIP", "podIPs", "hostIP", "hostIPs")),
    ("K8S_POD_IP", {"field": "status.podIPs"}),
    *(("K8S_NODE_IP", {"field": path}) for path in ("status.hostIP", "status.podIP", "spec.nodeName")),
    ("K8S_NODE_NAME", {"field": "spec.nodeName"}),
    ("K8S_POD_UID", {"field": "metadata.uid"}),
)
def test_a_variable_of_the_user_may_serve_as_a_fact_of_the_pod(name: str, given: Any) -> None:
    assert env(**{name: given})[name] == (field(given["field"]) if isinstance(given, dict) else given)


@cases(
    "name, given, field_of_fact",
    ("MY_POD_IP", "10.0.0.1", "status.podIP"),
    ("MY_POD_IP", None, "status.podIP"),
    ("MY_POD_IP", {"secret": "s", "key": "k"}, "status.podIP"),
    ("MY_POD_IP", {"field": "spec.nodeName"}, "status.podIP"),
    ("K8S_NODE_IP", {"field": "metadata.name"}, "status.hostIP"),
    ("K8S_NODE_NAME", "", "spec.nodeName"),
    ("K8S_NODE_NAME", "::", "spec.nodeName"),
    ("K8S_NODE_NAME", {"field": "status.hostIP"}, "spec.nodeName"),
    ("K8S_POD_UID", {"field": "metadata.name"}, "metadata.uid"),
    ("MY_POD_NAMESPACE", "", "metadata.namespace"),
)
def test_another_value_of_a_fact_of_the_pod_is_refused(name: str, given: Any, field_of_fact: str) -> None:
    with pytest.raises(
        Problem, match=rf"variable {name} in `env` is not what the pod has as {field_of_fact}"
    ) as refused:
        env(**{name: given})
    assert f"`{{field: {field_of_fact}}}`" in refused.value.fix
