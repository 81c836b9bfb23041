# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is rendered to be removed: a broken config or option must not keep collectors in the cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._findings import JudgementOptions
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._rendered import render_for_removal

from .helpers import OTLP, of_kind, rendered, request

BROKEN = {
    "a file that is gone": {"config_files": ["/nonexistent/gateway.yml"]},
    "an unknown recipe": {"recipes": ["otlp_ingets"]},
    "a malformed config": {"config": {"service": ["pipelines"]}},
    "a number out of range": {"replicas": -1},
    "a wrong type": {"replicas": "many"},
    "an unknown option": {"replica": 2},
    "an unknown platform": {"platform": "openshfit"},
    "an unknown build": {"distribution": "contirb"},
}


def removal(*collectors: dict[str, Any], **defaults: Any) -> tuple[dict[str, Any], list[str]]:
    warnings: list[str] = []
    return render_for_removal(request(*collectors, **defaults), JudgementOptions(), warnings.append), warnings


def test_what_can_be_rendered_is_removed_whole() -> None:
    collectors = [{"name": "agent", "mode": "daemonset", "config": OTLP}, {"name": "gateway", "config": OTLP}]
    found, warnings = removal(*collectors)
    assert {**found, "prune_selector": ""} == {**rendered(*collectors), "prune_selector": ""}
    assert warnings == []


def test_the_removal_also_selects_what_the_collectors_of_a_namespace_share() -> None:
    agent, gateway = ({"name": name, "namespace": "obs", "config": OTLP} for name in ("agent", "gateway"))
    deployed = rendered(agent, {**gateway, "certificates": [{"name": "tls"}]})
    labels = [item["metadata"]["labels"] for item in deployed["manifests"] if item["kind"] in ("Issuer", "Certificate")]
    releases = {one["o11y.opentelemetry/release"] for one in labels}
    assert releases == {"obs.gateway", "obs_shared"}
    found, _ = removal(agent, gateway)
    assert found["prune_selector"] == (
        "o11y.opentelemetry/release in (obs.agent,obs.gateway,obs_shared),"
        "app.kubernetes.io/managed-by=o11y.opentelemetry"
    )
    assert "obs_shared" not in deployed["prune_selector"]


@pytest.mark.parametrize("options", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("listed", [True, False], ids=["list", "single"])
def test_what_cannot_be_used_does_not_stop_the_removal(options: dict[str, Any], listed: bool) -> None:
    sound = {"name": "agent", "mode": "daemonset", "config": OTLP}
    one = {"name": "gateway", "config": OTLP, **options}
    whole, _ = removal(sound, {"name": "gateway", "config": OTLP}) if listed else removal(name="gateway", config=OTLP)
    found, warnings = removal(sound, one) if listed else removal(**one)
    assert found["prune_selector"] == whole["prune_selector"]
    for kind in ("Namespace", "ServiceAccount"):
        assert of_kind(found, kind) == of_kind(whole, kind)
    assert len(warnings) == 1
    assert "'gateway'" in warnings[0]


def test_options_that_decide_names_stay_when_only_a_config_is_gone() -> None:
    found, _ = removal({"name": "gateway", "service_account_name": "shared", "config_files": ["/nonexistent"]})
    assert [item["metadata"]["name"] for item in of_kind(found, "ServiceAccount")] == ["shared"]


@pytest.mark.parametrize("name", ["Not_A_Name", "", None])
def test_a_wrong_name_stops_the_removal(name: Any) -> None:
    with pytest.raises(Problem, match="name"):
        removal({"name": name, "config": OTLP}, namespace="Not_A_Namespace")
