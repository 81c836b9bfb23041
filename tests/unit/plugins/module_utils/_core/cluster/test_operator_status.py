# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cert-manager and the OpenTelemetry operator say of their resources, and what they make of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster import operator_status

from ..helpers import cases

NAME = "cert-manager.io/certificate-name"


def thing(kind: str, name: str, conditions: Any = (), annotations: Any = None, created: str = "", **spec: Any) -> Any:
    metadata = {"name": name, "namespace": "a", "generation": 2, "annotations": annotations}
    metadata |= {"creationTimestamp": created} if created else {}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": {"conditions": list(conditions)}}


def says(kind: str, status: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "observedGeneration": 2, **more}


@cases(
    "conditions, issued",
    ([], False),
    ([says("Ready", "True")], True),
    ([says("Ready", "False")], False),
    ([says("Ready", "True", observedGeneration=1)], False),
    ([{"type": "Ready", "status": "True"}], True),
    ([says("Issuing", "True"), says("Ready", "True")], True),
)
def test_it_is_issued_when_that_is_said_of_what_it_is_now(conditions: Any, issued: bool) -> None:
    assert operator_status.is_issued(thing("Certificate", "x", conditions)) is issued


FAILED = says("Issuing", "False", reason="Failed", message="denied by policy")


@cases(
    "condition, told",
    (FAILED, "denied by policy"),
    ({**FAILED, "observedGeneration": 1}, ""),  # of an earlier wish
    (says("Issuing", "True", reason="DoesNotExist"), ""),
)
def test_a_refusal_is_told(condition: Any, told: str) -> None:
    assert operator_status.refusal(thing("Certificate", "x", [condition])) == told


def test_the_newest_request_says_most() -> None:
    waiting = thing("Certificate", "x", [says("Ready", "False", message="does not exist yet")])
    requests = [
        thing("CertificateRequest", created, [says("Ready", "False", message=message)], {NAME: "x"}, created)
        for created, message in (("2026-01-02", "issuer not found"), ("2026-01-01", "older"))
    ]
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


@cases(
    "reference, kept",
    ({"name": "ca", "kind": "Issuer"}, [ISSUER, AUTHORITY, ROOT]),
    ({"name": "ca"}, [ISSUER, AUTHORITY, ROOT]),
    ({"name": "self"}, [ROOT]),
    ({"name": "ca", "kind": "ClusterIssuer"}, []),
    ({"name": "other"}, []),
)
def test_an_issuer_that_others_need_stays_with_the_ca_behind_it(reference: Any, kept: Any) -> None:
    other = thing("Certificate", "other", secretName="other", issuerRef=reference)
    assert operator_status.needed([ROOT, AUTHORITY, ISSUER, OWN], [other]) == kept
    elsewhere = {**other, "metadata": {**other["metadata"], "namespace": "b"}}
    assert operator_status.needed([ROOT, AUTHORITY, ISSUER, OWN], [elsewhere]) == []


READY = {"type": "Ready", "status": "True", "reason": "Reconciled", "message": "ok"}
UNRECONCILED = {"type": "Ready", "status": "False", "reason": "ReconcileError", "message": "no right"}
DONE = {"observedGeneration": 2, "conditions": [READY], "version": "0.158.0"}
OLD = {"version": "0.152.1"}


def custom(status: Any = None, kind: str = "OpenTelemetryCollector", **spec: Any) -> Any:
    metadata = {"name": "a", "namespace": "ns", "generation": 2, "uid": "u"}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": status or {}}


def child(owner: str = "OpenTelemetryCollector", name: str = "a", **annotations: str) -> Any:
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [{"image": "i"}]}}
    metadata = {"name": "a-collector", "ownerReferences": [{"kind": owner, "name": name}]}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 1, "template": template}}


SHARED = {"mode": "statefulset", "targetAllocator": {"enabled": True}}


@cases(
    "given, names",
    (custom(), ["Deployment ns/a-collector"]),
    (custom(mode="daemonset"), ["DaemonSet ns/a-collector"]),
    (custom(mode="statefulset"), ["StatefulSet ns/a-collector"]),
    (custom(mode="sidecar"), []),
    (custom(**SHARED), ["StatefulSet ns/a-collector", "Deployment ns/a-targetallocator"]),
    (custom(targetAllocator={"enabled": False}), ["Deployment ns/a-collector"]),
    (custom(kind="TargetAllocator"), ["Deployment ns/a-targetallocator"]),
)
def test_the_workloads_of_a_resource(given: Any, names: list[str]) -> None:
    assert [str(item) for item in operator_status.children(given)] == names


@cases(
    "name, made",
    ("a", "a-collector"),
    ("a.b", "a-b-collector"),
    ("x" * 60, f"{'x' * 53}-collector"),
    ("-a", "a-collector"),
)
def test_names_are_cut_as_the_operator_cuts_them(name: str, made: str) -> None:
    assert operator_status.child_name(name, "-collector") == made


SUMMED, AUTOSCALED = {"podAnnotations": {"sum": "2"}}, {"replicas": 2, "autoscaler": {"maxReplicas": 3}}
GONE = child()
GONE["metadata"]["deletionTimestamp"] = "now"
BOTH = custom(DONE, **SUMMED, targetAllocator={"enabled": True})


@cases(
    "given, live, words",
    (custom(DONE), [child()], ""),
    (custom(DONE), [None], "Deployment ns/a-collector does not exist"),
    (custom(DONE), [GONE], "does not exist"),
    (custom(DONE | {"observedGeneration": 1}), [child()], "has seen generation 1, not 2"),
    (custom({"observedGeneration": 2, "conditions": [UNRECONCILED]}), [child()], "says ReconcileError: no right"),
    (custom(DONE, image="new"), [child()], ""),
    (custom(), [child()], "no operator has reconciled it"),
    (custom(OLD), [child()], ""),
    (custom(OLD), [child(name="b")], "has another owner"),
    (custom(OLD, image="new"), [child()], "does not have the image of the resource"),
    (custom(OLD, **SUMMED), [child(sum="1")], "does not have the podAnnotations"),
    (custom(OLD, **SUMMED), [child(sum="2", more="x")], ""),
    (custom(OLD, replicas=2), [child()], "does not have the replicas"),
    (custom(OLD, **AUTOSCALED), [child()], ""),
    (custom(OLD, replicas=2, mode="daemonset"), [child()], ""),
    (custom(OLD, mode="sidecar"), [], ""),
    (custom(DONE, mode="sidecar"), [], ""),
    (custom(mode="sidecar"), [], "no operator has reconciled it"),
    (custom(managementState="unmanaged"), [child()], ""),
    (custom(managementState="unmanaged"), [None], "does not exist"),
    (custom(kind="TargetAllocator", image="new"), [child("TargetAllocator")], "does not have the image"),
    # What the operator says of a collector does not hold for its target allocator.
    (BOTH, [child(), child("TargetAllocator", sum="1")], "does not have the podAnnotations"),
    (BOTH, [child(), child("TargetAllocator", sum="2")], ""),
)
def test_when_a_resource_has_become_its_workloads(given: Any, live: Any, words: str) -> None:
    found = operator_status.untaken(given, live)
    assert words in found and bool(found) is bool(words)
