# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as data: what is on it, what comes first, and what each collector costs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.cluster import FleetCluster
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.model import model
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.versions import cost, totals

from .helpers import TABLE, Fleet, config, to

FINDING = {"severity": "error", "rule": "r", "path": "p", "message": "m", "fix": "f", "file": "x.yml", "line": 3}
CERTIFICATE = {
    "kind": "Secret", "namespace": "obs", "name": "tls", "key": "tls.crt", "subject": "CN=g", "issuer": "CN=ca",
    "names": ["g.obs.svc"], "not_after": "2026-12-01T00:00:00Z", "left": "5 days", "state": "soon", "about": "in",
}  # fmt: skip


def fleet() -> Fleet:
    return Fleet().add("agent", to("gateway:4317"), "daemonset").add("gateway", to("otlp.example.com:443"))


def page(*clusters: FleetCluster, time: str = "now") -> dict[str, Any]:
    return model(clusters, TABLE, "Fleet", time)


def diagnosed(**statuses: str) -> dict[str, Any]:
    rows = [
        {"namespace": "obs", "name": name, "status": status, "verdict": [f"{name} is {status}"], "pods": [{}, {}]}
        | {
            "image": "c:0.158.0",
            "ready_text": "2 of 2",
            "certificates": [CERTIFICATE],
            "unseen": [{"what": "w", "why": "y"}],
        }
        for name, status in statuses.items()
    ]
    return {"verdict": [], "collectors": rows}


def test_without_a_cluster_it_says_that_nothing_was_read() -> None:
    (cluster,) = page(fleet().cluster())["clusters"]
    assert cluster["note"].startswith("Nothing was read from the cluster")
    assert (cluster["unread"], [row["state"] for row in cluster["collectors"]]) == ([], ["not read", "not read"])


def test_a_cluster_that_does_not_answer_says_why_once_and_the_others_are_there() -> None:
    lost = fleet().cluster("lost", asked=True, diagnosis={"msg": "cannot connect"}, drift={"msg": "cannot connect"})
    made = page(lost, fleet().cluster("well", asked=True, diagnosis=diagnosed(agent="healthy", gateway="healthy")))
    assert made["clusters"][0]["unread"] == ["how the collectors are, what a run would change: cannot connect"]
    assert (made["summary"]["unread"], made["summary"]["healthy"]) == (1, 2)
    assert made["attention"][0]["text"].startswith("cannot read how the collectors are")


def test_what_was_skipped_is_no_failure() -> None:
    found = fleet().cluster(asked=True, diagnosis=diagnosed(agent="healthy"), drift={"skipped": True, "changed": False})
    assert page(found)["clusters"][0]["unread"] == []


def test_what_cannot_be_rendered_says_why() -> None:
    made = page(FleetCluster("x", {"problem": "there is no recipe"}, {}))
    assert made["attention"] == [
        {"severity": "error", "cluster": "x", "text": "cannot be rendered: there is no recipe", "anchor": "cluster-0"}
    ]


def test_errors_come_first_and_lead_to_their_place() -> None:
    found = fleet().cluster(asked=True, diagnosis=diagnosed(agent="warning", gateway="error"), findings=[FINDING])
    made = page(found)
    assert [item["severity"] for item in made["attention"]] == ["error", "error", "warning", "warning"]
    assert made["attention"][0]["anchor"] == made["clusters"][0]["collectors"][1]["anchor"] == "c0-1"
    assert (made["summary"]["errors"], made["summary"]["ailing"], made["summary"]["certificates"]) == (1, 2, 1)


def test_findings_have_their_place() -> None:
    (row,) = page(fleet().cluster(findings=[FINDING | {"collector": "agent"}]))["clusters"][0]["findings"]
    assert (row["where"], row["collector"]) == ("x.yml:3", "agent")


def test_a_certificate_is_told_once_with_all_who_use_it() -> None:
    found = fleet().cluster(asked=True, diagnosis=diagnosed(agent="healthy", gateway="healthy"))
    (row,) = page(found)["clusters"][0]["certificates"]
    assert (row["holder"], row["used_by"]) == ("Secret obs/tls (tls.crt)", ["obs/agent", "obs/gateway"])
    assert (row["until"], row["left"], row["state"]) == ("2026-12-01T00:00:00Z", "5 days", "soon")


def test_the_authority_of_the_cluster_is_in_every_pod_and_told_of_none() -> None:
    found = diagnosed(agent="healthy")
    found["collectors"][0]["certificates"] = [CERTIFICATE | {"kind": "ConfigMap", "name": "kube-root-ca.crt"}]
    assert page(fleet().cluster(asked=True, diagnosis=found))["clusters"][0]["certificates"] == []


def test_without_a_cluster_certificates_are_those_that_are_asked_for() -> None:
    spec = {"secretName": "tls", "dnsNames": ["g.obs.svc"], "issuerRef": {"name": "ca"}}
    wanted = fleet().object("Certificate", "obs", "g-tls", "gateway", spec=spec)
    (row,) = page(wanted.cluster())["clusters"][0]["certificates"]
    assert (row["holder"], row["issuer"], row["state"]) == ("Secret obs/tls", "Issuer ca", "asked")


def test_drift_is_counts_and_names() -> None:
    objects = [
        {"action": "changed", "kind": "ConfigMap", "namespace": "obs", "name": "agent"},
        {"action": "unchanged", "kind": "Service", "namespace": "obs", "name": "gateway"},
    ]
    drift = page(fleet().cluster(asked=True, drift={"ready": True, "objects": objects}))["clusters"][0]["drift"]
    assert drift["counts"] == [{"action": "changed", "count": 1}, {"action": "unchanged", "count": 1}]
    assert [item["name"] for item in drift["objects"]] == ["agent"]


