# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who brings which members of waves back, and what became of each."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _wave_results, _wave_rollback

OF_CLUSTER, OF_HOST = _wave_results.APPLIED_TO_CLUSTER, _wave_results.APPLIED_TO_HOST
SERVICES_BACK, CLUSTERS_BACK = _wave_results.RETURN_RESULTS
UNCHANGED: dict[str, Any] = {"changed": False, "kept_records": {}}


WORKS = "The earlier config of obs/agent is back and works."
NEW = "as it is new, did not work before, or has `change: {on_failure: keep}`"


def applied(*rows: tuple[str, str, str], back: tuple[str, ...] = ("obs/agent",)) -> dict[str, Any]:
    """Return the result of bundle_apply: kind, name and action of each object."""
    objects = [{"kind": kind, "namespace": "obs", "name": name, "action": action} for kind, name, action in rows]
    return {"changed": True, "objects": objects, "kept_records": dict.fromkeys(back, "run")}


AGENT, GATEWAY = ("Deployment", "agent", "changed"), ("Deployment", "gateway", "created")


@pytest.mark.parametrize(
    ("applied", "returned", "told"),
    [
        (applied(AGENT), {"msg": WORKS, "changed": True}, f"The way back: eu: {WORKS}"),
        (applied(AGENT), {"msg": "lost", "failed": True}, "The way back: eu: lost."),
        (applied(AGENT, back=()), None, f"The way back: eu: obs/agent keeps the change, {NEW}."),
        (
            applied(AGENT, GATEWAY),
            {"msg": WORKS, "changed": True},
            f"The way back: eu: {WORKS[:-1]}; obs/gateway keeps the change, {NEW}.",
        ),
        (
            applied(("NetworkPolicy", "agent", "changed"), back=()),
            None,
            "The way back: eu: no workload changed, so nothing goes back.",
        ),
        (
            applied(AGENT, ("Service", "agent", "pruned"), ("ConfigMap", "agent-1", "created")),
            {"msg": WORKS, "changed": True},
            f"The way back: eu: {WORKS[:-1]}; what the change has added or removed stays so: Service obs/agent.",
        ),
        (UNCHANGED, None, "No host went back."),
    ],
)
def test_what_became_of_a_cluster_is_told(applied: Any, returned: Any, told: str) -> None:
    results = {"results": [{"item": "eu", **returned}] if returned else []}
    eu = {OF_CLUSTER: applied, CLUSTERS_BACK: results}
    with pytest.raises(Problem) as caught:
        _wave_rollback.report_failed_wave(planned({"eu": "first"}), "first", "it is bad", {"hostvars": {"eu": eu}})
    assert str(caught.value) == f"it is bad. {told}"


def planned(wave_of: dict[str, str], goes_back: tuple[str, ...] = ("first",)) -> dict[str, Any]:
    """Return a plan of waves that each bring the same waves back."""
    names = dict.fromkeys(wave_of.values())
    return {"wave_of": wave_of, "waves": [{"name": name, "goes_back": list(goes_back)} for name in names]}


def test_what_went_back_is_told_by_host() -> None:
    back = {SERVICES_BACK: {"results": [{"item": {"member": "web1"}, "msg": "agent: Release 000001 runs again."}]}}
    hostvars = {"web1": back, "web2": {}, "web3": {}}
    plan = planned({"web1": "first", "web2": "first", "web3": "last"})
    with pytest.raises(Problem, match=r"it is bad\. The way back: web1: agent: Release 000001 runs again\.$"):
        _wave_rollback.report_failed_wave(plan, "first", "it is bad.", {"hostvars": hostvars})


WAVE_OF = {"dev": "first", "web1": "first", "db1": "first", "eu": "second", "us": "second"}
KEEPS = {OF_CLUSTER: {"changed": True, "kept_records": {"obs/agent": "run"}}}
ROW = {"name": "agent", "release": "000001", "undoes": "000002", "written": "17"}
SERVES = {OF_HOST: {"results": [{"item": "agent", "release": "000002", "undecided": "000001", "written": "17"}]}}
HOSTVARS: dict[str, Any] = {"dev": KEEPS, "web1": SERVES, "db1": {}, "eu": KEEPS, "us": {OF_CLUSTER: UNCHANGED}}


def test_hosts_of_a_wave_share_the_members_of_earlier_ones() -> None:
    plan, variables = planned(WAVE_OF), {"hostvars": HOSTVARS}
    assert _wave_rollback.assign_shares(plan, ["first", "second"], ["eu", "us"], variables) == {
        "eu": {"services": [], "clusters": ["dev", "eu"]},
        "us": {"services": [{"member": "web1", **ROW}], "clusters": []},
    }
    alone = _wave_rollback.assign_shares(plan, ["second"], ["eu", "us"], variables)
    assert alone == {"eu": {"services": [], "clusters": ["eu"]}}
    assert _wave_rollback.assign_shares(plan, ["second"], [], variables) == {}


def test_members_that_stay_and_those_that_could_not_go_back_are_named() -> None:
    plan = planned(WAVE_OF, ("first", "second"))
    eu = {**KEEPS, CLUSTERS_BACK: {"results": [{"item": "dev", "msg": "no answer", "failed": True}]}}
    us = {SERVICES_BACK: {"results": [{"item": {"member": "web1", **ROW}, "msg": "agent: Release 000001 runs again."}]}}
    with pytest.raises(Problem) as caught:
        _wave_rollback.report_failed_wave(plan, "second", "it is bad.", {"hostvars": {**HOSTVARS, "eu": eu, "us": us}})
    assert str(caught.value) == (
        "it is bad. The way back: dev: no answer; web1: agent: Release 000001 runs again. Not changed by this run, so"
        " not taken back: db1."
    )
