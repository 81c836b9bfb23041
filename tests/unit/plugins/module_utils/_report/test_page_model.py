# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as data: what comes first, versions that run and that are wanted, and what each collector costs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._report import (
    fleet_costs,
    fleet_version_counts,
    fleet_versions,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._report.fleet_cluster import FleetCluster
from ansible_collections.o11y.opentelemetry.plugins.module_utils._report.page_model import FleetParts, build_page_model

from ..helpers import cases
from .helpers import TABLE, Fleet, config, to

FINDING = {"severity": "error", "rule": "r", "path": "p", "message": "m", "fix": "f", "file": "x.yml", "line": 3}
CERTIFICATE = {
    **{"kind": "Secret", "namespace": "obs", "name": "tls", "key": "tls.crt", "subject": "CN=g", "issuer": "CN=ca"},
    **{"not_after": "2026-12-01T00:00:00Z", "left": "5 days", "state": "soon", "about": "in", "names": ["g.obs.svc"]},
}
WANTED = {"cert-manager": {"provider": "manifest", "version": ""}, "opentelemetry-operator": {"provider": "existing"}}
RESOURCES = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1.5", "memory": "1Gi"}}
RULE = {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get", "list"]}


def fleet() -> Fleet:
    return Fleet().add("agent", to("gateway:4317"), "daemonset").add("gateway", to("otlp.example.com:443"))


def page(*clusters: FleetCluster) -> dict[str, Any]:
    return build_page_model(FleetParts(clusters), TABLE, "Fleet", "now")


def first(*clusters: FleetCluster) -> dict[str, Any]:
    found: dict[str, Any] = page(*clusters)["clusters"][0]
    return found


def diagnosed(**statuses: str) -> dict[str, Any]:
    seen = {"image": "c:0.158.0", "ready_text": "2 of 2", "certificates": [CERTIFICATE], "pods": [{}, {}]}
    seen |= {"namespace": "obs", "unseen": [{"what": "w", "why": "y"}]}
    rows = [{**seen, "name": name, "status": is_, "verdict": [f"{name} is {is_}"]} for name, is_ in statuses.items()]
    return {"verdict": [], "collectors": rows}


def test_without_a_cluster_it_says_that_nothing_was_read() -> None:
    cluster = first(fleet().cluster())
    assert cluster["note"].startswith("Nothing was read from the cluster")
    assert (cluster["unread"], [row["state"] for row in cluster["collectors"]]) == ([], ["not read", "not read"])


def test_a_cluster_that_does_not_answer_says_why_once_and_the_others_are_there() -> None:
    lost = fleet().cluster("lost", asked=True, diagnosis={"msg": "cannot connect"}, drift={"msg": "cannot connect"})
    made = page(lost, fleet().cluster("well", asked=True, diagnosis=diagnosed(agent="healthy", gateway="healthy")))
    assert made["clusters"][0]["unread"] == ["how the collectors are, what a run would change: cannot connect"]
    assert (made["summary"]["unread"], made["summary"]["healthy"]) == (1, 2)
    assert made["attention"][0]["text"].startswith("cannot read how the collectors are")


def test_what_was_skipped_is_no_failure_and_what_cannot_be_rendered_says_why() -> None:
    found = fleet().cluster(asked=True, diagnosis=diagnosed(agent="healthy"), drift={"skipped": True, "changed": False})
    assert first(found)["unread"] == []
    text = "cannot be rendered: there is no recipe"
    made = page(FleetCluster("x", {"problem": "there is no recipe"}, {}))
    assert made["attention"] == [{"severity": "error", "cluster": "x", "text": text, "anchor": "cluster-0"}]


def test_findings_have_their_place_and_drift_is_counts_and_names() -> None:
    objects = [{"action": action, "kind": "ConfigMap", "name": action} for action in ("changed", "unchanged")]
    drift = {"ready": True, "objects": objects}
    cluster = first(fleet().cluster(asked=True, drift=drift, findings=[FINDING | {"collector": "agent"}]))
    assert [(row["where"], row["collector"]) for row in cluster["findings"]] == [("x.yml:3", "agent")]
    assert cluster["drift"]["counts"] == [{"action": "changed", "count": 1}, {"action": "unchanged", "count": 1}]
    assert [item["name"] for item in cluster["drift"]["objects"]] == ["changed"]


def test_no_secret_of_a_config_or_a_secret_is_anywhere() -> None:
    exporters = {"otlp_http": {"endpoint": "https://b:1", "headers": {"authorization": "Bearer hunter2secret"}}}
    hidden = Fleet().add("a", config(exporters)).object("Secret", "obs", "s", "a", data={"k": "c2VjcmV0c3RhdGU="})
    told = FINDING | {"message": "hunter2secret is no c2VjcmV0c3RhdGU="}
    text = json.dumps(page(hidden.cluster(findings=[told], diagnosis=diagnosed(a="error") | {"x": "hunter2secret"})))
    assert "hunter2secret" not in text and "c2VjcmV0" not in text
    assert "******** is no ********" in text


def test_the_order_of_collectors_means_nothing() -> None:
    other = Fleet().add("gateway", to("otlp.example.com:443")).add("agent", to("gateway:4317"), "daemonset")
    assert page(fleet().cluster()) == page(other.cluster())


def test_boxes_lead_to_rows_and_hosts_of_other_clusters_are_known() -> None:
    west = Fleet().add("agent", to("in.example.com:443"))
    east = fleet().object("Ingress", "obs", "gateway", "gateway", spec={"rules": [{"host": "in.example.com"}]})
    nodes = first(west.cluster("west"), east.cluster("east"))["topology"]["nodes"]
    assert [(node["title"], node["anchor"]) for node in nodes] == [("agent", "c0-0"), ("obs/gateway in east", "")]
    assert first(Fleet().add("a", to("a:4317")).cluster())["topology"]["loops"] == ["a"]


def test_long_lists_and_names_are_cut() -> None:
    made = page(fleet().cluster(findings=[FINDING] * 40))
    assert (len(made["attention"]), made["more"]) == (25, 15)
    name = "a-very-long-name-of-a-collector-of-a-team"
    (node, _log) = first(Fleet().add(name).cluster())["topology"]["nodes"]
    assert node["title"].endswith("…") and name in node["told"]


def info(version: str, **more: Any) -> dict[str, Any]:
    there = {"installed": True, "kubernetes": "v1.34.2", "installer": {"by": "helm", "name": "ns/x"}, "resources": []}
    return {**there, "version": version, **more}


def cluster(**given: Any) -> FleetCluster:
    return Fleet().add("a").add("b").cluster(**{"asked": True, "products": WANTED, **given})


def diagnosis(**images: str) -> dict[str, Any]:
    rows = [{"namespace": "obs", "name": name, "image": image} for name, image in images.items()]
    return {"verdict": [], "collectors": rows}


def row(found: FleetCluster, what: str) -> dict[str, Any]:
    return next(item for item in fleet_versions.list_version_rows(found, TABLE) if item["what"].startswith(what))


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
    assert (found["wanted"], found["state"] == "differs") == (provider, False)


def test_what_runs_is_told_with_who_installed_it_and_may_differ_or_not_fit() -> None:
    found = cluster(cert_manager=info("1.21.2"), operator={"installed": False, "kubernetes": "v1.34.2"})
    assert row(found, "cert-manager")["running"] == "1.21.2, by helm ns/x"
    assert row(found, "the OpenTelemetry operator")["running"] == "none"
    assert row(found, "Kubernetes")["running"] == "v1.34.2"
    assert row(cluster(cert_manager=info("1.20.1")), "cert-manager")["state"] == "differs"
    (note,) = row(cluster(cert_manager=info("1.21.2", kubernetes="v1.20.0")), "cert-manager")["notes"]
    assert "is for Kubernetes 1.33 to 1.36, and this cluster is 1.20" in note


def test_a_product_whose_version_nobody_knows_is_not_told_to_differ() -> None:
    found = row(cluster(cert_manager=info("")), "cert-manager")
    assert (found["running"], found["state"]) == ("of unknown version, by helm ns/x", "unknown")
    absent = {"installed": False, "version": "", "kubernetes": "v1.34.2"}
    assert row(cluster(cert_manager=absent), "cert-manager")["state"] == "differs"


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


def test_each_image_that_runs_is_wanted_if_the_operator_chooses_it() -> None:
    fleet = Fleet().add("a", mode="sidecar")
    fleet.collectors[0]["image"] = ""
    running = row(fleet.cluster(asked=True, diagnosis=diagnosis(a="c:0.158.0")), "Collector image of obs/a")
    assert (running["wanted"], running["running"], running["state"]) == ("the operator's default", "c:0.158.0", "same")
    absent = row(fleet.cluster(asked=True, diagnosis=diagnosis(b="c:1")), "Collector image of obs/a")
    assert (absent["running"], absent["state"]) == ("none", "differs")


def test_the_fleet_has_every_version_newest_first() -> None:
    images = diagnosis(a="c:0.158.0", b="c:0.9.0")
    new = cluster(diagnosis=images, cert_manager=info("1.21.2"), operator=info("0.158.0"))
    told = {item["what"]: item["versions"] for item in fleet_version_counts.count_versions([new, cluster()])}
    counts = [(item["version"], item["count"]) for item in told["Collectors"]]
    assert counts == [("0.158.0 wanted", 2), ("0.158.0", 1), ("0.9.0", 1)]
    assert told["Kubernetes"] == [{"version": "v1.34.2", "count": 1}, {"version": "not read", "count": 1}]


def test_collectors_that_planned_versions_break_are_counted_by_cluster_and_owner() -> None:
    fleet = Fleet().add("a").add("b").add("c").add("d", namespace="shop")
    broken = {"0.171.0": ["obs/a"], "0.177.0": ["obs/a", "obs/b", "shop/d"]}
    found = row(fleet.cluster(broken=broken), "Collectors that 0.177.0 breaks")
    assert found["running"] == "3 of 4: 2 of namespace obs (obs/a, obs/b), 1 of namespace shop (shop/d)"
    assert found["notes"] == ["Collector 0.177.0 does not start, without processor batch."]
    assert row(fleet.cluster(broken=broken), "Collectors that 0.171.0 breaks")["running"].startswith("1 of 4: 1 of")
    clusters = [fleet.cluster(broken=broken), fleet.cluster("dev", broken={"0.177.0": ["obs/a"], "0.171.0": []})]
    told = {item["what"]: item["versions"] for item in fleet_version_counts.count_versions(clusters)}
    assert {one["version"]: one["count"] for one in told["Collectors that 0.177.0 breaks"]} == {
        "in prod": 3,
        "in dev": 1,
    }
    assert told["Collectors that 0.171.0 breaks"] == [{"version": "in prod", "count": 1}]
    assert [
        one["what"] for one in fleet_versions.list_version_rows(fleet.cluster(), TABLE) if "breaks" in one["what"]
    ] == []


def priced(mode: str = "deployment", seen: int | None = None, spec: Any = None, **more: Any) -> dict[str, Any]:
    fleet = Fleet().add("a", None, mode, resources=more.pop("resources", RESOURCES), spec=spec or {})
    fleet.object("ClusterRole", "", "obs.a", "a", rules=[RULE])
    fleet.object("ClusterRole", "", "other.a", "a", rules=[RULE, RULE])
    for kind, body in more.items():
        fleet.object(kind, "obs", "a", "a", spec=body)
    return fleet_costs.build_cost_row(fleet.members()[0], seen)


def test_all_that_it_may_do_and_opens_is_told_and_the_rights_of_its_target_allocator_are_its_own() -> None:
    found = priced()
    assert found["rules"] == ["pods, deployments (apps): get, list"]
    assert (found["ports"], found["iam_actions"]) == (["4317/TCP otlp"], ["xray:PutTraceSegments"])
    metrics = {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
    fleet = Fleet().add("a").object("ClusterRole", "", "obs.a-targetallocator", "a", rules=[metrics])
    assert fleet_costs.build_cost_row(fleet.members()[0], None)["rules"] == ["/metrics: get"]


@cases(
    "given, pods, total",
    ({"spec": {"replicas": 3}}, "3", "750m"),
    ({}, "1", "250m"),
    ({"spec": {"replicas": 0}}, "0", "0m"),
    ({"resources": {"requests": {"cpu": "500000u"}}}, "1", "500m"),
    ({"resources": {"requests": {"cpu": ".5"}}}, "1", "500m"),
    ({"resources": {"requests": {"cpu": "1k"}}}, "1", "1000"),
    ({"seen": 2, "spec": {"replicas": 3}}, "2 running, 3", "500m"),
    ({"mode": "daemonset", "seen": 8}, "8 running, one on every node", "2"),
    ({"HorizontalPodAutoscaler": {"minReplicas": 2, "maxReplicas": 6}}, "2 to 6", "1.5"),
    ({"spec": {"autoscaler": {"minReplicas": 1, "maxReplicas": 2}}}, "1 to 2", "500m"),
)
def test_requests_are_multiplied_by_the_pods(given: dict[str, Any], pods: str, total: str) -> None:
    found = priced(**given)
    assert (found["pods"], found["total"]["cpu_request"]) == (pods, total)


def test_a_custom_resource_says_what_its_pods_get_and_what_is_not_known_is_not_made_up() -> None:
    custom = Fleet().add("a", custom={"resources": RESOURCES, "replicas": 2}).members()[0]
    assert fleet_costs.build_cost_row(custom, None)["total"]["memory_request"] == "1 GiB"
    found = priced("daemonset")
    assert (found["pods"], found["total"]) == ("one on every node", {})
    assert found["shown"]["memory_limit"] == "1 GiB"
    unlimited = {"cpu_limit": "no limit", "memory_limit": "no limit"}
    odd = priced(resources={"requests": {"cpu": "many", "memory": "much"}})["shown"]
    assert odd == {"cpu_request": "\N{EN DASH}", "memory_request": "\N{EN DASH}", **unlimited}
    rows = [priced(spec={"replicas": 2}), priced("daemonset"), priced(resources={"requests": {"cpu": "1"}})]
    assert fleet_costs.sum_cost_rows(rows) == {
        "cpu_request": "1.5",
        "memory_request": "1 GiB",
        **unlimited,
        "unknown": "1",
    }
