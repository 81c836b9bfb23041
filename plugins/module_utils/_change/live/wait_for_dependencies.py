# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for what others finish: deletions, Certificates, and kinds that are new to the server. Private."""

from __future__ import annotations

from collections.abc import Iterable

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import METADATA_LIST, NOT_FOUND, ApiError
from ..._kube.live.kinds import ApiResource
from ..._otelcol.errors import Problem, at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..bundle_objects import holders
from ..certificates import API_VERSION, CERTIFICATE, is_issued, refusal, why_not_issued
from .session import Session, listed, uid

SHOWN = 3
_REQUESTS = ApiResource(API_VERSION, "CertificateRequest", "certificaterequests", True)


def await_issued(session: Session, applied: Iterable[Manifest]) -> None:
    """Wait until the Certificates among these objects are issued.

    What mounts their Secrets comes after them, and would otherwise wait for the kubelet's ever longer pauses.
    """
    waiting = [manifest for manifest in applied if manifest["kind"] == CERTIFICATE and not is_issued(manifest)]
    if not waiting:
        return
    since = session.cluster.clock()
    for _poll in session.cluster.polls(session.options.wait_seconds, since):
        waiting = _not_issued(session, waiting)
        _tell(session, "Certificates", "issued", waiting)
        if not waiting:
            return
        refusals = [f"{ref(certificate)}: {refusal(certificate)}" for certificate in waiting if refusal(certificate)]
        if refusals:
            raise _unissued("", refusals)
    reasons = [f"{ref(certificate)}: {_why_not_issued(session, certificate)}" for certificate in waiting]
    raise _unissued(f" after {session.options.wait_seconds:g} s", reasons)


def _unissued(after: str, reasons: list[str]) -> Problem:
    fix = "Look at the issuer with `kubectl describe`, and at the log of cert-manager; then run again."
    return Problem(f"not issued{after}: {'; '.join(reasons)}", asked="Wait for the certificates", fix=fix)


def _not_issued(session: Session, certificates: list[Manifest]) -> list[Manifest]:
    """Return the Certificates that still wait, as they are now. One that is deleted is no longer awaited."""
    now = session.cluster.parallel(session.live, certificates)
    return [certificate for certificate in now if certificate and not is_issued(certificate)]


def _why_not_issued(session: Session, certificate: Manifest) -> str:
    requests = listed(session, _REQUESTS, certificate["metadata"]["namespace"], {})
    return why_not_issued(certificate, requests or [])


def _tell(session: Session, what: str, last: str, waiting: list[Manifest]) -> None:
    """Show the progress: what is waited for, or the last word if nothing is left."""
    names = [str(ref(manifest)) for manifest in waiting]
    if names:
        session.cluster.progress(what, f"waits for {at_most(SHOWN, names)}")
    else:
        session.cluster.progress.done(what, last)


def await_gone(session: Session, manifests: Iterable[Manifest], since: float) -> None:
    """Wait until the server has forgotten these objects."""
    waiting = list(manifests)
    for _poll in session.cluster.polls(session.options.wait_seconds, since):
        live = session.cluster.parallel(session.live, waiting)
        # Another object of the same name is not awaited.
        waiting = [now for old, now in zip(waiting, live, strict=True) if now and uid(now) == uid(old)]
        _tell(session, "Deletion", "done", waiting)
        if not waiting:
            return
    fix = "Look for pods that do not end and controllers that keep their finalizers, or raise wait_seconds."
    wrong = f"still there after {session.options.wait_seconds:g} s: {_held(session, waiting)}"
    raise Problem(wrong, asked="Wait for the deletion", fix=fix)


def warn_of_wait(session: Session, leaving: Iterable[Manifest]) -> None:
    """Say in check mode which deletions the run would wait for, and what blocks them."""
    waits = f"Without check mode, this run waits up to {session.options.wait_seconds:g} s until these are gone"
    known = dict(session.cluster.warnings)
    session.report.warnings.append(f"{waits}, and fails if they stay: {_held(session, leaving)}")
    session.cluster.warnings = known  # nobody asked for the deprecated kinds among all that a namespace may hold


def _held(session: Session, leaving: Iterable[Manifest]) -> str:
    return "; ".join(f"{ref(manifest)}{_held_by(session, manifest)}" for manifest in leaving)


def _held_by(session: Session, manifest: Manifest) -> str:
    """Return the finalizers that block a deletion; of a namespace, the objects in it that have some."""
    if manifest["kind"] != "Namespace":
        return holders(manifest)
    reasons = _blocked_in(session, manifest["metadata"]["name"]) or _told_conditions(manifest)
    blocked = f", blocked by {'; '.join(reasons)}" if reasons else ""
    return f"{holders(manifest)}{blocked}"


def _blocked_in(session: Session, namespace: str) -> list[str]:
    """Return the objects in a namespace whose deletion finalizers block; none if this account may not list all."""
    try:
        resources = session.resources.of_namespaces()
        lists = session.cluster.parallel(lambda resource: _blocked(session, resource, namespace), resources)
    except (ApiError, Problem):  # what the account may not list, the conditions of the namespace name by its kind
        return []
    return [f"{ref(manifest)}{holders(manifest)}" for blocked in lists for manifest in blocked]


def _blocked(session: Session, resource: ApiResource, namespace: str) -> list[Manifest]:
    """Return the objects of a kind whose deletion is blocked by finalizers."""
    blocked = []
    for manifest in listed(session, resource, namespace, {}, METADATA_LIST) or []:
        metadata = manifest["metadata"]
        if metadata.get("deletionTimestamp") and metadata.get("finalizers"):
            blocked.append(manifest)
    return blocked


def _told_conditions(namespace: Manifest) -> list[str]:
    """Return what the server says of a namespace that does not end."""
    conditions = (namespace.get("status") or {}).get("conditions") or []
    return [str(condition.get("message")) for condition in conditions if condition.get("status") == "True"]


def await_served(session: Session, definitions: list[Manifest]) -> None:
    """Wait until the server serves the kinds of these definitions."""
    for _poll in session.cluster.polls(session.options.wait_seconds):
        if all(session.cluster.parallel(lambda definition: _is_served(session, definition), definitions)):
            return
    names = ", ".join(definition["metadata"]["name"] for definition in definitions)
    fix = "Look at the conditions of the definitions with `kubectl describe crd`."
    wrong = f"the server does not serve them after {session.options.wait_seconds:g} s"
    raise Problem(wrong, asked=f"Define {names}", fix=fix)


def _is_served(session: Session, definition: Manifest) -> bool:
    spec = definition["spec"]
    for version in spec["versions"]:
        # The server warns about a deprecated version, and serves it with the others.
        if not version.get("served") or version.get("deprecated"):
            continue
        if not _lists(session, f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"):
            return False
    return True


def _lists(session: Session, path: str) -> bool:
    """Return whether a kind is served, even if old objects cannot be converted to it."""
    try:
        return bool(session.cluster.request("GET", path, {"limit": 1}, patient=False))
    except ApiError as error:
        if error.status == NOT_FOUND or error.transient:
            return error.of_webhook
        raise explain(error, "Look whether the kind is served") from error
