# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles with Certificates against an API server in memory, where a test stands in for cert-manager."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ... import fake_api
from ...fake_api import FakeApi, status
from ...live_helpers import CERTIFICATES, obj
from .bundle_helpers import NAMESPACE, RELEASE, absent, ours, present

ROOT = f"/apis/{CERTIFICATES}/namespaces/ns"
SECRET = "/api/v1/namespaces/ns/secrets/tls"


def certificate(name: str = "tls", issuer: str = "ca") -> dict[str, Any]:
    reference = {"secretName": name, "issuerRef": {"name": issuer, "kind": "Issuer"}}
    return obj("Certificate", name, labels={}, spec=reference)


ISSUER = obj("Issuer", "ca", labels={}, spec={"selfSigned": {}})
ISSUED = {"annotations": {"cert-manager.io/certificate-name": "tls"}}
WORKLOAD = obj("Deployment", "gateway", labels={}, spec={"template": {"spec": {"containers": []}}})
BUNDLE = [NAMESPACE, WORKLOAD, certificate(), ISSUER]


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, CERTIFICATES, ("issuers", "certificates", "certificaterequests"))


def says(api: FakeApi, kind: str, status: str, **more: Any) -> None:
    api.objects[f"{ROOT}/certificates/tls"]["status"] = {"conditions": [{"type": kind, "status": status, **more}]}


def issue(api: FakeApi, seconds: float = 3) -> None:
    """Let cert-manager issue the certificate after a while."""
    api.clock.on_sleep.append(lambda now: says(api, "Ready", "True") if now >= seconds else None)


def test_workloads_come_when_their_certificates_are_issued_and_those_cost_no_request_later() -> None:
    api = FakeApi()
    issue(api)
    present(api, BUNDLE)
    written = api.sent("PATCH")
    assert [path.split("/")[-2] for path in written] == ["namespaces", "issuers", "certificates", "deployments"]
    assert 3 <= api.clock.now < 10
    before, when = len(api.requests), api.clock.now
    result = present(api, BUNDLE, diff=False)
    assert (result["changed"], api.clock.now) == (False, when)
    assert len(api.requests) - before == 2 * len(BUNDLE)


def test_a_refused_certificate_fails_at_once_with_the_reason() -> None:
    api = FakeApi()
    api.clock.on_sleep.append(lambda _now: says(api, "Issuing", "False", reason="Failed", message="denied by policy"))
    with pytest.raises(Problem, match="not issued: Certificate ns/tls: denied by policy"):
        present(api, BUNDLE)
    assert api.clock.now < 1
    assert not [path for path in api.sent("PATCH") if "deployments" in path]


@pytest.mark.parametrize("may_look", [True, False])
def test_a_certificate_that_is_not_issued_in_time_says_why(may_look: bool) -> None:
    state = {"conditions": [{"type": "Ready", "message": "issuer not found"}]}
    api = FakeApi(obj("CertificateRequest", "tls-1", status=state, metadata=ISSUED))
    if not may_look:
        api.refuse("/certificaterequests")
    why = "issuer not found" if may_look else "cert-manager has not processed it"
    with pytest.raises(Problem, match=f"not issued after 30 s: Certificate ns/tls: {why}"):
        present(api, BUNDLE)


def test_check_mode_waits_for_no_certificate() -> None:
    api = FakeApi()
    present(api, BUNDLE, check=True)
    assert api.clock.now == 0


def deployed(*more: dict[str, Any]) -> FakeApi:
    """Return a cluster with the bundle, and with the Secret that cert-manager has made."""
    api = ours(*BUNDLE)
    api.add(obj("Secret", "tls", type="kubernetes.io/tls", metadata=ISSUED), *more)
    return api


@pytest.mark.parametrize("check", [False, True])
def test_the_secret_of_a_certificate_goes_with_it_and_so_may_the_namespace(check: bool) -> None:
    api = deployed()
    result = absent(api, BUNDLE, check=check)
    gone = {item["kind"]: item["action"] for item in result["objects"]}
    assert gone == dict.fromkeys(("Deployment", "Certificate", "Issuer", "Secret", "Namespace"), "deleted")
    assert (SECRET in api.objects) is check
    deleted = [path.split("/")[-2] for path in api.sent("DELETE")]
    assert check or deleted.index("certificates") < deleted.index("secrets")


def test_a_secret_of_somebody_else_with_that_name_stays() -> None:
    api = deployed()
    del api.objects[SECRET]["metadata"]["annotations"]
    absent(api, BUNDLE)
    assert SECRET in api.objects


def test_an_issuer_that_somebody_else_uses_stays_and_that_is_told() -> None:
    api = deployed(certificate("other"))
    result = absent(api, BUNDLE)
    assert f"{ROOT}/issuers/ca" in api.objects
    assert f"{ROOT}/certificates/tls" not in api.objects
    assert "Kept Issuer ns/ca: Certificates of others need it" in result["warnings"]


