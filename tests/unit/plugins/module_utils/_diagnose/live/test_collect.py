# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diagnosis reads of an API server, of certificates, and of what it may not read."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live import parsed_certificates
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.collector_info import (
    read_cluster_objects,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import OWNER
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.wave_note import (
    build_note,
    compute_pods_release,
)

from tests.support.certificates import main

from ... import fake_api
from ...fake_api import FakeApi, reply, status
from ...helpers import cases
from ...live_helpers import obj
from .diagnose_api import CONFIG, LOG, METRICS, REVIEWS, api, counts, facts, metadata, objects

NOBODY = {"matchLabels": {"app": "nobody"}}


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, "discovery.k8s.io/v1", ("endpointslices",))
    monkeypatch.setitem(fake_api.SERVED, "opentelemetry.io/v1beta1", ("opentelemetrycollectors",))


def test_a_collector_of_somebody_else_is_read_by_ownership() -> None:
    made = api()
    made.clock.on_sleep.append(lambda _now: made.texts.update({METRICS: counts(5, 3)}))
    (found,) = facts(made)
    assert [pod["name"] for pod in found["pods"]] == ["p"]
    assert (found["kind"], found["image"]) == ("Deployment", "otelcol:1")
    assert found["complete"] is found["running"] is True
    assert [(row["accepted"], row["state"]) for row in found["receives"] if row["id"] == "otlp"] == [(4, "comes")]
    assert [(row["sent"], row["state"]) for row in found["exports"]] == [(2, "sends")]
    assert found["memory"] == [{"pod": "p", "bytes": 512, "limit": 1024, "percent": 50}]
    assert found["unseen"] == []


def test_nodes_without_an_agent_are_told_and_who_may_not_list_nodes_is_told_that() -> None:
    tainted = {"taints": [{"key": "gpu", "effect": "NoSchedule"}]}
    (found,) = facts(api(obj("Node", "a", spec=tainted), kind="DaemonSet"))
    assert found["uncovered_nodes"] == [{"node": "a", "why": "it does not tolerate gpu:NoSchedule"}]
    (deployment,) = facts(api(obj("Node", "a", spec=tainted)))
    assert deployment["uncovered_nodes"] == []
    hidden = api(kind="DaemonSet")
    allowed = hidden.trouble
    hidden.trouble = lambda method, path: (
        status(403, "Forbidden", "no") if path == "/api/v1/nodes" else allowed(method, path)
    )
    (found,) = facts(hidden)
    assert found["uncovered_nodes"] == []
    assert [row["what"] for row in found["unseen"]] == ["nodes of the cluster"]


def test_it_stops_as_soon_as_all_is_told_never_after_the_window_and_writes_nothing() -> None:
    made = api()
    made.clock.on_sleep.append(lambda _now: made.texts.update({METRICS: counts(5, 3)}))
    facts(made)
    assert made.clock.now < 1
    idle = api()
    facts(idle)
    assert idle.clock.now == pytest.approx(4)
    assert {method for method, path, _query in made.requests if path != REVIEWS} == {"GET"}


@pytest.mark.parametrize("item", [{"name": "w", "kind": "StatefulSet"}, {"selector": "app=a"}, {"name": "w"}])
def test_it_is_found_by_kind_name_or_selector(item: dict[str, Any]) -> None:
    (found,) = facts(api(kind="StatefulSet"), **item)
    assert (found["name"], found["kind"], [pod["name"] for pod in found["pods"]]) == ("w", "StatefulSet", ["p"])


def test_a_custom_resource_stands_for_what_the_operator_made_of_it() -> None:
    spec = {"mode": "deployment", "config": {}}
    custom = obj("OpenTelemetryCollector", "w", metadata={"uid": "cr"}, spec=spec)
    child, *rest = objects()
    child["metadata"] = metadata("w-collector", "cr", generation=1) | {"uid": "w"}
    made = FakeApi(custom, child, *rest)
    made.texts = {METRICS: counts(1, 1), LOG: ""}
    made.trouble = lambda _method, path: reply({"status": {"allowed": True}}) if path == REVIEWS else None
    (found,) = facts(made, selector="app=a")
    assert (found["kind"], found["name"], len(found["pods"])) == ("OpenTelemetryCollector", "w", 1)
    assert [item["kind"] for item in found["objects"]] == ["OpenTelemetryCollector"]


@pytest.mark.parametrize("selector", ["app==a", " app = a ", "app=a, app==a"])
def test_a_selector_has_one_or_two_equals_signs_and_spaces(selector: str) -> None:
    (found,) = facts(api(), selector=selector)
    assert found["name"] == "w"
    assert found["workload"]


