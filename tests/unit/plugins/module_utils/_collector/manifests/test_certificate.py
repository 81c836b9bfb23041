# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of collectors; who has the token of a ServiceAccount, and where its rights end."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector import conflicts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import collector_roles
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import (
    open_telemetry_collector as cr,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import (
    service_account as accounts,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.certificate import (
    render_certificates,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.pod import render_pod_template
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import CONFIG, build, cases, manifest, running

OPTIONS = {"name": "gateway-tls", "usages": "both", "duration_seconds": 7776000, "renew_before_seconds": 2592000}
SERVICE = ["gateway", "gateway.telemetry", "gateway.telemetry.svc", "gateway.telemetry.svc.cluster.local"]
LIFE = {"duration_seconds": 86399, "renew_before_seconds": 300}
ASKING = running(processors={"k8s_attributes": {}})
PASSING = running(processors={"k8s_attributes": {"passthrough": True}})
FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
SIDECAR = {"mode": "sidecar", "backend": "operator"}
ELECTING = {"k8s_leader_elector": {"lease_name": "a", "lease_namespace": "leases"}}


def made(*wanted: Any, **options: Any) -> list[dict[str, Any]]:
    return render_certificates(build(certificates=[{**OPTIONS, **item} for item in wanted], **options))


def test_the_ca_of_a_namespace_signs_itself_and_keeps_its_key() -> None:
    root, authority, issuer, certificate = made({}, namespace="n" * 63)
    assert (root["kind"], root["spec"]) == ("Issuer", {"selfSigned": {}})
    assert authority["spec"]["issuerRef"]["name"] == root["metadata"]["name"]
    assert authority["spec"]["isCA"] and authority["spec"]["privateKey"]["rotationPolicy"] == "Never"
    assert len(authority["spec"]["commonName"]) == 64, "no certificate can have a longer one"
    assert issuer["spec"] == {"ca": {"secretName": authority["spec"]["secretName"]}}
    assert certificate["spec"]["issuerRef"]["name"] == issuer["metadata"]["name"]


def test_collectors_of_a_namespace_share_its_ca_and_there_is_none_with_an_issuer_that_is_given() -> None:
    both = conflicts.merge_manifests([*made({}), *made({"name": "agent-tls"}, name="agent")])
    cas = ["opentelemetry-selfsigned", "opentelemetry-ca", "opentelemetry-ca"]
    assert [item["metadata"]["name"] for item in both] == [*cas, "gateway-tls", "agent-tls"]
    issuer = {"name": "company", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    assert [item["spec"]["issuerRef"] for item in made({"issuer": issuer})] == [issuer]
    assert made() == []


@cases(
    "options, field, value",
    ({"usages": "both"}, "usages", ["digital signature", "server auth", "client auth"]),
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


def test_collectors_can_share_a_service_account() -> None:
    own = build(service_account_annotations={"role": "arn"}, annotations={"a": "b"})
    assert accounts.render_service_account(own)["metadata"]["annotations"] == {"role": "arn"}
    release = {"o11y.opentelemetry/release": "telemetry.gateway", "app.kubernetes.io/name": "opentelemetry-collector"}
    labels = {**release, "app.kubernetes.io/managed-by": "o11y.opentelemetry"}
    metadata = {"name": "shared", "namespace": "telemetry", "labels": labels}
    shared = manifest("v1", "ServiceAccount", metadata, automountServiceAccountToken=False)
    assert accounts.render_service_account(build(service_account_name="shared")) == shared


@cases(
    "config, option, has_it",
    (CONFIG, None, False),
    (CONFIG, True, True),
    (ASKING, None, True),
    (ASKING, False, False),
    (PASSING, None, False),
)
def test_only_a_pod_whose_config_needs_the_api_has_a_token(config: Any, option: bool | None, has_it: bool) -> None:
    given = {"automount_service_account_token": option}
    assert render_pod_template(build(config, **given))["spec"]["automountServiceAccountToken"] is has_it
    spec = cr.render_collector_resource(build(config, backend="operator", **given))["spec"]
    mounts = {mount["mountPath"]: mount["name"] for mount in spec.get("volumeMounts", [])}
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    assert (FOLDER in mounts) is has_it
    assert [source for name in mounts.values() for source in volumes[name]["projected"]["sources"]][:1] == (
        [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}] if has_it else []
    )


@cases(
    "options, said",
    ({}, False),
    ({"automount_service_account_token": True}, False),
    ({"backend": "operator"}, False),
    (SIDECAR, None),
    ({**SIDECAR, "automount_service_account_token": False}, False),
)
def test_an_account_mounts_nothing_by_itself_but_in_pods_of_others(options: dict[str, Any], said: bool | None) -> None:
    for config in (CONFIG, ASKING):
        assert accounts.render_service_account(build(config, **options)).get("automountServiceAccountToken") is said
    spec = cr.render_collector_resource(build(ASKING, **SIDECAR))["spec"]
    assert FOLDER not in {mount["mountPath"] for mount in spec.get("volumeMounts", [])}


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
def test_an_elector_has_the_leases_of_one_namespace(backend: str) -> None:
    one = build(running(extensions=ELECTING), backend=backend)
    assert (collector_roles.render_cluster_role(one), collector_roles.render_cluster_role_binding(one)) == (None, None)
    role, binding = collector_roles.render_namespace_roles(one)
    for made, kind in ((role, "Role"), (binding, "RoleBinding")):
        metadata = made["metadata"]
        assert (made["kind"], metadata["namespace"], metadata["name"]) == (kind, "leases", "telemetry.gateway")
    assert [sorted(rule) for rule in role["rules"]] == [["apiGroups", "resources", "verbs"]]
    assert binding["roleRef"]["kind"] == "Role"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "gateway", "namespace": "telemetry"}]
    assert [item for item in BACKENDS[backend].build_manifests(one) if item in (role, binding)] == [role, binding]


def test_a_namespace_that_a_variable_names_is_any_namespace() -> None:
    one = build(running(extensions={"k8s_leader_elector": {"lease_name": "a", "lease_namespace": "${env:NAMESPACE}"}}))
    assert collector_roles.render_namespace_roles(one) == [] and collector_roles.render_cluster_role(one) is not None
