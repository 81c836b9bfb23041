# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a bundle: wait until they are issued, and take their Secrets with them. Private."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ..._core.cluster.bundle import Manifest, ref
from ..._core.cluster.operator_status import API_VERSION, KIND, account, belongs, is_issued, needed, refusal
from ..._core.errors import Problem
from ..api.explain import asking
from ..api.kinds import ApiResource
from .bundle import Session, keep, listed, refs

_CERTIFICATES = ApiResource(API_VERSION, KIND, "certificates", True)
_REQUESTS = ApiResource(API_VERSION, "CertificateRequest", "certificaterequests", True)
_SECRETS = ApiResource("v1", "Secret", "secrets", True)


def await_issued(session: Session, applied: Iterable[Manifest]) -> None:
    """Wait until the Certificates among these objects are issued.

    What mounts their Secrets comes after them, and would otherwise wait for the kubelet's ever longer pauses.
    """
    waiting = [item for item in applied if item["kind"] == KIND and not is_issued(item)]
    since = session.cluster.clock()
    for _poll in session.cluster.polls(session.options.wait_seconds, since) if waiting else ():
        waiting = [item for item in session.cluster.parallel(session.live, waiting) if item and not is_issued(item)]
        refused = [item for item in waiting if refusal(item)]
        if refused or not waiting:
            break
    if not waiting:
        return
    reasons = "; ".join(f"{ref(item)}: {refusal(item) or _account(session, item)}" for item in refused or waiting)
    after = "" if refused else f" after {session.options.wait_seconds:g} s"
    fix = "Look at the issuer with `kubectl describe`, and at the log of cert-manager; then run again."
    raise Problem(f"not issued{after}: {reasons}", asked="Wait for the certificates", fix=fix)


def secrets_of(session: Session, going: Iterable[Manifest]) -> list[Manifest]:
    """Return the Secrets that cert-manager made for these objects' Certificates; it leaves them behind by itself."""
    found = []
    for certificate in (item for item in going if item["kind"] == KIND):
        path = _SECRETS.path(certificate["metadata"]["namespace"], certificate["spec"]["secretName"])
        secret = asking(f"Read the Secret of {ref(certificate)}", partial(session.cluster.get, path))
        if secret and belongs(secret, certificate):
            found.append({"apiVersion": "v1", "kind": "Secret", **secret})
    return found


def needed_by_others(session: Session, going: list[Manifest]) -> list[Manifest]:
    """Return the issuers among these objects, with their CA, that Certificates of other owners name."""
    namespaces = {item["metadata"].get("namespace", "") for item in going if item["kind"] == "Issuer"}
    own = refs(going)
    kept = []
    for name in sorted(namespaces):
        found = listed(session, _CERTIFICATES, name, {})
        unknown = [_any(item) for item in going if item["kind"] == "Issuer" and item["metadata"]["namespace"] == name]
        others = unknown if found is None else [item for item in found if ref(item) not in own]
        reason = "this user may not see whether Certificates" if found is None else "Certificates"
        for item in needed(going, others):
            keep(session, item, f"{reason} of others need it")
            kept.append(item)
    return kept


def _any(issuer: Manifest) -> Manifest:
    metadata = {"name": "", "namespace": issuer["metadata"]["namespace"]}
    return {"kind": KIND, "metadata": metadata, "spec": {"issuerRef": {"name": issuer["metadata"]["name"]}}}


def _account(session: Session, certificate: Manifest) -> str:
    return account(certificate, listed(session, _REQUESTS, certificate["metadata"]["namespace"], {}) or [])