@pytest.mark.parametrize("selector", ["app", "!app", "app!=b", "app in (a,b)", "app notin (b)", "app=a,", "=a"])
def test_a_selector_of_another_form_is_no_collector_that_is_missing(selector: str) -> None:
    with pytest.raises(Problem, match="other than a label and its value"):
        facts(api(), selector=selector)


def test_what_does_not_exist_and_what_is_no_collector() -> None:
    (found,) = facts(api(), name="gone")
    assert (found["workload"], found["hidden"], found["pods"]) == (None, False, [])
    with pytest.raises(Problem, match="a collector is no Pod"):
        facts(api(), name="w", kind="Pod")
    with pytest.raises(Problem, match="neither a name nor a selector"):
        facts(api(), kind="Deployment")


def test_the_backend_is_looked_up_with_the_variables_of_the_pod() -> None:
    service = obj("Service", "jaeger", spec={"ports": [{"port": 4317}]})
    assert [peer["state"] for peer in facts(api())[0]["peers"]] == ["no_service"]
    assert [peer["state"] for peer in facts(api(service))[0]["peers"]] == ["no_endpoints"]


REFUSED_PROXY = (
    'rpc error: code = Unavailable desc = "transport: Error while dialing: dial tcp 10.0.0.5:3128: connect: {}"'
)
SAID = "2026-01-01T00:09:50Z 2026-01-01T00:09:50Z\tinfo\ta.go:1\tExporting failed. Will retry\t{}"
OF_EXPORTER = {"otelcol.component.id": "otlp_grpc/jaeger", "otelcol.component.kind": "exporter"}


@cases(
    "variables, said, cause, proxied",
    ({"HTTPS_PROXY": "http://proxy.corp:3128"}, "connection refused", "proxy", 1),
    ({"HTTPS_PROXY": "10.0.0.5:3128", "NO_PROXY": ".svc"}, "no route to host", "proxy", 1),
    ({"https_proxy": "http://proxy.corp:3128", "no_proxy": "jaeger,.svc"}, "connection refused", "proxy", 0),
    ({"HTTPS_PROXY": "http://proxy.corp:8080"}, "connection refused", "refused", 1),
    ({"HTTP_PROXY": "http://proxy.corp:8080"}, "connection refused", "refused", 0),
)
def test_an_address_that_is_the_proxys_names_the_variable(
    variables: dict[str, str], said: str, cause: str, proxied: int
) -> None:
    given = {"BACKEND": "jaeger", **variables}
    made = api(change={"env": [{"name": name, "value": value} for name, value in given.items()]})
    made.texts[LOG] = SAID.format(json.dumps({"error": REFUSED_PROXY.format(said), **OF_EXPORTER}))
    (found,) = facts(made)
    assert [row["cause"] for row in found["logs"]] == [cause]
    assert len(found["proxied"]) == proxied
    assert cause != "proxy" or next(iter(variables)) in found["logs"][0]["text"]


@cases(
    "probe, asked",
    ({"httpGet": {"port": 13133}}, [("readiness", 13133)]),
    ({"tcpSocket": {"port": 4317}}, []),
    ({"exec": {"command": ["true"]}}, []),
)
def test_a_probe_of_a_port_without_a_listener_is_found(probe: Any, asked: list[tuple[str, int]]) -> None:
    (found,) = facts(api(change={"readinessProbe": probe}))
    assert [(row["kind"], row["port"]) for row in found["probes"]] == asked


@pytest.mark.parametrize(("sent", "state"), [(1, "kept_out"), (3, "ok")])
def test_a_policy_of_the_backends_pods_counts_unless_data_arrives(sent: int, state: str) -> None:
    backend = obj(
        "Pod", "jaeger-0", labels={"app": "jaeger"}, spec={"containers": [{"ports": [{"containerPort": 4317}]}]}
    )
    ends = [{"targetRef": {"name": "jaeger-0"}, "conditions": {"ready": True}}]
    labels = {"kubernetes.io/service-name": "jaeger"}
    slices = obj("EndpointSlice", "jaeger-1", labels=labels, endpoints=ends, ports=[{"port": 4317}])
    shut = {"podSelector": {"matchLabels": {"app": "jaeger"}}, "ingress": [{"from": [{"podSelector": NOBODY}]}]}
    policy = obj("NetworkPolicy", "shut", api="networking.k8s.io/v1", spec=shut)
    made = api(obj("Service", "jaeger", spec={"ports": [{"port": 4317}]}), backend, slices, policy)
    made.clock.on_sleep.append(lambda _now: made.texts.update({METRICS: counts(5, sent)}))
    (peer,) = facts(made)[0]["peers"]
    assert (peer["state"], peer["policies"]) == (state, "shut")


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
    entry = {"otelcol.component.id": "otlp_grpc/jaeger", "otelcol.component.kind": "exporter"}
    entry["error"] = "x hunter2secret"
    made.texts[LOG] = f"2026-01-01T00:09:50Z t\tinfo\ta:1\tretry\t{json.dumps(entry)}"
    made.clock.on_sleep.append(lambda _now: made.texts.update({METRICS: counts(5, 3)}))
    (row,) = facts(made)[0]["logs"]
    assert "hunter2secret" not in json.dumps(row)
    assert (row["current"], row["calm"], row["seconds_ago"]) == (True, True, 10)


