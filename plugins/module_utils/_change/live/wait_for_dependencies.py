# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for what others finish: deletions, Certificates, and kinds that are new to the server. Private.

Each wait ends with a Problem after `wait_seconds`, which says what is not done yet and why. For example, of a namespace
whose deletion a controller blocks:

    still there after 120 s: Namespace obs, blocked by PersistentVolumeClaim obs/queue (finalizers: kubernetes.io/pvc-…)
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import METADATA_LIST, NOT_FOUND, ApiError
from ..._kube.live.kinds import ApiResource
from ..._otelcol.errors import Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..certificates import API_VERSION, CERTIFICATE, explain_not_issued, explain_refusal, is_issued
from ..finalizers import describe_finalizers
from .session import Session, list_objects, read_uid

MOST_SHOWN = 3
_REQUESTS = ApiResource(API_VERSION, "CertificateRequest", "certificaterequests", is_namespaced=True)


# ── Certificates ──


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
        _show_progress(session, "Certificates", "issued", waiting_certificates)
        if not waiting_certificates:
            return
        refusals = _list_refusals(waiting_certificates)
        if refusals:
            raise _build_unissued_problem("", refusals)
    reasons = [
        f"{ref(certificate)}: {_explain_by_requests(session, certificate)}" for certificate in waiting_certificates
    ]
    raise _build_unissued_problem(f" after {session.options.wait_seconds:g} s", reasons)


def _list_refusals(certificates: Iterable[Manifest]) -> list[str]:
    """Return for each Certificate that failed its name and the reason."""
    refusals: list[str] = []
    for certificate in certificates:
        reason = explain_refusal(certificate)
        if reason:
            refusals.append(f"{ref(certificate)}: {reason}")
    return refusals


def _build_unissued_problem(time_clause: str, reasons: list[str]) -> Problem:
    fix = "Look at the issuer with `kubectl describe`, and at the log of cert-manager; then run again."
    return Problem(f"not issued{time_clause}: {'; '.join(reasons)}", asked="Wait for the certificates", fix=fix)


def _find_not_issued(session: Session, certificates: list[Manifest]) -> list[Manifest]:
    """Return the Certificates that still wait, as they are now. One that is deleted is no longer awaited."""
    live_certificates = session.cluster.call_in_parallel(session.read_live, certificates)
    return [certificate for certificate in live_certificates if certificate and not is_issued(certificate)]


def _explain_by_requests(session: Session, certificate: Manifest) -> str:
    """Return why a Certificate is not issued, by its own state and that of its CertificateRequests."""
    requests = list_objects(session, _REQUESTS, certificate["metadata"]["namespace"], {})
    return explain_not_issued(certificate, requests or [])


# ── Deletions ──


def await_deletion(session: Session, manifests: Iterable[Manifest], since: float) -> None:
    """Wait until these objects are gone. Raises Problem after `wait_seconds`, counted from the time `since`."""
    waiting_objects = list(manifests)
    for _poll in session.cluster.iter_polls(session.options.wait_seconds, since):
        live_objects = session.cluster.call_in_parallel(session.read_live, waiting_objects)
        # Another object of the same name is not awaited.
        waiting_objects = [
            live_object
            for awaited_object, live_object in zip(waiting_objects, live_objects, strict=True)
            if live_object and read_uid(live_object) == read_uid(awaited_object)
        ]
        _show_progress(session, "Deletion", "done", waiting_objects)
        if not waiting_objects:
            return
    fix = "Look for pods that do not end and controllers that keep their finalizers, or raise wait_seconds."
    wrong = f"still there after {session.options.wait_seconds:g} s: {_describe_held(session, waiting_objects)}"
    raise Problem(wrong, asked="Wait for the deletion", fix=fix)


def warn_of_wait(session: Session, leaving_objects: Iterable[Manifest]) -> None:
    """Say in check mode which deletions the run would wait for, and what blocks them."""
    wait_text = f"Without check mode, this run waits up to {session.options.wait_seconds:g} s until these are gone"
    # The server warns of each deprecated kind that is listed. The search for what blocks a namespace lists all kinds,
    # and nobody has asked for these warnings.
    earlier_warnings = dict(session.cluster.warnings)
    session.report.warnings.append(f"{wait_text}, and fails if they stay: {_describe_held(session, leaving_objects)}")
    session.cluster.warnings = earlier_warnings


