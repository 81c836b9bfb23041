# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diagnosis reads of an API server, and what it makes of what it may not read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from .. import fake_api
from ..fake_api import FakeApi, reply, status
from .diagnose_api import CONFIG, LOG, METRICS, REVIEWS, api, counts, facts, metadata, objects


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, "discovery.k8s.io/v1", ("endpointslices",))
    monkeypatch.setitem(fake_api.SERVED, "opentelemetry.io/v1beta1", ("opentelemetrycollectors",))


def test_a_collector_of_somebody_else_is_read_by_ownership() -> None:
    made = api()
    made.clock.on_sleep.append(lambda _now: made.texts.update({METRICS: counts(5, 3)}))
    (found,) = facts(made)
    assert [pod["name"] for pod in found["pods"]] == ["p"]
    assert (found["kind"], found["complete"], found["running"], found["image"]) == (
        "Deployment",
        True,
        True,
        "otelcol:1",
    )
    assert [(row["accepted"], row["state"]) for row in found["receives"] if row["id"] == "otlp"] == [(4, "comes")]
    assert [(row["sent"], row["state"]) for row in found["exports"]] == [(2, "sends")]
    assert found["memory"] == [{"pod": "p", "bytes": 512, "limit": 1024, "percent": 50}]
    assert found["unseen"] == []


def test_it_stops_as_soon_as_all_is_told_and_never_after_the_window() -> None:
    made = api()
    made.clock.on_sleep.append(lambda _now: made.texts.update({METRICS: counts(5, 3)}))
    facts(made)
    assert made.clock.now < 1
    idle = api()
    facts(idle)
    assert idle.clock.now == pytest.approx(4)


def test_nothing_is_written() -> None:
    made = api()
    facts(made)
    assert {method for method, path, _query in made.requests if path != REVIEWS} == {"GET"}


@pytest.mark.parametrize(
    "item",
    [{"name": "w", "kind": "StatefulSet"}, {"selector": "app=a"}, {"name": "w"}],
)
def test_it_is_found_by_kind_name_or_selector(item: dict[str, Any]) -> None:
    (found,) = facts(api(kind="StatefulSet"), **item)
    assert (found["name"], found["kind"], [pod["name"] for pod in found["pods"]]) == ("w", "StatefulSet", ["p"])


def test_a_custom_resource_stands_for_what_the_operator_made_of_it() -> None:
    custom = {"apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": metadata("w")}
    child, *rest = objects()
    child["metadata"] = metadata("w-collector", "cr", generation=1)
    child["metadata"]["uid"] = "w"
    custom["metadata"]["uid"] = "cr"
    made = FakeApi(custom | {"spec": {"mode": "deployment", "config": {}}}, child, *rest)
    made.texts = {METRICS: counts(1, 1), LOG: ""}
    made.trouble = lambda _method, path: reply({"status": {"allowed": True}}) if path == REVIEWS else None
    (found,) = facts(made, selector="app=a")
    assert (found["kind"], found["name"], len(found["pods"])) == ("OpenTelemetryCollector", "w", 1)
    assert [item["kind"] for item in found["objects"]] == ["OpenTelemetryCollector"]


def test_what_does_not_exist_and_what_is_no_collector() -> None:
    (found,) = facts(api(), name="gone")
    assert (found["workload"], found["hidden"], found["pods"]) == (None, False, [])
    with pytest.raises(Problem, match="a collector is no Pod"):
        facts(api(), name="w", kind="Pod")
    with pytest.raises(Problem, match="neither a name nor a selector"):
        facts(api(), kind="Deployment")


def test_the_backend_is_looked_up_with_the_variables_of_the_pod() -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata("jaeger"),
        "spec": {"ports": [{"port": 4317}]},
    }
    assert [peer["state"] for peer in facts(api())[0]["peers"]] == ["no_service"]
    assert [peer["state"] for peer in facts(api(service))[0]["peers"]] == ["no_endpoints"]