def test_an_issuer_and_its_ca_stay_when_it_is_unknown_who_needs_them() -> None:
    bundle = [*BUNDLE, certificate("ca-key", "self"), obj("Issuer", "self", spec={"selfSigned": {}})]
    bundle[3] = obj("Issuer", "ca", spec={"ca": {"secretName": "ca-key"}})
    api = ours(*bundle)
    api.refuse(f"{ROOT}/certificates")
    result = absent(api, bundle)
    left = {path.removeprefix(ROOT) for path in api.objects if path.startswith(ROOT)}
    assert left == {"/issuers/ca", "/issuers/self", "/certificates/ca-key"}
    assert "Kept Issuer ns/ca: this user may not see whether Certificates of others need it" in result["warnings"]


def test_a_pruned_certificate_takes_its_secret_along() -> None:
    api = deployed()
    api.objects[f"{ROOT}/certificates/tls"]["metadata"]["labels"] = {"app": "a"}
    issue(api)
    present(api, [NAMESPACE, WORKLOAD], prune_selector="app=a")
    assert SECRET not in api.objects


SHARED = {RELEASE: "ns_shared"}
OWN = {RELEASE: "ns.gw"}
SELECTOR = f"{RELEASE} in (ns.gw,ns_shared)"
CHAIN = [
    obj("Issuer", "self", labels=SHARED, spec={"selfSigned": {}}),
    {**certificate("ca-key", "self"), "metadata": {"name": "ca-key", "namespace": "ns", "labels": SHARED}},
    obj("Issuer", "ca", labels=SHARED, spec={"ca": {"secretName": "ca-key"}}),
]
MINE = [{**certificate(), "metadata": {"name": "tls", "namespace": "ns", "labels": OWN}}]
KEY = {"annotations": {"cert-manager.io/certificate-name": "ca-key"}}
# What the names alone give: no namespace, where Kubernetes or somebody else has made it.
NAMED = [obj("ServiceAccount", "gw", labels=OWN)]


def sharing(*more: dict[str, Any]) -> FakeApi:
    """Return a cluster with a collector whose certificate the CA of its namespace has signed."""
    api = ours(*NAMED, *MINE, *CHAIN)
    api.add(obj("Secret", "tls", metadata=ISSUED), obj("Secret", "ca-key", metadata=KEY), *more)
    return api


def left(api: FakeApi) -> set[str]:
    return {"/".join(path.split("/")[-2:]) for path in api.objects if "/namespaces/ns/" in path}


@pytest.mark.parametrize("check", [False, True])
def test_the_ca_of_a_namespace_goes_with_the_last_collector_whose_certificates_are_not_stated(check: bool) -> None:
    api = sharing()
    before = left(api)
    result = absent(api, NAMED, prune_selector=SELECTOR, check=check)
    assert left(api) == (before if check else set())
    assert result["warnings"] == []
    gone = {f"{item['kind']} {item['name']}" for item in result["objects"] if item["action"] == "pruned"}
    secrets = {"Secret tls", "Secret ca-key"}
    assert gone == {"Issuer self", "Issuer ca", "Certificate ca-key", "Certificate tls"} | secrets


def test_the_ca_of_a_namespace_stays_whole_while_others_need_it() -> None:
    api = sharing(certificate("other"))
    result = absent(api, NAMED, prune_selector=SELECTOR)
    chain = {"issuers/self", "issuers/ca", "certificates/ca-key", "secrets/ca-key"}
    assert left(api) == {"certificates/other", *chain}
    assert "Kept Issuer ns/ca: Certificates of others need it" in result["warnings"]
    del api.objects[f"{ROOT}/certificates/other"]
    absent(api, NAMED, prune_selector=SELECTOR)
    assert left(api) == set()


def test_an_issuer_with_the_labels_of_the_ca_that_somebody_else_made_stays() -> None:
    api = ours(*NAMED)
    api.add(*CHAIN)
    absent(api, NAMED, prune_selector=SELECTOR)
    assert left(api) == {"issuers/self", "issuers/ca", "certificates/ca-key"}


def test_a_run_that_deploys_prunes_no_ca_whatever_its_selector_says() -> None:
    api = sharing()
    present(api, [NAMESPACE, *NAMED], prune_selector=SELECTOR)
    assert {"issuers/self", "issuers/ca", "certificates/ca-key", "secrets/ca-key"} <= left(api)


def test_without_cert_manager_the_removal_is_silent_about_the_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(fake_api.SERVED, CERTIFICATES)
    api = ours(*NAMED)
    result = absent(api, NAMED, prune_selector=SELECTOR)
    assert (left(api), result["warnings"]) == (set(), [])


def test_an_account_that_may_not_see_the_ca_removes_the_rest() -> None:
    api = sharing()
    api.trouble = lambda _method, path: status(403, "Forbidden", "no") if path.startswith(ROOT) else None
    result = absent(api, NAMED, prune_selector=SELECTOR)
    assert "serviceaccounts/gw" not in left(api)
    assert result["warnings"] == ["Not pruned, since this user may not list them: certificates, issuers"]
