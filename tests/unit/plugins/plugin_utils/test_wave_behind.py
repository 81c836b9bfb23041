# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate makes of collectors that get data of a wave: the gateway behind the agents."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.downstream_collectors import (
    SentData,
    select_reads,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _wave_behind, _wave_results

from .helpers import rendered
from .test_inventory_addresses import linux, sender
from .test_wave_gate import CHANGED, PASSED, UNCHANGED, decided, said

BEFORE, AFTER = _wave_behind.BEHIND_VARIABLES["hosts"]
CLUSTERS_BEFORE, CLUSTERS_AFTER = _wave_behind.BEHIND_VARIABLES["clusters"]
WELL = said(50, 0, 9)


def behind(rounds: list[dict[str, Any]], before: dict[str, Any] | None = None, **gate: Any) -> dict[str, Any]:
    """Return what tasks have left of the gateway behind web1, which has sent 5000 spans before the change."""
    known = before or said(5000, 0, 600, 1, name="gateway")
    after = {"results": [{"item": "gw1", **one} for one in rounds]}
    return {
        "gate": {"behind": select_reads([SentData("web1", "gw1", "gateway")], [], 21), **gate},
        "variables": {BEFORE: {"results": [{"item": "gw1", **known}]}, AFTER: after},
    }


def rounds(good: int, bad: int, failed_before: int = 0, **more: Any) -> list[dict[str, Any]]:
    """Return three readings of the gateway after the change: what it has counted since its start."""
    return [
        said(5000 + good * number, failed_before + bad * number, 600 + 20 * number, 1, name="gateway", **more)
        for number in (1, 2, 3)
    ]


def test_a_gateway_that_does_well_is_named_with_what_it_was_compared() -> None:
    told = decided(WELL, **behind(rounds(50, 0)))["msg"]
    assert " Data: behind the wave, gateway on gw1: compared with the readings before the change; " in told


def test_a_gateway_that_fails_with_the_change_of_its_agents_fails_their_wave() -> None:
    with pytest.raises(Problem) as told:
        decided(WELL, **behind(rounds(0, 50)))
    assert "collectors do worse with the change: behind the wave, gateway on gw1: [exports_fail]" in str(told.value)
    assert "exporters/otlp_grpc: 100 of 100 spans failed" in str(told.value)


def test_a_gateway_that_failed_before_the_change_fails_no_wave() -> None:
    given = behind(rounds(0, 50, 9000), said(5000, 9000, 600, 1, name="gateway"))
    assert "behind the wave, gateway on gw1: compared with" in decided(WELL, **given)["msg"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([{"collectors": [], "unread": "gone"}] * 3, "gone"),
        ([{"collectors": []}] * 3, "it does not run"),
        ([], "the watch did not run"),
        (rounds(50, 0, release="000009"), "it has changed meanwhile"),
    ],
)
def test_a_gateway_that_cannot_be_read_is_told_and_counts_as_missing(answers: Any, why: str) -> None:
    said_so = f"behind the wave, gateway on gw1 was not compared: {why}"
    assert said_so in decided(WELL, **behind(answers))["msg"]
    with pytest.raises(Problem, match="which `without_data` makes a failure: ") as told:
        decided(WELL, **behind(answers, without_data="fail"))
    assert said_so in str(told.value)


def test_a_gateway_without_data_is_told() -> None:
    silent = "behind the wave, gateway on gw1: no data came in, so only restarts were judged"
    assert silent in decided(WELL, **behind(rounds(0, 0)))["msg"]


def test_nothing_is_said_behind_a_wave_in_which_nothing_changed() -> None:
    unchanged = decided(said(50, 0, 9, passed=PASSED), **behind([]), **{_wave_results.APPLIED_TO_HOST: UNCHANGED})
    assert unchanged["msg"].endswith("Data: nothing changed, so nothing was compared.")


def test_a_gateway_in_the_wave_that_changed_is_judged_there() -> None:
    gate = {"behind": select_reads([SentData("web0", "web1", "agent")], [], 21)}
    assert "behind the wave" not in decided(WELL, gate=gate, **{_wave_results.APPLIED_TO_HOST: CHANGED})["msg"]


