# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until cert-manager has issued the Certificates that a run applied. Private.

The wait ends with a Problem as soon as the issuer refuses a Certificate, or after `wait_seconds`. For example:

    not issued after 120 s: Certificate obs/gateway-tls: cert-manager has not processed it
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._kube.live.kinds import ApiResource
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..certificates import API_VERSION, CERTIFICATE, explain_not_issued, explain_refusal, is_issued
from .session import Session, list_objects
from .wait_progress import show_progress

_REQUESTS = ApiResource(API_VERSION, "CertificateRequest", "certificaterequests", is_namespaced=True)


def await_issued_certificates(session: Session, applied: Iterable[Manifest]) -> None:
    """Wait until the Certificates among these objects are issued.

    What mounts their Secrets comes after them, and would otherwise wait for the kubelet's ever longer pauses.
    """
    waiting_certificates = [
        manifest for manifest in applied if manifest["kind"] == CERTIFICATE and not is_issued(manifest)
    ]
    if not waiting_certificates:
        return
    started_at = session.cluster.clock()
    for _poll in session.cluster.iter_polls(session.options.wait_seconds, started_at):
        waiting_certificates = _find_not_issued(session, waiting_certificates)
        show_progress(session, "Certificates", waiting_certificates, done_word="issued")
        if not waiting_certificates:
            return
        refusals = _list_refusals(waiting_certificates)
        if refusals:
            raise _build_unissued_problem(refusals)
    reasons = [
        f"{ref(certificate)}: {_explain_by_requests(session, certificate)}" for certificate in waiting_certificates
    ]
    raise _build_unissued_problem(reasons, time_clause=f" after {session.options.wait_seconds:g} s")


def _find_not_issued(session: Session, certificates: list[Manifest]) -> list[Manifest]:
    """Return the Certificates that still wait, as they are now. One that is deleted is no longer awaited."""
    live_certificates = session.cluster.call_in_parallel(session.read_live, certificates)
    return [certificate for certificate in live_certificates if certificate and not is_issued(certificate)]


def _list_refusals(certificates: Iterable[Manifest]) -> list[str]:
    """Return the name of each Certificate that failed, with the reason."""
    refusals: list[str] = []
    for certificate in certificates:
        reason = explain_refusal(certificate)
        if reason:
            refusals.append(f"{ref(certificate)}: {reason}")
    return refusals


def _explain_by_requests(session: Session, certificate: Manifest) -> str:
    """Return why a Certificate is not issued, by its own state and that of its CertificateRequests."""
    requests = list_objects(session, _REQUESTS, certificate["metadata"]["namespace"], {})
    return explain_not_issued(certificate, requests or [])


def _build_unissued_problem(reasons: list[str], time_clause: str = "") -> Problem:
    """Return the problem of Certificates that are not issued. `reasons` has a text for each."""
    fix = "Look at the issuer with `kubectl describe`, and at the log of cert-manager; then run again."
    return Problem(f"not issued{time_clause}: {'; '.join(reasons)}", asked="Wait for the certificates", fix=fix)
