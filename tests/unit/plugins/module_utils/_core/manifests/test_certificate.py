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

from ..helpers import LABELS, build, cases, running

OPTIONS = {"name": "gateway-tls", "usages": "both", "duration_seconds": 7776000, "renew_before_seconds": 2592000}
SERVICE = ["gateway", "gateway.telemetry", "gateway.telemetry.svc", "gateway.telemetry.svc.cluster.local"]


def made(*wanted: Any, **options: Any) -> list[dict[str, Any]]:
    return certificates(build(certificates=[{**OPTIONS, **item} for item in wanted], **options))


def test_no_ca_is_made_without_certificates_or_with_an_issuer_that_is_given() -> None:
    assert made() == []
    issuer = {"name": "company", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    (certificate,) = made({"issuer": issuer})
    assert certificate["spec"]["issuerRef"] == issuer


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
    root, authority, issuer, certificate = made({}, namespace="n" * 63)
    assert (root["kind"], root["spec"]) == ("Issuer", {"selfSigned": {}})
    assert authority["spec"]["issuerRef"]["name"] == root["metadata"]["name"]
    assert authority["spec"]["isCA"] and authority["spec"]["privateKey"]["rotationPolicy"] == "Never"
    assert len(authority["spec"]["commonName"]) == 64, "no certificate can have a longer one"
    assert issuer["spec"] == {"ca": {"secretName": authority["spec"]["secretName"]}}
    assert certificate["spec"]["issuerRef"]["name"] == issuer["metadata"]["name"]


def test_collectors_of_a_namespace_share_its_ca() -> None:
    both = deployed.union([*made({}), *made({"name": "agent-tls"}, name="agent")])
    cas = ["opentelemetry-selfsigned", "opentelemetry-ca", "opentelemetry-ca"]
    assert [item["metadata"]["name"] for item in both] == [*cas, "gateway-tls", "agent-tls"]


LIFE = {"duration_seconds": 86399, "renew_before_seconds": 300}


@cases(
    "options, field, value",
    ({"usages": "server"}, "usages", ["digital signature", "server auth"]),
    ({"usages": "client"}, "usages", ["digital signature", "client auth"]),
    ({"dns_names": ["otlp.example.com"]}, "dnsNames", ["otlp.example.com"]),
    (LIFE, "duration", "23h59m59s"),
    (LIFE, "renewBefore", "0h5m0s"),
    ({**LIFE, "duration_seconds": 3600}, "duration", "1h0m0s"),
)
def test_a_certificate_is_as_asked_for(options: dict[str, Any], field: str, value: Any) -> None:
    assert made(options)[-1]["spec"][field] == value


@cases(
    "options, more",
    ({"mode": "daemonset"}, []),
    ({"mode": "statefulset"}, ["*.gateway-headless", "*.gateway-headless.telemetry.svc"]),
    ({"backend": "operator"}, ["gateway-collector", "gateway-collector.telemetry.svc.cluster.local"]),
)
def test_it_is_for_the_names_that_clients_use(options: dict[str, Any], more: list[str]) -> None:
    assert set(made({}, **options)[-1]["spec"]["dnsNames"]) >= {*SERVICE, *more}


@pytest.mark.parametrize(("life", "renewal"), [(3599, 300), (3600, 299), (3600, 3600), (3600, 7200)])
def test_a_life_that_the_issuer_would_refuse_is_refused_here(life: int, renewal: int) -> None:
    with pytest.raises(Problem, match="certificate 'gateway-tls' lives for"):
        made({"duration_seconds": life, "renew_before_seconds": renewal})
    with pytest.raises(Problem, match="not a valid name of a certificate"):
        made({"name": "Gateway_TLS"})


READING = running(
    extensions={"k8s_leader_elector": {}}, processors={"k8s_attributes": {"extract": {"metadata": ["x"]}}}
)
WIDE = {"name": "telemetry.gateway", "labels": LABELS}


def test_collectors_can_share_a_service_account() -> None:
    own = build(service_account_annotations={"role": "arn"}, annotations={"a": "b"})
    assert service_account(own)["metadata"]["annotations"] == {"role": "arn"}
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
        "automountServiceAccountToken": False,
    }


def test_a_cluster_role_has_exactly_the_derived_rules_and_is_bound_to_the_service_account() -> None:
    one, watched = build(READING, service_account_name="shared"), ["get", "list", "watch"]
    written = [*watched, "create", "update", "patch", "delete"]
    assert cluster_role(one) == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": WIDE,
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "pods"], "verbs": watched},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": written},
        ],
    }
    assert cluster_role_binding(one) == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": WIDE,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "telemetry.gateway"},
        "subjects": [{"kind": "ServiceAccount", "name": "shared", "namespace": "telemetry"}],
    }
    assert (cluster_role(build()), cluster_role_binding(build())) == (None, None)