def test_of_many_pods_the_log_of_the_one_that_crashes_is_read() -> None:
    well = objects()[2]
    # A pod in CrashLoopBackOff has phase Running.
    crashing = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}
    others = [{**well, "metadata": metadata(name, "r")} for name in ("q", "r", "s")]
    made = api(*others, {**well, "metadata": metadata("z", "r"), "status": crashing})
    entry = {"otelcol.component.id": "otlp_grpc/jaeger", "otelcol.component.kind": "exporter", "error": "x"}
    made.texts[LOG.replace("/p/", "/z/")] = f"2026-01-01T00:09:50Z t\tinfo\ta:1\tretry\t{json.dumps(entry)}"
    assert len(facts(made)[0]["logs"]) == 1


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


@pytest.mark.parametrize("endpoint", ["http://allocator.example.com", "http://127.0.0.1:8080"])
def test_a_target_allocator_outside_of_the_cluster_is_told_and_not_asked(endpoint: str) -> None:
    made = api()
    receiver = f"receivers: {{prometheus: {{target_allocator: {{endpoint: '{endpoint}'}}}}, "
    made.add({**objects()[-1], "data": {"c": CONFIG.replace("receivers: {", receiver, 1)}})
    (found,) = facts(made)
    assert {"what": "target allocator", "why": f"{endpoint}: it is not in this cluster"} in found["unseen"]
    assert [path for path in made.sent("GET") if "/namespaces//" in path] == []


def allocated(answers: dict[str, str]) -> dict[str, Any]:
    """Return the facts of a collector whose target allocator has a job for each answer; empty text is none."""
    made = api()
    receiver = "receivers: {prometheus: {target_allocator: {endpoint: 'http://ta'}}, "
    made.add({**objects()[-1], "data": {"c": CONFIG.replace("receivers: {", receiver, 1)}})
    root = "/api/v1/namespaces/ns/services/ta:80/proxy"
    jobs = {name: {"_link": f"/jobs/{name}/targets"} for name in answers}
    made.texts |= {
        f"{root}/scrape_configs": json.dumps({name: {} for name in answers}),
        f"{root}/jobs": json.dumps(jobs),
    }
    made.texts |= {f"{root}/jobs/{name}/targets": answer for name, answer in answers.items() if answer}
    (found,) = facts(made)
    return found


ONE_TARGET = json.dumps({"c-0": {"targets": [{"targets": ["x:1"]}]}, "c-1": {"targets": []}})


