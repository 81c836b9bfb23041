# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the Collector's container: the user's, and facts of the pod."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.pod_environment import (
    render_environment,
)

from ...helpers import build, running


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
