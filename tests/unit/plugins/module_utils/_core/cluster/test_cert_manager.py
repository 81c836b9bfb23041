# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.cert_manager import (
    account,
    belongs,
    is_issued,
    needed,
    refusal,
)

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
    assert is_issued(thing("Certificate", "x", conditions)) is issued


def test_a_refusal_is_told_and_one_of_an_earlier_wish_is_not() -> None:
    failed = says("Issuing", "False", reason="Failed", message="denied by policy")
    assert refusal(thing("Certificate", "x", [failed])) == "denied by policy"
    assert refusal(thing("Certificate", "x", [{**failed, "observedGeneration": 1}])) == ""
    assert refusal(thing("Certificate", "x", [says("Issuing", "True", reason="DoesNotExist")])) == ""


def test_the_newest_request_says_most() -> None:
    waiting = thing("Certificate", "x", [says("Ready", "False", message="does not exist yet")])
    requests = []
    for created, message in (("2026-01-02", "issuer not found"), ("2026-01-01", "older")):
        item = thing("CertificateRequest", created, [says("Ready", "False", message=message)], {NAME: "x"})
        item["metadata"]["creationTimestamp"] = created
        requests.append(item)
    assert account(waiting, requests) == "issuer not found"
    assert account(waiting, []) == "does not exist yet"
    assert account(thing("Certificate", "x"), []) == "cert-manager has not looked at it"


def test_a_secret_belongs_to_the_certificate_that_it_names() -> None:
    certificate = thing("Certificate", "x")
    assert belongs(thing("Secret", "s", annotations={NAME: "x"}), certificate)
    assert not belongs(thing("Secret", "s", annotations={NAME: "y"}), certificate)
    assert not belongs(thing("Secret", "s"), certificate)


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
    assert needed([ROOT, AUTHORITY, ISSUER, OWN], [other]) == kept
    elsewhere = {**other, "metadata": {**other["metadata"], "namespace": "b"}}
    assert needed([ROOT, AUTHORITY, ISSUER, OWN], [elsewhere]) == []