def test_rights_are_asked_of_the_api_server() -> None:
    made = api()
    made.trouble = lambda _method, path: reply({"status": {"allowed": False}}) if path == REVIEWS else None
    (row,) = facts(made)[0]["rights"]
    assert (row["about"], row["account"], row["state"]) == ("receivers/k8s_events", "sa", "none")
    assert "list, watch events" in row["missing"]


def test_what_may_not_be_read_is_noted_and_the_rest_goes_on() -> None:
    made = api()
    hidden = ("/services", "/events", "/endpointslices", "subjectaccessreviews", METRICS, LOG)
    made.trouble = lambda _method, path: status(403, "Forbidden", "no") if path.endswith(hidden) else None
    (found,) = facts(made)
    what = {note["what"] for note in found["unseen"]}
    assert {"services in ns", "events in ns", "rights of its ServiceAccount", "own metrics", "logs"} <= what
    assert (found["services"], found["rights"], found["receives"]) == (None, None, None)
    assert found["running"]


def test_metrics_on_the_loopback_are_not_asked_for() -> None:
    made = api()
    made.add({**objects()[-1], "data": {"c": CONFIG.replace("host: 0.0.0.0", "host: localhost")}})
    (found,) = facts(made)
    assert METRICS not in made.sent("GET")
    assert "localhost:8888" in next(note["why"] for note in found["unseen"] if note["what"] == "own metrics")


def test_without_a_known_config_the_usual_port_is_asked() -> None:
    made = api()
    made.add({**objects()[-1], "data": {"other": ""}})
    (found,) = facts(made)
    assert METRICS in made.sent("GET")
    assert [note["what"] for note in found["unseen"]] == ["config"]


def test_logs_are_grouped_masked_and_known_to_be_over_where_data_flows() -> None:
    made = api()
    config = CONFIG.replace("{endpoint:", "{headers: {Authorization: hunter2secret}, endpoint:", 2)
    made.add({**objects()[-1], "data": {"c": config}})
    entry = {
        "otelcol.component.id": "otlp_grpc/jaeger",
        "otelcol.component.kind": "exporter",
        "error": "x hunter2secret",
    }
    made.texts[LOG] = f"2026-01-01T00:09:50Z t\tinfo\ta:1\tretry\t{json.dumps(entry)}"
    made.clock.on_sleep.append(lambda _now: made.texts.update({METRICS: counts(5, 3)}))
    (row,) = facts(made)[0]["logs"]
    assert "hunter2secret" not in json.dumps(row)
    assert (row["current"], row["calm"], row["seconds_ago"]) == (True, True, 10)


def test_what_a_pod_refers_to_must_be_there() -> None:
    made = api()
    template = objects()[2]
    template["spec"]["volumes"].append({"name": "s", "secret": {"secretName": "tls"}})
    template["spec"]["containers"][0]["volumeMounts"].append({"name": "s", "mountPath": "/tls"})
    made.add(template)
    states = {row["name"]: row["state"] for row in facts(made)[0]["references"]}
    assert states == {"cm": "ok", "tls": "missing"}


def test_the_target_allocator_tells_its_jobs() -> None:
    made = api()
    receiver = "receivers: {prometheus: {target_allocator: {endpoint: 'http://ta'}}, "
    made.add({**objects()[-1], "data": {"c": CONFIG.replace("receivers: {", receiver, 1)}})
    root = "/api/v1/namespaces/ns/services/ta:80/proxy"
    made.texts |= {
        f"{root}/scrape_configs": json.dumps({"a": {}, "b": {}}),
        f"{root}/jobs": json.dumps({"a": {"_link": "/jobs/a/targets"}}),
        f"{root}/jobs/a/targets": json.dumps({"c-0": {"targets": [{"targets": ["x:1"]}, {"targets": ["y:1"]}]}}),
    }
    (found,) = facts(made)
    assert found["target_allocator"]["jobs"] == [{"name": "a", "targets": 2}, {"name": "b", "targets": 0}]
