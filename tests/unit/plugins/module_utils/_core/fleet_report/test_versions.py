# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions that run and that are wanted, and what each collector costs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report import versions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.cluster import FleetCluster

from ..helpers import cases
from .helpers import TABLE, Fleet

WANTED = {"cert-manager": {"provider": "manifest", "version": ""}, "opentelemetry-operator": {"provider": "existing"}}


def info(version: str, **more: Any) -> dict[str, Any]:
    there = {"installed": True, "kubernetes": "v1.34.2", "installer": {"by": "helm", "name": "ns/x"}, "resources": []}
    return {**there, "version": version, **more}


def cluster(**given: Any) -> FleetCluster:
    return Fleet().add("a").add("b").cluster(**{"asked": True, "products": WANTED, **given})


def diagnosis(**images: str) -> dict[str, Any]:
    rows = [{"namespace": "obs", "name": name, "image": image} for name, image in images.items()]
    return {"verdict": [], "collectors": rows}


def row(found: FleetCluster, what: str) -> dict[str, Any]:
    return next(item for item in versions.rows(found, TABLE) if item["what"].startswith(what))


def test_without_a_cluster_it_says_what_is_wanted() -> None:
    found = row(cluster(), "cert-manager")
    assert (found["wanted"], found["running"], found["state"]) == ("1.21.2, by manifest", "not read", "same")
    assert row(cluster(), "the OpenTelemetry operator")["wanted"] == "existing"
    assert row(cluster(products={}), "cert-manager")["wanted"] == "not by this inventory"
    assert row(cluster(), "Collector image of 2")["running"] == "not read"


@pytest.mark.parametrize("provider", ["eks_addon", "olm"])
def test_a_version_that_somebody_else_chooses_is_not_wanted(provider: str) -> None:
    products = {"opentelemetry-operator": {"provider": provider, "version": ""}}
    found = row(cluster(products=products, operator=info("0.151.0")), "the OpenTelemetry operator")
    assert found["wanted"] == provider
    assert found["state"] != "differs"


def test_what_runs_is_told_with_who_installed_it_and_may_differ_or_not_fit() -> None:
    found = cluster(cert_manager=info("1.21.2"), operator={"installed": False, "kubernetes": "v1.34.2"})
    assert row(found, "cert-manager")["running"] == "1.21.2, by helm ns/x"
    assert row(found, "the OpenTelemetry operator")["running"] == "none"
    assert row(found, "Kubernetes")["running"] == "v1.34.2"
    assert row(cluster(cert_manager=info("1.20.1")), "cert-manager")["state"] == "differs"
    (note,) = row(cluster(cert_manager=info("1.21.2", kubernetes="v1.20.0")), "cert-manager")["notes"]
    assert "is for Kubernetes 1.33 to 1.36, and this cluster is 1.20" in note


def test_a_collector_that_does_not_follow_the_operator_is_a_skew() -> None:
    old = {"kind": "OpenTelemetryCollector", "namespace": "n", "name": "o", "version": "", "automatic": True}
    operator = info("0.158.0", resources=[{**old, "image": "x:0.140.0"}])
    (note,) = row(cluster(operator=operator), "the OpenTelemetry operator")["notes"]
    assert "n/o has an image of its own of version 0.140.0" in note


def test_images_that_run_are_held_against_those_that_are_wanted() -> None:
    found = row(cluster(diagnosis=diagnosis(a="c:0.158.0", b="c:0.152.0")), "Collector image of 2")
    assert found["running"] == "c:0.152.0 (1 of 2); c:0.158.0 (1 of 2)"
    assert found["state"] == "differs"
    assert row(cluster(diagnosis=diagnosis(a="c:0.158.0", b="c:0.158.0")), "Collector image")["state"] == "same"
    assert row(cluster(diagnosis=diagnosis(a="c:0.158.0")), "Collector image")["running"].endswith("none (1 of 2)")


def test_the_fleet_has_every_version_newest_first() -> None:
    images = diagnosis(a="c:0.158.0", b="c:0.9.0")
    new = cluster(diagnosis=images, cert_manager=info("1.21.2"), operator=info("0.158.0"))
    told = {item["what"]: item["versions"] for item in versions.fleet([new, cluster()])}
    counts = [(item["version"], item["count"]) for item in told["Collectors"]]
    assert counts == [("0.158.0 wanted", 2), ("0.158.0", 1), ("0.9.0", 1)]
    assert told["Kubernetes"] == [{"version": "v1.34.2", "count": 1}, {"version": "not read", "count": 1}]


RESOURCES = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1.5", "memory": "1Gi"}}
RULE = {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get", "list"]}


def priced(mode: str = "deployment", seen: int | None = None, spec: Any = None, **more: Any) -> dict[str, Any]:
    fleet = Fleet().add("a", None, mode, resources=more.pop("resources", RESOURCES), spec=spec or {})
    fleet.object("ClusterRole", "", "obs.a", "a", rules=[RULE])
    fleet.object("ClusterRole", "", "other.a", "a", rules=[RULE, RULE])
    for kind, body in more.items():
        fleet.object(kind, "obs", "a", "a", spec=body)
    return versions.cost(fleet.members()[0], seen)


def test_all_that_it_may_do_and_opens_is_told_and_the_rights_of_its_target_allocator_are_its_own() -> None:
    found = priced()
    assert found["rules"] == ["pods, deployments (apps): get, list"]
    assert (found["ports"], found["iam_actions"]) == (["4317/TCP otlp"], ["xray:PutTraceSegments"])
    metrics = {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
    fleet = Fleet().add("a").object("ClusterRole", "", "obs.a-targetallocator", "a", rules=[metrics])
    assert versions.cost(fleet.members()[0], None)["rules"] == ["/metrics: get"]


@cases(
    "found, pods, total",
    (priced(spec={"replicas": 3}), "3", "750m"),
    (priced(), "1", "250m"),
    (priced(seen=2, spec={"replicas": 3}), "2 running, 3", "500m"),
    (priced("daemonset", seen=8), "8 running, one on every node", "2"),
    (priced(HorizontalPodAutoscaler={"minReplicas": 2, "maxReplicas": 6}), "2 to 6", "1.5"),
    (priced(spec={"autoscaler": {"minReplicas": 1, "maxReplicas": 2}}), "1 to 2", "500m"),
)
def test_requests_are_multiplied_by_the_pods(found: dict[str, Any], pods: str, total: str) -> None:
    assert (found["pods"], found["total"]["cpu_request"]) == (pods, total)


def test_what_is_not_known_is_not_made_up() -> None:
    found = priced("daemonset")
    assert (found["pods"], found["total"]) == ("one on every node", {})
    assert found["shown"]["memory_limit"] == "1 GiB"
    unlimited = {"cpu_limit": "no limit", "memory_limit": "no limit"}
    odd = priced(resources={"requests": {"cpu": "many", "memory": "much"}})["shown"]
    assert odd == {"cpu_request": "\N{EN DASH}", "memory_request": "\N{EN DASH}", **unlimited}
    rows = [priced(spec={"replicas": 2}), priced("daemonset"), priced(resources={"requests": {"cpu": "1"}})]
    assert versions.totals(rows) == {"cpu_request": "1.5", "memory_request": "1 GiB", **unlimited, "unknown": "1"}


def test_a_custom_resource_says_what_its_pods_get() -> None:
    fleet = Fleet().add("a", custom={"resources": RESOURCES, "replicas": 2})
    assert versions.cost(fleet.members()[0], None)["total"]["memory_request"] == "1 GiB"