def _describe_held(session: Session, leaving_objects: Iterable[Manifest]) -> str:
    """Return the objects that are still there, each with what holds it."""
    return "; ".join(f"{ref(manifest)}{_describe_holders(session, manifest)}" for manifest in leaving_objects)


def _describe_holders(session: Session, manifest: Manifest) -> str:
    """Return the finalizers that block a deletion; of a namespace, the objects in it that have some."""
    if manifest["kind"] != "Namespace":
        return describe_finalizers(manifest)
    reasons = _list_blocked_in(session, manifest["metadata"]["name"]) or _list_condition_messages(manifest)
    blocked_clause = f", blocked by {'; '.join(reasons)}" if reasons else ""
    return f"{describe_finalizers(manifest)}{blocked_clause}"


def _list_blocked_in(session: Session, namespace: str) -> list[str]:
    """Return the objects in a namespace whose deletion finalizers block; none if this account may not list all."""
    try:
        resources = session.resources.list_namespaced()
        blocked_lists = session.cluster.call_in_parallel(
            lambda resource: _find_blocked(session, resource, namespace), resources
        )
    except (ApiError, Problem):  # what the account may not list, the conditions of the namespace name by its kind
        return []
    return [
        f"{ref(manifest)}{describe_finalizers(manifest)}"
        for blocked_objects in blocked_lists
        for manifest in blocked_objects
    ]


def _find_blocked(session: Session, resource: ApiResource, namespace: str) -> list[Manifest]:
    """Return the objects of a kind whose deletion is blocked by finalizers."""
    blocked_objects = []
    for manifest in list_objects(session, resource, namespace, {}, METADATA_LIST) or []:
        metadata = manifest["metadata"]
        if metadata.get("deletionTimestamp") and metadata.get("finalizers"):
            blocked_objects.append(manifest)
    return blocked_objects


def _list_condition_messages(namespace: Manifest) -> list[str]:
    """Return what the server says of a namespace that does not end."""
    conditions = (namespace.get("status") or {}).get("conditions") or []
    return [str(condition.get("message")) for condition in conditions if condition.get("status") == "True"]


# ── Kinds that are new to the server ──


def await_served_kinds(session: Session, definitions: list[Manifest]) -> None:
    """Wait until the server serves the kinds of these definitions. Raises Problem after `wait_seconds`."""
    for _poll in session.cluster.iter_polls(session.options.wait_seconds):
        if all(session.cluster.call_in_parallel(lambda definition: _is_served(session, definition), definitions)):
            return
    definition_names = ", ".join(definition["metadata"]["name"] for definition in definitions)
    fix = "Look at the conditions of the definitions with `kubectl describe crd`."
    wrong = f"the server does not serve them after {session.options.wait_seconds:g} s"
    raise Problem(wrong, asked=f"Define {definition_names}", fix=fix)


def _is_served(session: Session, definition: Manifest) -> bool:
    """Return whether the server serves every version of a definition that it should serve."""
    spec = definition["spec"]
    for version in spec["versions"]:
        # A request for a deprecated version would make a warning for the user. The server serves it with the others.
        if not version.get("served") or version.get("deprecated"):
            continue
        if not _can_be_listed(session, f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"):
            return False
    return True


def _can_be_listed(session: Session, path: str) -> bool:
    """Return whether a kind is served, even if old objects cannot be converted to it."""
    try:
        return bool(session.cluster.request("GET", path, {"limit": 1}, patient=False))
    except ApiError as error:
        if error.status == NOT_FOUND or error.is_transient:
            # True for an error of a webhook: the server serves the kind, but could not have its old objects converted.
            return error.is_webhook_error
        raise explain(error, "Look whether the kind is served") from error


# ── Progress ──


def _show_progress(session: Session, subject: str, last_word: str, waiting_objects: list[Manifest]) -> None:
    """Show the progress: what the run still waits for, or `last_word` if nothing is left."""
    object_texts = [str(ref(manifest)) for manifest in waiting_objects]
    if object_texts:
        session.cluster.progress(subject, f"waits for {join_at_most(MOST_SHOWN, object_texts)}")
    else:
        session.cluster.progress.tell_done(subject, last_word)
