# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as data: what is on it, and what comes first."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.cluster import FleetCluster
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.model import model

from .helpers import TABLE, Fleet, config, to

FINDING = {"severity": "error", "rule": "r", "path": "p", "message": "m", "fix": "f", "file": "x.yml", "line": 3}
CERTIFICATE = {
    **{"kind": "Secret", "namespace": "obs", "name": "tls", "key": "tls.crt", "subject": "CN=g", "issuer": "CN=ca"},
    **{"not_after": "2026-12-01T00:00:00Z", "left": "5 days", "state": "soon", "about": "in", "names": ["g.obs.svc"]},
}


def fleet() -> Fleet:
    return Fleet().add("agent", to("gateway:4317"), "daemonset").add("gateway", to("otlp.example.com:443"))


def page(*clusters: FleetCluster) -> dict[str, Any]:
    return model(clusters, TABLE, "Fleet", "now")


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


def test_errors_come_first_and_lead_to_their_place() -> None:
    found = fleet().cluster(asked=True, diagnosis=diagnosed(agent="warning", gateway="error"), findings=[FINDING])
    made = page(found)
    assert [item["severity"] for item in made["attention"]] == ["error", "error", "warning", "warning"]
    assert made["attention"][0]["anchor"] == made["clusters"][0]["collectors"][1]["anchor"] == "c0-1"
    assert (made["summary"]["errors"], made["summary"]["ailing"], made["summary"]["certificates"]) == (1, 2, 1)


def test_a_certificate_is_told_once_with_all_who_use_it() -> None:
    found = fleet().cluster(asked=True, diagnosis=diagnosed(agent="healthy", gateway="healthy"))
    (row,) = first(found)["certificates"]
    assert (row["holder"], row["used_by"]) == ("Secret obs/tls (tls.crt)", ["obs/agent", "obs/gateway"])
    assert (row["until"], row["left"], row["state"]) == ("2026-12-01T00:00:00Z", "5 days", "soon")


def test_the_authority_of_the_cluster_is_in_every_pod_and_told_of_none() -> None:
    found = diagnosed(agent="healthy")
    found["collectors"][0]["certificates"] = [CERTIFICATE | {"kind": "ConfigMap", "name": "kube-root-ca.crt"}]
    assert first(fleet().cluster(asked=True, diagnosis=found))["certificates"] == []


def test_without_a_cluster_certificates_are_those_that_are_asked_for() -> None:
    spec = {"secretName": "tls", "dnsNames": ["g.obs.svc"], "issuerRef": {"name": "ca"}}
    (row,) = first(fleet().object("Certificate", "obs", "g-tls", "gateway", spec=spec).cluster())["certificates"]
    assert (row["holder"], row["issuer"], row["state"]) == ("Secret obs/tls", "Issuer ca", "asked")


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
