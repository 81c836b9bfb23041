# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles with Certificates against an API server in memory, where a test stands in for cert-manager."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.bundle.apply import apply_bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.bundle.bundle import BundleOptions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.bundle.remove import remove_bundle

from .. import fake_api
from ..fake_api import FakeApi, status

API = "cert-manager.io/v1"
ROOT = f"/apis/{API}/namespaces/ns"
OURS = {"app.kubernetes.io/managed-by": "o11y.opentelemetry"}


def thing(kind: str, name: str, api: str = API, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "ns"}, **more}


def certificate(name: str = "tls", issuer: str = "ca") -> dict[str, Any]:
    return thing("Certificate", name, spec={"secretName": name, "issuerRef": {"name": issuer, "kind": "Issuer"}})


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns", "labels": OURS}}
ISSUER = thing("Issuer", "ca", spec={"selfSigned": {}})
WORKLOAD = thing("Deployment", "gateway", "apps/v1", spec={"template": {"spec": {"containers": []}}})
BUNDLE = [NAMESPACE, WORKLOAD, certificate(), ISSUER]


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, API, ("issuers", "certificates", "certificaterequests"))


def options(manifests: Any = BUNDLE, **more: Any) -> BundleOptions:
    given = {"field_manager": "us", "force_conflicts": True, "prune_selector": "", "wait_seconds": 30}
    return BundleOptions(**{**given, "check": False, "diff": False, "manifests": manifests, **more})


def says(api: FakeApi, kind: str, status: str, **more: Any) -> None:
    api.objects[f"{ROOT}/certificates/tls"]["status"] = {"conditions": [{"type": kind, "status": status, **more}]}


def issue(api: FakeApi, seconds: float = 3) -> None:
    """Let cert-manager issue the certificate after a while."""
    api.clock.on_sleep.append(lambda now: says(api, "Ready", "True") if now >= seconds else None)


def test_workloads_come_when_their_certificates_are_issued() -> None:
    api = FakeApi()
    issue(api)
    apply_bundle(api.cluster(), options())
    written = api.sent("PATCH")
    assert [path.split("/")[-2] for path in written] == ["namespaces", "issuers", "certificates", "deployments"]
    assert 3 <= api.clock.now < 10


def test_an_issued_certificate_costs_no_request() -> None:
    api = FakeApi()
    issue(api)
    apply_bundle(api.cluster(), options())
    before, when = len(api.requests), api.clock.now
    result = apply_bundle(api.cluster(), options())
    assert (result["changed"], api.clock.now) == (False, when)
    assert len(api.requests) - before == 2 * len(BUNDLE)


def test_a_refused_certificate_fails_at_once_with_the_reason() -> None:
    api = FakeApi()
    api.clock.on_sleep.append(lambda _now: says(api, "Issuing", "False", reason="Failed", message="denied by policy"))
    with pytest.raises(Problem, match="not issued: Certificate ns/tls: denied by policy"):
        apply_bundle(api.cluster(), options())
    assert api.clock.now < 1
    assert not [path for path in api.sent("PATCH") if "deployments" in path]


@pytest.mark.parametrize("may_look", [True, False])
def test_a_certificate_that_is_not_issued_in_time_says_why(may_look: bool) -> None:
    request = thing(
        "CertificateRequest", "tls-1", status={"conditions": [{"type": "Ready", "message": "issuer not found"}]}
    )
    request["metadata"]["annotations"] = {"cert-manager.io/certificate-name": "tls"}
    api = FakeApi(request)
    if not may_look:
        denied = fake_api.status(403, "Forbidden", "no")
        api.trouble = lambda _method, path: denied if path.endswith("/certificaterequests") else None
    why = "issuer not found" if may_look else "cert-manager has not processed it"
    with pytest.raises(Problem, match=f"not issued after 30 s: Certificate ns/tls: {why}"):
        apply_bundle(api.cluster(), options())


def test_check_mode_waits_for_no_certificate() -> None:
    api = FakeApi()
    apply_bundle(api.cluster(), options(check=True))
    assert api.clock.now == 0


def deployed(*more: dict[str, Any]) -> FakeApi:
    """Return a cluster with the bundle, and with the Secret that cert-manager has made."""
    secret = thing("Secret", "tls", "v1", type="kubernetes.io/tls")
    secret["metadata"]["annotations"] = {"cert-manager.io/certificate-name": "tls"}
    api = FakeApi(secret, *more)
    api.apply("us", *BUNDLE)
    return api


@pytest.mark.parametrize("check", [False, True])
def test_the_secret_of_a_certificate_goes_with_it_and_so_may_the_namespace(check: bool) -> None:
    api = deployed()
    result = remove_bundle(api.cluster(), options(check=check))
    gone = {item["kind"]: item["action"] for item in result["objects"]}
    assert gone == dict.fromkeys(("Deployment", "Certificate", "Issuer", "Secret", "Namespace"), "deleted")
    assert ("/api/v1/namespaces/ns/secrets/tls" in api.objects) is check
    deleted = [path.split("/")[-2] for path in api.sent("DELETE")]
    assert check or deleted.index("certificates") < deleted.index("secrets")


def test_a_secret_of_somebody_else_with_that_name_stays() -> None:
    api = deployed()
    del api.objects["/api/v1/namespaces/ns/secrets/tls"]["metadata"]["annotations"]
    remove_bundle(api.cluster(), options())
    assert "/api/v1/namespaces/ns/secrets/tls" in api.objects


def test_an_issuer_that_somebody_else_uses_stays_and_that_is_told() -> None:
    api = deployed(certificate("other"))
    result = remove_bundle(api.cluster(), options())
    assert f"{ROOT}/issuers/ca" in api.objects
    assert f"{ROOT}/certificates/tls" not in api.objects
    assert "Kept Issuer ns/ca: Certificates of others need it" in result["warnings"]


def test_an_issuer_and_its_ca_stay_when_it_is_unknown_who_needs_them() -> None:
    bundle = [*BUNDLE, certificate("ca-key", "self"), thing("Issuer", "self", spec={"selfSigned": {}})]
    bundle[3] = thing("Issuer", "ca", spec={"ca": {"secretName": "ca-key"}})
    api = FakeApi()
    api.apply("us", *bundle)
    hidden = f"{ROOT}/certificates"
    api.trouble = lambda _method, path: status(403, "Forbidden", "no") if path == hidden else None
    result = remove_bundle(api.cluster(), options(bundle))
    assert {path for path in api.objects if path.startswith(ROOT)} == {
        f"{ROOT}/{one}" for one in ("issuers/ca", "issuers/self", "certificates/ca-key")
    }
    told = "Kept Issuer ns/ca: this user may not see whether Certificates of others need it"
    assert told in result["warnings"]


def test_a_pruned_certificate_takes_its_secret_along() -> None:
    api = deployed()
    api.objects[f"{ROOT}/certificates/tls"]["metadata"]["labels"] = {"app": "a"}
    issue(api)
    apply_bundle(api.cluster(), options([NAMESPACE, WORKLOAD], prune_selector="app=a"))
    assert "/api/v1/namespaces/ns/secrets/tls" not in api.objects
