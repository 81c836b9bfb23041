# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks as data: causes, CA bundles, Services."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster import operator_status, webhooks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.bundle import Ref
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.replacement_order import unmet

from ..helpers import build, running
from ..manifests.test_security import CONSTRAINED, LOGS, placed

CALL = (
    'Internal error occurred: failed calling webhook "a.b": failed to call webhook: Post "https://hook.ns.svc:443/x": '
)
BUNDLE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIB\n").decode()
SERVICE = {"namespace": "ns", "name": "hook"}


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ('service "hook" not found', "no_service"),
        ('no endpoints available for service "hook"', "no_endpoints"),
        ("x509: certificate is valid for ip-10-0-0-1, not hook.ns.svc", "certificate_name"),
        ("x509: certificate has expired or is not yet valid: current time is after", "certificate_time"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "untrusted"),
        ("dial tcp 10.0.0.1:9443: connect: connection refused", "refused"),
        ("EOF", "refused"),
        ("context deadline exceeded", "unreachable"),
        ("dial tcp 10.0.0.1:9443: i/o timeout", "unreachable"),
        ("No agent available", "unreachable"),
        ("the server is currently unable to handle the request", "unreachable"),
        ("the server could not find the requested resource", "no_path"),
        ("something new", "other"),
    ],
)
def test_why_a_webhook_does_not_answer(words: str, cause: str) -> None:
    assert webhooks.calls_webhook(CALL + words)
    assert webhooks.cause(words).id == cause
    assert webhooks.cause(CALL + words).id == cause


def test_every_cause_has_a_case() -> None:
    cases = {case[1] for case in test_why_a_webhook_does_not_answer.pytestmark[0].args[1]}  # type: ignore[attr-defined]
    assert cases == {row.id for row in webhooks.CAUSES}


@pytest.mark.parametrize(
    ("message", "passing"),
    [
        ('conversion webhook for a/v1, Kind=B failed: Post "https://hook.ns.svc:443/convert": EOF', True),
        ("conversion webhook for a/v1, Kind=B failed: the config is no map", False),
        ('admission webhook "a.b" denied the request: no', False),
        ("etcdserver: request timed out", False),
    ],
)
def test_no_answer_is_not_a_no(message: str, passing: bool) -> None:
    assert webhooks.calls_webhook(message) is passing


def test_the_service_is_in_the_message() -> None:
    assert webhooks.service_in(CALL) == ("ns", "hook")
    assert webhooks.service_in("https://hooks.example.com/x") is None


def configuration(*clients: Any, annotations: Any = None) -> dict[str, Any]:
    webhooks = [{"name": f"w{number}", "clientConfig": client} for number, client in enumerate(clients)]
    return {"metadata": {"name": "c", "annotations": annotations or {}}, "webhooks": webhooks}


def definition(strategy: str, client: Any) -> dict[str, Any]:
    conversion = {"strategy": strategy, "webhook": {"clientConfig": client}}
    return {"metadata": {"name": "d"}, "spec": {"conversion": conversion}}


@pytest.mark.parametrize(
    ("given", "without"),
    [
        (configuration({"service": SERVICE, "caBundle": BUNDLE}, {"service": SERVICE}), ["w1"]),
        (configuration({"service": SERVICE, "caBundle": "Cg=="}), ["w0"]),
        (configuration({"service": SERVICE, "caBundle": "%"}), ["w0"]),
        (configuration({"url": "https://hooks.example.com"}), []),
        (definition("Webhook", {"service": SERVICE}), ["conversion"]),
        (definition("Webhook", {"service": SERVICE, "caBundle": BUNDLE}), []),
        (definition("None", {}), []),
        ({"metadata": {"name": "d"}, "spec": {}}, []),
    ],
)
def test_webhooks_without_a_ca(given: Any, without: list[str]) -> None:
    assert webhooks.uninjected(given) == without


def test_services_are_named_once() -> None:
    client = {"service": SERVICE}
    given = [configuration(client, client, {"url": "https://a"}), definition("Webhook", client)]
    assert webhooks.services(given) == [("ns", "hook")]


@pytest.mark.parametrize(
    ("annotations", "found"),
    [
        ({"cert-manager.io/inject-ca-from": "ns/c", "x": "y"}, ("cert-manager.io/inject-ca-from", "ns/c")),
        ({"service.beta.openshift.io/inject-cabundle": "true"}, ("service.beta.openshift.io/inject-cabundle", "true")),
        (None, ("", "")),
    ],
)
def test_who_injects(annotations: Any, found: tuple[str, str]) -> None:
    assert webhooks.injector(configuration(annotations=annotations)) == found


@pytest.mark.parametrize(
    ("selector", "yes"), [({"a": "1"}, True), ({"a": "1", "b": "2"}, True), ({"a": "2"}, False), ({}, False)]
)
def test_a_service_selects_a_workload(selector: Any, yes: bool) -> None:
    workload = {"spec": {"template": {"metadata": {"labels": {"a": "1", "b": "2"}}}}}
    assert webhooks.selects({"spec": {"selector": selector}}, workload) is yes


@pytest.mark.parametrize(
    ("endpoints", "ready"), [([{"conditions": {"ready": False}}], False), ([{}], True), ([], False), (None, False)]
)
def test_endpoints(endpoints: Any, ready: bool) -> None:
    slices = [{"endpoints": endpoints, "ports": [{"port": 9443}]}]
    assert webhooks.ready(slices) is ready
    assert webhooks.port(slices) == "9443"
    assert webhooks.port([]) == "that its targetPort names"


