# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks as data: causes, CA bundles, Services."""

from __future__ import annotations

import base64
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster import webhooks

from ..helpers import cases

CALL = (
    'Internal error occurred: failed calling webhook "a.b": failed to call webhook: Post "https://hook.ns.svc:443/x": '
)
BUNDLE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIB\n").decode()
SERVICE = {"namespace": "ns", "name": "hook"}


@cases(
    "words, cause",
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
)
def test_why_a_webhook_does_not_answer(words: str, cause: str) -> None:
    assert webhooks.calls_webhook(CALL + words)
    assert webhooks.cause(words).id == cause
    assert webhooks.cause(CALL + words).id == cause


def test_every_cause_has_a_case() -> None:
    cases = {case[1] for case in test_why_a_webhook_does_not_answer.pytestmark[0].args[1]}  # type: ignore[attr-defined]
    assert cases == {row.id for row in webhooks.CAUSES}


@cases(
    "message, passing",
    ('conversion webhook for a/v1, Kind=B failed: Post "https://hook.ns.svc:443/convert": EOF', True),
    ("conversion webhook for a/v1, Kind=B failed: the config is no map", False),
    ('admission webhook "a.b" denied the request: no', False),
    ("etcdserver: request timed out", False),
)
def test_no_answer_is_not_a_no(message: str, passing: bool) -> None:
    assert webhooks.calls_webhook(message) is passing


def configuration(*clients: Any, annotations: Any = None) -> dict[str, Any]:
    webhooks = [{"name": f"w{number}", "clientConfig": client} for number, client in enumerate(clients)]
    return {"metadata": {"name": "c", "annotations": annotations or {}}, "webhooks": webhooks}


def definition(strategy: str, client: Any) -> dict[str, Any]:
    conversion = {"strategy": strategy, "webhook": {"clientConfig": client}}
    return {"metadata": {"name": "d"}, "spec": {"conversion": conversion}}


@cases(
    "given, without",
    (configuration({"service": SERVICE, "caBundle": BUNDLE}, {"service": SERVICE}), ["w1"]),
    (configuration({"service": SERVICE, "caBundle": "Cg=="}), ["w0"]),
    (configuration({"service": SERVICE, "caBundle": "%"}), ["w0"]),
    (configuration({"url": "https://hooks.example.com"}), []),
    (definition("Webhook", {"service": SERVICE}), ["conversion"]),
    (definition("Webhook", {"service": SERVICE, "caBundle": BUNDLE}), []),
    (definition("None", {}), []),
    ({"metadata": {"name": "d"}, "spec": {}}, []),
)
def test_webhooks_without_a_ca(given: Any, without: list[str]) -> None:
    assert webhooks.uninjected(given) == without


def test_services_are_named_once_and_in_the_message() -> None:
    client = {"service": SERVICE}
    given = [configuration(client, client, {"url": "https://a"}), definition("Webhook", client)]
    assert webhooks.services(given) == [("ns", "hook")]
    assert webhooks.service_in(CALL) == ("ns", "hook")
    assert webhooks.service_in("https://hooks.example.com/x") is None


@cases(
    "annotations, found",
    ({"cert-manager.io/inject-ca-from": "ns/c", "x": "y"}, ("cert-manager.io/inject-ca-from", "ns/c")),
    ({"service.beta.openshift.io/inject-cabundle": "true"}, ("service.beta.openshift.io/inject-cabundle", "true")),
    (None, ("", "")),
)
def test_who_injects(annotations: Any, found: tuple[str, str]) -> None:
    assert webhooks.injector(configuration(annotations=annotations)) == found


@cases("selector, yes", ({"a": "1"}, True), ({"a": "1", "b": "2"}, True), ({"a": "2"}, False), ({}, False))
def test_a_service_selects_a_workload(selector: Any, yes: bool) -> None:
    workload = {"spec": {"template": {"metadata": {"labels": {"a": "1", "b": "2"}}}}}
    assert webhooks.selects({"spec": {"selector": selector}}, workload) is yes


@cases("endpoints, ready", ([{"conditions": {"ready": False}}], False), ([{}], True), ([], False), (None, False))
def test_endpoints(endpoints: Any, ready: bool) -> None:
    slices = [{"endpoints": endpoints, "ports": [{"port": 9443}]}]
    assert webhooks.ready(slices) is ready
    assert webhooks.port(slices) == "9443"
    assert webhooks.port([]) == "that its targetPort names"