@pytest.mark.parametrize(
    "answers, jobs, idle, why",
    [
        ({"a": ONE_TARGET}, ["a"], ["c-1"], ""),
        ({"a": ONE_TARGET, "b": ""}, ["a"], [], "1 of 2 jobs is not read"),
        ({f"job{n:02}": ONE_TARGET for n in range(60)}, [f"job{n:02}" for n in range(50)], [], "10 of 60 jobs"),
    ],
)
def test_a_job_that_is_not_read_is_none_without_targets(
    answers: dict[str, str], jobs: list[str], idle: list[str], why: str
) -> None:
    found = allocated(answers)
    assert [row["name"] for row in found["target_allocator"]["jobs"]] == jobs
    assert {row["targets"] for row in found["target_allocator"]["jobs"]} == {1}
    assert found["target_allocator"]["idle"] == idle
    notes = [note["why"] for note in found["unseen"] if note["what"] == "targets of the target allocator"]
    assert len(notes) == bool(why)
    assert all(why in note for note in notes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    main(made, ["gateway.obs.svc", "10.0.0.1"])
    return made


def parsed(folder: Path, name: str) -> list[parsed_certificates.ParsedCertificate]:
    return parsed_certificates.parse_certificates((folder / f"{name}.crt").read_bytes())


def test_what_a_certificate_says(folder: Path) -> None:
    (server,) = parsed(folder, "server")
    assert (server.facts.subject, server.facts.issuer) == ("CN=server", "CN=ca")
    assert server.facts.names == ("gateway.obs.svc", "10.0.0.1")
    assert not server.facts.is_ca
    assert server.facts.not_before < server.facts.not_after
    assert parsed(folder, "ca")[0].facts.is_ca


def test_who_signed_it(folder: Path) -> None:
    server = parsed(folder, "server")
    assert parsed_certificates.trusts_chain(parsed(folder, "ca"), server)
    assert parsed_certificates.trusts_chain([*parsed(folder, "other-ca"), *parsed(folder, "ca")], server)
    assert parsed_certificates.trusts_chain(server, server)
    assert not parsed_certificates.trusts_chain(parsed(folder, "other-ca"), server)
    assert not parsed_certificates.trusts_chain([], server)


def test_keys_and_broken_texts_are_no_certificates(folder: Path) -> None:
    assert parsed_certificates.parse_certificates((folder / "server.key").read_bytes()) == []
    assert (
        parsed_certificates.parse_certificates(b"-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
        == []
    )
    assert parsed_certificates.decode_secret_value(base64.b64encode(b"x").decode()) == b"x"
    assert parsed_certificates.decode_secret_value("%") == b""
    assert parsed_certificates.explain_unavailable() == ""


def test_what_runs_is_read_in_all_namespaces_and_nothing_else() -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "n"},
    }
    api = FakeApi(obj("ConfigMap", "a"), obj("DaemonSet", "b"), obj("Secret", "c"), policy)
    found = read_cluster_objects(api.cluster())
    kinds = {(item["kind"], item["metadata"]["name"]) for item in found["resources"]}
    assert kinds == {("ConfigMap", "a"), ("DaemonSet", "b"), ("NetworkPolicy", "p")}
    assert {item["apiVersion"] for item in found["resources"]} == {"v1", "apps/v1", "networking.k8s.io/v1"}
    assert found["warnings"] == []  # no operator, no custom resources


def test_what_this_user_may_not_list_is_told() -> None:
    api = FakeApi(obj("ConfigMap", "a"))
    api.refuse("/api/v1/configmaps")
    found = read_cluster_objects(api.cluster())
    assert found["resources"] == []
    assert found["warnings"] == ["This user may not list configmaps of all namespaces, so they are not checked"]


def test_a_server_that_fails_is_told() -> None:
    api = FakeApi()
    api.refuse("/deployments", status(400, "BadRequest", "what?"))
    with pytest.raises(Problem, match="List deployments"):
        read_cluster_objects(api.cluster())


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ("under-way", "a change has been under way since 2026-01-01"),
        ("kept", "a change that began at 2026-01-01 failed, and the collector keeps the new config"),
        ("partly-back", "a change that began at 2026-01-01 failed, and not all of its objects went back"),
        ("other", ""),
    ],
)
def test_a_change_under_way_is_seen_by_its_record(state: str, what: str) -> None:
    own = {"o11y.opentelemetry/collector": "w", "o11y.opentelemetry/release": "ns.w"}
    labels = {"o11y.opentelemetry/change": state, "o11y.opentelemetry/release": "ns.w"}
    record = obj("ConfigMap", "w-change", labels=labels, metadata={"creationTimestamp": "2026-01-01"})
    made = api()
    made.apply(OWNER, record)
    assert facts(made)[0]["change"] is None, "a collector of others has no record"
    made.objects["/apis/apps/v1/namespaces/ns/deployments/w"]["metadata"]["labels"] = own
    assert facts(made)[0]["change"] == ({"record": "w-change", "what": what} if what else None)
    made.add(record)
    assert facts(made)[0]["change"] is None, "a ConfigMap of another owner is no record"


def test_the_wave_that_the_pods_passed_is_seen_by_its_note() -> None:
    made = api()
    workload = made.objects["/apis/apps/v1/namespaces/ns/deployments/w"]
    own = {"o11y.opentelemetry/collector": "w", "o11y.opentelemetry/release": "ns.w"}
    named = {**workload, "metadata": {**workload["metadata"], "labels": own}}
    note = build_note(named, {"wave": "first", "release": compute_pods_release(workload)})
    made.apply(OWNER, note)
    assert facts(made)[0]["wave"] == {}, "a collector of others has no note"
    workload["metadata"]["labels"] = own
    assert facts(made)[0]["wave"]["wave"] == "first"
    made.apply(OWNER, build_note(named, {"wave": "first", "release": "of other pods"}))
    assert facts(made)[0]["wave"] == {}
    made.add(note)
    assert facts(made)[0]["wave"] == {}, "a ConfigMap of another owner is no note"