def test_no_secret_of_a_config_or_a_secret_is_anywhere() -> None:
    exporters = {"otlp_http": {"endpoint": "https://b:1", "headers": {"authorization": "Bearer hunter2secret"}}}
    hidden = Fleet().add("a", config(exporters)).object("Secret", "obs", "s", "a", data={"k": "c2VjcmV0c3RhdGU="})
    told = FINDING | {"message": "hunter2secret is no c2VjcmV0c3RhdGU="}
    text = json.dumps(page(hidden.cluster(findings=[told], diagnosis=diagnosed(a="error") | {"x": "hunter2secret"})))
    assert "hunter2secret" not in text and "c2VjcmV0" not in text
    assert "******** is no ********" in text


def test_the_order_of_collectors_means_nothing() -> None:
    one = fleet()
    two = Fleet().add("gateway", to("otlp.example.com:443")).add("agent", to("gateway:4317"), "daemonset")
    assert page(one.cluster()) == page(two.cluster())


def test_boxes_lead_to_rows_and_hosts_of_other_clusters_are_known() -> None:
    west = Fleet().add("agent", to("in.example.com:443"))
    east = fleet().object("Ingress", "obs", "gateway", "gateway", spec={"rules": [{"host": "in.example.com"}]})
    made = page(west.cluster("west"), east.cluster("east"))
    nodes = made["clusters"][0]["topology"]["nodes"]
    assert [(node["title"], node["anchor"]) for node in nodes] == [("agent", "c0-0"), ("obs/gateway in east", "")]


def test_a_long_list_of_what_is_wrong_is_cut_and_counted() -> None:
    made = page(fleet().cluster(findings=[FINDING] * 40))
    assert (len(made["attention"]), made["more"]) == (25, 15)


def test_long_names_are_cut_in_boxes_and_whole_beside_them() -> None:
    name = "a-very-long-name-of-a-collector-of-a-team"
    (node, _log) = page(Fleet().add(name, config({"debug": {}})).cluster())["clusters"][0]["topology"]["nodes"]
    assert node["title"].endswith("…") and name in node["told"]


def test_who_sends_to_itself_is_told() -> None:
    assert page(Fleet().add("a", to("a:4317")).cluster())["clusters"][0]["topology"]["loops"] == ["a"]


RESOURCES = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1.5", "memory": "1Gi"}}
RULE = {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get", "list"]}


def row(mode: str = "deployment", seen: int | None = None, spec: Any = None, **more: Any) -> dict[str, Any]:
    fleet = Fleet().add("a", config({"debug": {}}), mode, resources=more.pop("resources", RESOURCES), spec=spec or {})
    fleet.object("ClusterRole", "", "obs.a", "a", rules=[RULE])
    fleet.object("ClusterRole", "", "other.a", "a", rules=[RULE, RULE])
    for kind, body in more.items():
        fleet.object(kind, "obs", "a", "a", spec=body)
    return cost(fleet.members()[0], seen)


def test_all_that_it_may_do_and_opens_is_told() -> None:
    found = row()
    assert found["rules"] == ["pods, deployments (apps): get, list"]
    assert (found["ports"], found["iam_actions"]) == (["4317/TCP otlp"], ["xray:PutTraceSegments"])


def test_the_rights_of_its_target_allocator_are_its_own() -> None:
    fleet = Fleet().add("a", config({"debug": {}}))
    fleet.object(
        "ClusterRole", "", "obs.a-targetallocator", "a", rules=[{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    )
    assert cost(fleet.members()[0], None)["rules"] == ["/metrics: get"]


@pytest.mark.parametrize(
    ("found", "pods", "total"),
    [
        (row(spec={"replicas": 3}), "3", "750m"),
        (row(), "1", "250m"),
        (row(seen=2, spec={"replicas": 3}), "2 running, 3", "500m"),
        (row("daemonset", seen=8), "8 running, one on every node", "2"),
        (row(HorizontalPodAutoscaler={"minReplicas": 2, "maxReplicas": 6}), "2 to 6", "1.5"),
        (row(spec={"autoscaler": {"minReplicas": 1, "maxReplicas": 2}}), "1 to 2", "500m"),
    ],
)
def test_requests_are_multiplied_by_the_pods(found: dict[str, Any], pods: str, total: str) -> None:
    assert (found["pods"], found["total"]["cpu_request"]) == (pods, total)


def test_nobody_knows_how_many_nodes_there_are() -> None:
    found = row("daemonset")
    assert (found["pods"], found["total"]) == ("one on every node", {})
    assert found["shown"]["memory_limit"] == "1 GiB"


def test_a_custom_resource_says_what_its_pods_get() -> None:
    fleet = Fleet().add("a", config({"debug": {}}), custom={"resources": RESOURCES, "replicas": 2})
    assert cost(fleet.members()[0], None)["total"]["memory_request"] == "1 GiB"


def test_what_is_no_quantity_costs_nothing_that_is_known() -> None:
    found = row(resources={"requests": {"cpu": "many", "memory": "much"}})
    assert found["shown"] == {
        "cpu_request": "\N{EN DASH}", "memory_request": "\N{EN DASH}",
        "cpu_limit": "no limit", "memory_limit": "no limit",
    }  # fmt: skip


def test_totals_leave_out_whose_pods_are_not_known_and_say_so() -> None:
    found = totals([row(spec={"replicas": 2}), row("daemonset"), row(resources={"requests": {"cpu": "1"}})])
    assert found == {
        "cpu_request": "1.5", "memory_request": "1 GiB",
        "cpu_limit": "no limit", "memory_limit": "no limit", "unknown": "1",
    }  # fmt: skip