def test_a_gateway_of_a_cluster_is_judged_behind_hosts() -> None:
    gate = {"behind": select_reads([SentData("web1", "eu", "obs/gateway")], ["eu"], 21)}
    before = {"item": "eu", **said(5000, 0, 600, 1, name="obs/gateway")}
    after = [{"item": "eu", **one} for one in rounds(0, 50)]
    for one in after:
        one["collectors"][0]["name"] = "obs/gateway"
    variables = {CLUSTERS_BEFORE: {"results": [before]}, CLUSTERS_AFTER: {"results": after}}
    with pytest.raises(Problem, match=r"behind the wave, obs/gateway on eu: \[exports_fail\]"):
        decided(WELL, gate=gate, variables=variables)


def test_collectors_that_are_not_read_are_named_by_the_gate() -> None:
    places = select_reads([SentData("web1", f"gw{number}", "gateway") for number in range(7)], [], 21)
    told = decided(WELL, gate={"behind": places})["msg"]
    assert "behind the wave, at most 5 hosts are read, and these are not: gateway on gw5, gateway on gw6; " in told


# ── Which collectors get data of a wave ──

NAME = "otlp.example.com"
EXTERNAL_DNS = {"annotations": {"external-dns.alpha.kubernetes.io/hostname": NAME}}
INGEST, DEBUG = "otlp_ingest", "debug_output"


def flows(clusters: dict[str, dict[str, Any]], hosts: dict[str, Any] | None = None) -> _wave_behind.Flows:
    """Return the flows of a fleet: clusters with what was rendered for them, and hosts."""
    linux_hosts = hosts or {}
    hostvars = {name: {"otel_collector_rendered": result} for name, result in clusters.items()}
    groups = {"all": [*hostvars, *linux_hosts], "otel_linux": list(linux_hosts)}
    variables = {"inventory_hostname": "dev", "groups": groups, "hostvars": {**hostvars, **linux_hosts}}
    return _wave_behind.Flows(groups["all"], groups["otel_linux"], variables)


@pytest.mark.parametrize(
    "options",
    [
        {"ingress": {"host": NAME}},
        {"openshift_route": {"host": NAME}, "platform": "openshift"},
        {"routes": {"gateway": "edge", "http_hostnames": [NAME]}},
        {"service": EXTERNAL_DNS},
    ],
)
def test_a_gateway_of_another_cluster_is_known_by_the_name_that_leads_to_it(options: dict[str, Any]) -> None:
    gateway = rendered({"name": "gw", "recipes": [INGEST, DEBUG], **options})
    found = flows({"dev": rendered(sender(f"{NAME}:443")), "eu": gateway}).plan_reads_behind(["dev"], 60)
    assert found["clusters"]["before"] == ["eu"]
    assert found["clusters"]["targets"] == {"eu": [{"namespace": "telemetry", "name": "gw"}]}


def test_what_leads_to_the_own_cluster_or_to_none_is_not_behind_a_wave() -> None:
    gateway = {"name": "gw", "recipes": [INGEST, DEBUG], "service": EXTERNAL_DNS}
    both = rendered(gateway, sender(f"{NAME}:443"))
    for name in (NAME, "gw", "gw.telemetry.svc", "elsewhere.example.com"):
        dev = rendered(sender(f"{name}:4317"), {**gateway, "service": {}})
        assert flows({"dev": dev, "eu": {}}).plan_reads_behind(["dev"], 60)["clusters"]["before"] == [], name
    assert flows({"dev": both}).plan_reads_behind(["dev"], 60)["clusters"]["before"] == []


def test_without_a_watch_nothing_is_read_behind_a_wave() -> None:
    gateway = rendered({"name": "gw", "recipes": [INGEST, DEBUG], "service": EXTERNAL_DNS})
    found = flows({"dev": rendered(sender(f"{NAME}:443")), "eu": gateway}).plan_reads_behind(["dev"], 0)
    assert found["clusters"]["before"] == []


def test_hosts_that_are_not_asked_what_they_send_to_are_told() -> None:
    names = [f"web{number}" for number in range(_wave_behind._MOST_SENDERS + 1)]
    hosts = {name: linux({"name": "agent", "recipes": [INGEST, DEBUG]}) for name in names}
    assert flows({}, hosts).plan_reads_behind(names, 60)["left_out"] == [
        "only what the first 50 of 51 hosts send to is read"
    ]
    assert flows({}, hosts).plan_reads_behind(names[:-1], 60)["left_out"] == []
