# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint import deployed
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.certificate import certificates
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.service_account import (
    cluster_role,
    cluster_role_binding,
    service_account,
)

from ..helpers import LABELS, build, running

OPTIONS = {"name": "gateway-tls", "usages": "both", "duration_seconds": 7776000, "renew_before_seconds": 2592000}
SERVICE = ["gateway", "gateway.telemetry", "gateway.telemetry.svc", "gateway.telemetry.svc.cluster.local"]


def made(*wanted: Any, **options: Any) -> list[dict[str, Any]]:
    return certificates(build(certificates=[{**OPTIONS, **item} for item in wanted], **options))


def test_without_certificates_there_is_no_ca() -> None:
    assert made() == []


def test_a_certificate_says_all_that_it_can_so_that_no_default_changes_it() -> None:
    assert made({})[-1] == {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "gateway-tls", "namespace": "telemetry", "labels": LABELS},
        "spec": {
            "secretName": "gateway-tls",
            "dnsNames": [*SERVICE, "localhost"],
            "usages": ["digital signature", "server auth", "client auth"],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "duration": "2160h0m0s",
            "renewBefore": "720h0m0s",
            "issuerRef": {"name": "opentelemetry-ca", "kind": "Issuer", "group": "cert-manager.io"},
            "revisionHistoryLimit": 1,
        },
    }


def test_the_ca_of_a_namespace_signs_itself_and_keeps_its_key() -> None:
    root, authority, issuer = made({})[:3]
    assert (root["kind"], root["spec"]) == ("Issuer", {"selfSigned": {}})
    assert authority["spec"]["issuerRef"]["name"] == root["metadata"]["name"]
    assert authority["spec"]["isCA"] and authority["spec"]["privateKey"]["rotationPolicy"] == "Never"
    assert issuer["spec"] == {"ca": {"secretName": authority["spec"]["secretName"]}}
    assert made({})[3]["spec"]["issuerRef"]["name"] == issuer["metadata"]["name"]


def test_collectors_of_a_namespace_share_its_ca() -> None:
    both = [*made({}), *made({"name": "agent-tls"}, name="agent")]
    assert [item["metadata"]["name"] for item in deployed.union(both)] == [
        "opentelemetry-selfsigned",
        "opentelemetry-ca",
        "opentelemetry-ca",
        "gateway-tls",
        "agent-tls",
    ]


def test_an_issuer_that_is_given_signs_and_no_ca_is_made() -> None:
    issuer = {"name": "company", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    (certificate,) = made({"issuer": issuer})
    assert certificate["spec"]["issuerRef"] == issuer


@pytest.mark.parametrize(
    ("usages", "wanted"),
    [("server", ["server auth"]), ("client", ["client auth"]), ("both", ["server auth", "client auth"])],
)
def test_it_is_good_for_what_it_is_shown_for(usages: str, wanted: list[str]) -> None:
    assert made({"usages": usages})[-1]["spec"]["usages"] == ["digital signature", *wanted]


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({"mode": "daemonset"}, []),
        ({"mode": "statefulset"}, ["*.gateway-headless", "*.gateway-headless.telemetry.svc"]),
        ({"backend": "operator"}, ["gateway-collector", "gateway-collector.telemetry.svc.cluster.local"]),
    ],
)
def test_it_is_for_the_names_that_clients_use(options: dict[str, Any], more: list[str]) -> None:
    assert set(made({}, **options)[-1]["spec"]["dnsNames"]) >= {*SERVICE, *more}


def test_names_that_are_given_are_all_there_are() -> None:
    assert made({"dns_names": ["otlp.example.com"]})[-1]["spec"]["dnsNames"] == ["otlp.example.com"]


@pytest.mark.parametrize(
    ("life", "renewal", "text"), [(3600, 300, ("1h0m0s", "0h5m0s")), (86399, 600, ("23h59m59s", "0h10m0s"))]
)
def test_durations_are_as_go_writes_them(life: int, renewal: int, text: tuple[str, str]) -> None:
    spec = made({"duration_seconds": life, "renew_before_seconds": renewal})[-1]["spec"]
    assert (spec["duration"], spec["renewBefore"]) == text


@pytest.mark.parametrize(("life", "renewal"), [(3599, 300), (3600, 299), (3600, 3600), (3600, 7200)])
def test_a_life_that_the_issuer_would_refuse_is_refused_here(life: int, renewal: int) -> None:
    with pytest.raises(Problem, match="certificate 'gateway-tls' lives for"):
        made({"duration_seconds": life, "renew_before_seconds": renewal})


def test_a_name_that_no_secret_can_have_is_refused() -> None:
    with pytest.raises(Problem, match="not a valid name of a certificate"):
        made({"name": "Gateway_TLS"})


def test_the_name_of_a_ca_is_never_too_long_for_a_certificate() -> None:
    assert len(made({}, namespace="n" * 63)[1]["spec"]["commonName"]) == 64


READING = running(
    extensions={"k8s_leader_elector": {}}, processors={"k8s_attributes": {"extract": {"metadata": ["x"]}}}
)
WIDE = {"name": "telemetry.gateway", "labels": LABELS}


def test_collectors_can_share_a_service_account() -> None:
    assert service_account(build(service_account_name="shared")) == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "shared",
            "namespace": "telemetry",
            "labels": {
                "app.kubernetes.io/name": "opentelemetry-collector",
                "app.kubernetes.io/managed-by": "o11y.opentelemetry",
                "o11y.opentelemetry/release": "telemetry.gateway",
            },
        },
    }


def test_a_service_account_has_annotations_of_its_own_alone() -> None:
    one = build(service_account_annotations={"role": "arn"}, annotations={"a": "b"})
    assert service_account(one)["metadata"]["annotations"] == {"role": "arn"}


def test_a_cluster_role_has_exactly_the_derived_rules() -> None:
    assert cluster_role(build(READING)) == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": WIDE,
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "pods"], "verbs": ["get", "list", "watch"]},
            {
                "apiGroups": ["coordination.k8s.io"],
                "resources": ["leases"],
                "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
            },
        ],
    }


def test_a_cluster_role_is_bound_to_the_service_account() -> None:
    assert cluster_role_binding(build(READING, service_account_name="shared")) == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": WIDE,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "telemetry.gateway"},
        "subjects": [{"kind": "ServiceAccount", "name": "shared", "namespace": "telemetry"}],
    }


def test_a_config_that_reads_nothing_has_no_role() -> None:
    assert cluster_role(build()) is None
    assert cluster_role_binding(build()) is None
