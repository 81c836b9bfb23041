# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of webhooks, with a clock of the test's."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.webhook_certificate import (
    CertificateRequest,
    ensure_certificate,
)
from cryptography import x509

from ...fake_api import FakeApi
from ...live_helpers import obj

PATH = "/api/v1/namespaces/op/secrets/cert"


class Lossy(FakeApi):
    """The answer to the first write is lost."""

    def __init__(self, *manifests: dict[str, Any]) -> None:
        super().__init__(*manifests)
        self.lost: list[str] = []

    def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        answer = super().__call__(method, target, headers, body)
        if method == "PATCH" and not self.lost:
            self.lost.append(target)
            raise LostError("timeout", "Read timed out.", "https://a", again=True)
        return answer


NAMESPACE = obj("Namespace", "op")
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def see_to(api: FakeApi, day: int = 0, **more: Any) -> dict[str, Any]:
    given = {"namespace": "op", "name": "cert", "hosts": ["hook.op.svc"], "labels": {"a": "b"}, "check": False}
    wanted = CertificateRequest(**{**given, "days": 365, "renew_days": 90, **more})
    return ensure_certificate(api.cluster(), wanted, lambda: START + datetime.timedelta(days=day))


def data(api: FakeApi, key: str) -> str:
    return base64.b64decode(api.objects[PATH]["data"][key]).decode()


def bundle(text: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(text.encode())


def test_a_certificate_is_made_once() -> None:
    api = FakeApi(NAMESPACE)
    first, second = see_to(api), see_to(api, 200)
    assert (first["changed"], second["changed"]) == (True, False)
    assert (first["not_after"], first["days_left"]) == ("2027-01-01T00:00:00+00:00", 365)
    assert second["ca_bundle"] == first["ca_bundle"] == data(api, "ca.crt")


def test_the_ca_signs_for_the_hosts_and_its_key_is_nowhere() -> None:
    api = FakeApi(NAMESPACE)
    assert "PRIVATE" not in str(see_to(api))
    (ca,), (leaf,) = bundle(data(api, "ca.crt")), bundle(data(api, "tls.crt"))
    leaf.verify_directly_issued_by(ca)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["hook.op.svc"]
    assert set(api.objects[PATH]["data"]) == {"ca.crt", "tls.crt", "tls.key"}
    assert data(api, "tls.key").count("PRIVATE KEY") == 2
    assert api.objects[PATH]["metadata"]["labels"] == {"a": "b", "app.kubernetes.io/managed-by": "o11y.opentelemetry"}


def test_a_certificate_is_renewed_before_its_end_and_the_old_ca_stays_trusted() -> None:
    api = FakeApi(NAMESPACE)
    old = see_to(api)["ca_bundle"]
    result = see_to(api, 300)
    assert result["changed"]
    assert "the old one ends 2027-01-01" in result["msg"]
    assert result["ca_bundle"].endswith(old)
    assert len(bundle(see_to(api, 600)["ca_bundle"])) == 2
    assert len(bundle(see_to(api, 1500)["ca_bundle"])) == 1


def test_the_ca_of_the_certificate_that_pods_serve_stays_trusted_at_each_renewal() -> None:
    api = FakeApi(NAMESPACE)
    see_to(api, 0, hosts=["a"])
    see_to(api, 1, hosts=["a", "b"])
    (served,) = bundle(data(api, "tls.crt"))
    _new, previous = bundle(see_to(api, 2, hosts=["a", "b", "c"])["ca_bundle"])
    served.verify_directly_issued_by(previous)


def test_another_host_needs_another_certificate() -> None:
    api = FakeApi(NAMESPACE)
    see_to(api)
    assert "not for other.op.svc" in see_to(api, hosts=["hook.op.svc", "other.op.svc"])["msg"]


def test_a_trial_run_makes_nothing() -> None:
    api = FakeApi()
    result = see_to(api, check=True)
    assert (result["changed"], result["ca_bundle"], api.sent("PATCH")) == (True, "", [])


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "o11y.opentelemetry"}])
def test_a_secret_of_others_is_left_alone_and_so_is_a_copy(labels: dict[str, str]) -> None:
    api = FakeApi(NAMESPACE, obj("Secret", "cert", "op", labels=labels, data={}))
    with pytest.raises(Problem, match="the Secret op/cert belongs to field manager kubectl-create"):
        see_to(api)


def test_who_may_not_read_it_is_told_so() -> None:
    api = FakeApi(NAMESPACE)
    api.refuse("")
    with pytest.raises(Problem, match="See to the certificate op/cert: not allowed"):
        see_to(api)


def test_a_secret_that_appears_after_the_read_keeps_its_keys() -> None:
    api = FakeApi(NAMESPACE)
    theirs = obj("Secret", "cert", "op") | {"data": {"tls.crt": "dGhlaXJz", "tls.key": "dGhlaXJz"}}

    def appears(method: str, _path: str) -> None:
        if method == "PATCH" and PATH not in api.objects:
            api.add(theirs)

    api.trouble = appears
    with pytest.raises(Problem, match="the Secret op/cert belongs to field manager"):
        see_to(api)
    assert api.objects[PATH]["data"] == theirs["data"]


@pytest.mark.parametrize("given", [{"days": 60}, {"days": 90}, {"days": 0, "renew_days": 0}, {"days": -5}], ids=str)
def test_a_certificate_that_every_run_would_replace_is_refused(given: dict[str, int]) -> None:
    api = FakeApi(NAMESPACE)
    with pytest.raises(Problem, match=r"days .*renew_days"):
        see_to(api, **given)
    assert PATH not in api.objects


@pytest.mark.parametrize("day", [0, 300], ids=["first run", "renewal"])
def test_of_two_runs_at_once_the_second_takes_the_certificate_of_the_first(day: int) -> None:
    api = FakeApi(NAMESPACE)
    if day:
        see_to(api)
    first_results: list[dict[str, Any]] = []

    def run_first(method: str, path: str) -> None:
        if method == "PATCH" and path == PATH and not first_results:
            api.trouble = lambda _method, _path: None
            first_results.append(see_to(api, day))

    api.trouble = run_first
    second = see_to(api, day)
    (first,) = first_results
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["ca_bundle"] == first["ca_bundle"] == data(api, "ca.crt")


@pytest.mark.parametrize("day", [0, 300], ids=["first run", "renewal"])
def test_a_certificate_whose_answer_was_lost_is_made_by_this_run(day: int) -> None:
    api = Lossy(NAMESPACE)
    if day:
        see_to(api)
        api.lost.clear()
    result = see_to(api, day)
    assert api.lost
    assert result["changed"]
    assert "it was made" in result["msg"]
    assert result["ca_bundle"] == data(api, "ca.crt")


@pytest.mark.parametrize("renew_days", [-1, -(10**10)])
def test_a_certificate_is_not_renewed_after_its_end(renew_days: int) -> None:
    api = FakeApi(NAMESPACE)
    see_to(api)
    with pytest.raises(Problem, match=f"renew_days is {renew_days}, so a certificate would be replaced after its end"):
        see_to(api, renew_days=renew_days)


@pytest.mark.parametrize("days", [10_000_000, 10**10])
def test_a_certificate_without_a_date_of_its_end_is_refused(days: int) -> None:
    api = FakeApi(NAMESPACE)
    with pytest.raises(Problem, match="a certificate ends before the year 10000"):
        see_to(api, days=days)
    assert PATH not in api.objects
