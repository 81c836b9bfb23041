# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cert-manager says of its resources, and which issuers others need."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change import certificates

from ..helpers import cases

NAME = "cert-manager.io/certificate-name"


def thing(kind: str, name: str, conditions: Any = (), annotations: Any = None, created: str = "", **spec: Any) -> Any:
    metadata = {"name": name, "namespace": "a", "generation": 2, "annotations": annotations}
    metadata |= {"creationTimestamp": created} if created else {}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": {"conditions": list(conditions)}}


def says(kind: str, status: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "observedGeneration": 2, **more}


FAILED = says("Issuing", "False", reason="Failed", message="denied by policy")


@cases(
    "conditions, issued, refusal",
    ([], False, ""),
    ([says("Ready", "True")], True, ""),
    ([says("Ready", "False")], False, ""),
    ([says("Ready", "True", observedGeneration=1)], False, ""),
    ([{"type": "Ready", "status": "True"}], True, ""),
    ([says("Issuing", "True"), says("Ready", "True")], True, ""),
    ([FAILED], False, "denied by policy"),
    (["Ready", FAILED], False, "denied by policy"),  # a CRD that was changed may let anything pass
    ([{**FAILED, "observedGeneration": 1}], False, ""),  # of an earlier wish
    ([says("Issuing", "True", reason="DoesNotExist")], False, ""),
)
def test_it_is_issued_or_refused_as_is_said_of_what_it_is_now(conditions: Any, issued: bool, refusal: str) -> None:
    certificate = thing("Certificate", "x", conditions)
    assert (certificates.is_issued(certificate), certificates.explain_refusal(certificate)) == (issued, refusal)


def test_the_newest_request_says_most_and_a_secret_belongs_to_the_certificate_that_it_names() -> None:
    waiting = thing("Certificate", "x", [says("Ready", "False", message="does not exist yet")])
    requests = [
        thing("CertificateRequest", created, [says("Ready", "False", message=message)], {NAME: "x"}, created)
        for created, message in (("2026-01-02", "issuer not found"), ("2026-01-01", "older"))
    ]
    assert certificates.explain_not_issued(waiting, requests) == "issuer not found"
    assert certificates.explain_not_issued(waiting, []) == "does not exist yet"
    assert certificates.explain_not_issued(thing("Certificate", "x"), []) == "cert-manager has not processed it"
    for named, belongs in (({NAME: "x"}, True), ({NAME: "y"}, False), (None, False)):
        secret = thing("Secret", "s", annotations=named)
        assert certificates.is_made_for(secret, thing("Certificate", "x")) is belongs


ROOT = thing("Issuer", "self", selfSigned={})
AUTHORITY = thing("Certificate", "ca", secretName="ca", issuerRef={"name": "self", "kind": "Issuer"})
ISSUER = thing("Issuer", "ca", ca={"secretName": "ca"})
OWN = thing("Certificate", "own", secretName="own", issuerRef={"name": "ca", "kind": "Issuer"})


@cases(
    "reference, kept",
    ({"name": "ca", "kind": "Issuer"}, [ISSUER, AUTHORITY, ROOT]),
    ({"name": "ca"}, [ISSUER, AUTHORITY, ROOT]),
    ({"name": "self"}, [ROOT]),
    ({"name": "ca", "kind": "ClusterIssuer"}, []),
    ({"name": "other"}, []),
    (None, []),  # a CRD that was changed may let anything pass
)
def test_an_issuer_that_others_need_stays_with_the_ca_behind_it(reference: Any, kept: Any) -> None:
    other = thing("Certificate", "other", secretName="other", issuerRef=reference)
    assert certificates.find_needed_issuers([ROOT, AUTHORITY, ISSUER, OWN], [other]) == kept
    elsewhere = {**other, "metadata": {**other["metadata"], "namespace": "b"}}
    assert certificates.find_needed_issuers([ROOT, AUTHORITY, ISSUER, OWN], [elsewhere]) == []