NAME = "cert-manager.io/certificate-name"


def thing(kind: str, name: str, conditions: Any = (), annotations: Any = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "a", "generation": 2, "annotations": annotations}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": {"conditions": list(conditions)}}


def says(kind: str, status: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "observedGeneration": 2, **more}


@pytest.mark.parametrize(
    ("conditions", "issued"),
    [
        ([], False),
        ([says("Ready", "True")], True),
        ([says("Ready", "False")], False),
        ([says("Ready", "True", observedGeneration=1)], False),
        ([{"type": "Ready", "status": "True"}], True),
        ([says("Issuing", "True"), says("Ready", "True")], True),
    ],
)
def test_it_is_issued_when_that_is_said_of_what_it_is_now(conditions: Any, issued: bool) -> None:
    assert operator_status.is_issued(thing("Certificate", "x", conditions)) is issued


def test_a_refusal_is_told_and_one_of_an_earlier_wish_is_not() -> None:
    failed = says("Issuing", "False", reason="Failed", message="denied by policy")
    assert operator_status.refusal(thing("Certificate", "x", [failed])) == "denied by policy"
    assert operator_status.refusal(thing("Certificate", "x", [{**failed, "observedGeneration": 1}])) == ""
    assert operator_status.refusal(thing("Certificate", "x", [says("Issuing", "True", reason="DoesNotExist")])) == ""


def test_the_newest_request_says_most() -> None:
    waiting = thing("Certificate", "x", [says("Ready", "False", message="does not exist yet")])
    requests = []
    for created, message in (("2026-01-02", "issuer not found"), ("2026-01-01", "older")):
        item = thing("CertificateRequest", created, [says("Ready", "False", message=message)], {NAME: "x"})
        item["metadata"]["creationTimestamp"] = created
        requests.append(item)
    assert operator_status.account(waiting, requests) == "issuer not found"
    assert operator_status.account(waiting, []) == "does not exist yet"
    assert operator_status.account(thing("Certificate", "x"), []) == "cert-manager has not processed it"


def test_a_secret_belongs_to_the_certificate_that_it_names() -> None:
    certificate = thing("Certificate", "x")
    assert operator_status.belongs(thing("Secret", "s", annotations={NAME: "x"}), certificate)
    assert not operator_status.belongs(thing("Secret", "s", annotations={NAME: "y"}), certificate)
    assert not operator_status.belongs(thing("Secret", "s"), certificate)


ROOT = thing("Issuer", "self", selfSigned={})
AUTHORITY = thing("Certificate", "ca", secretName="ca", issuerRef={"name": "self", "kind": "Issuer"})
ISSUER = thing("Issuer", "ca", ca={"secretName": "ca"})
OWN = thing("Certificate", "own", secretName="own", issuerRef={"name": "ca", "kind": "Issuer"})


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ({"name": "ca", "kind": "Issuer"}, [ISSUER, AUTHORITY, ROOT]),
        ({"name": "ca"}, [ISSUER, AUTHORITY, ROOT]),
        ({"name": "self"}, [ROOT]),
        ({"name": "ca", "kind": "ClusterIssuer"}, []),
        ({"name": "other"}, []),
    ],
)
def test_an_issuer_that_others_need_stays_with_the_ca_behind_it(reference: Any, kept: Any) -> None:
    other = thing("Certificate", "other", secretName="other", issuerRef=reference)
    assert operator_status.needed([ROOT, AUTHORITY, ISSUER, OWN], [other]) == kept
    elsewhere = {**other, "metadata": {**other["metadata"], "namespace": "b"}}
    assert operator_status.needed([ROOT, AUTHORITY, ISSUER, OWN], [elsewhere]) == []


CLEAR = running(receivers={"otlp": {"protocols": {"http": None}}})
FOLDERS, PORTS, NETWORK, USER = "folders of the node", "ports of the node", "the node's network", "user 10001"


def wishes(backend: str, config: Any, **options: Any) -> Any:
    order = build(config, backend=backend, **options)
    return [wish.more for wish in unmet(BACKENDS[backend].manifests(order))]


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
@pytest.mark.parametrize(
    ("config", "options", "more"),
    [
        (CLEAR, {}, (USER,)),
        (CLEAR, {"mode": "daemonset"}, (PORTS, USER)),
        (CLEAR, {"host_network": True}, (NETWORK, USER)),
        (LOGS, {"mode": "daemonset"}, (FOLDERS, "user 0")),
    ],
)
def test_what_pods_ask_for_without_constraints_is_found(backend: str, config: Any, options: Any, more: Any) -> None:
    assert wishes(backend, config, **options) == [more]


def test_a_sidecar_has_a_user_in_the_pods_of_others() -> None:
    assert wishes("operator", CLEAR, mode="sidecar") == [(USER,)]


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
def test_who_brings_constraints_or_needs_none_is_fine(backend: str) -> None:
    for order in (placed(LOGS, mode="daemonset", backend=backend), placed(CLEAR, backend=backend)):
        assert unmet(BACKENDS[backend].manifests(order)) == []


def test_constraints_of_another_collector_do_not_count() -> None:
    bring = BACKENDS["kubernetes"].manifests(placed(LOGS, platform=CONSTRAINED, mode="daemonset", name="other"))
    ask = BACKENDS["kubernetes"].manifests(build(LOGS, mode="daemonset"))
    assert [wish.owner for wish in unmet([*bring, *ask])] == [Ref("DaemonSet", "telemetry", "gateway")]
