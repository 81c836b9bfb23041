# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for what others finish: deletions, Certificates, and kinds that are new to the server. Private."""

from __future__ import annotations

from collections.abc import Iterable

from ..._kube.bundle import holders
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import METADATA_LIST, NOT_FOUND, ApiError
from ..._kube.live.kinds import ApiResource
from ..._kube.operator_status import KIND, account, is_issued, refusal
from ..._otelcol.errors import Problem, at_most
from ..._otelcol.kube.objects import Manifest, ref
from .session import Session, listed, uid

SHOWN = 3
_REQUESTS = ApiResource("cert-manager.io/v1", "CertificateRequest", "certificaterequests", True)


def await_issued(session: Session, applied: Iterable[Manifest]) -> None:
    """Wait until the Certificates among these objects are issued.

    What mounts their Secrets comes after them, and would otherwise wait for the kubelet's ever longer pauses.
    """
    waiting = [item for item in applied if item["kind"] == KIND and not is_issued(item)]
    if not waiting:
        return
    refused: list[Manifest] = []
    since = session.cluster.clock()
    for _poll in session.cluster.polls(session.options.wait_seconds, since):
        waiting = _not_issued(session, waiting)
        _tell(session, "Certificates", "issued", waiting)
        if not waiting:
            return
        refused = [item for item in waiting if refusal(item)]
        if refused:
            break
    reasons = "; ".join(f"{ref(item)}: {refusal(item) or _account(session, item)}" for item in refused or waiting)
    after = "" if refused else f" after {session.options.wait_seconds:g} s"
    fix = "Look at the issuer with `kubectl describe`, and at the log of cert-manager; then run again."
    raise Problem(f"not issued{after}: {reasons}", asked="Wait for the certificates", fix=fix)


def _not_issued(session: Session, certificates: list[Manifest]) -> list[Manifest]:
    """Return the Certificates that still wait, as they are now. One that is deleted is no longer awaited."""
    now = session.cluster.parallel(session.live, certificates)
    return [item for item in now if item and not is_issued(item)]


def _account(session: Session, certificate: Manifest) -> str:
    return account(certificate, listed(session, _REQUESTS, certificate["metadata"]["namespace"], {}) or [])


def _tell(session: Session, what: str, last: str, waiting: list[Manifest]) -> None:
    names = [str(ref(item)) for item in waiting]
    if names:
        session.cluster.progress(what, f"waits for {at_most(SHOWN, names)}")
    else:
        session.cluster.progress.done(what, last)


def await_gone(session: Session, manifests: Iterable[Manifest], since: float) -> None:
    """Wait until the server has forgotten these objects."""
    waiting = list(manifests)
    for _poll in session.cluster.polls(session.options.wait_seconds, since):
        found = session.cluster.parallel(session.live, waiting)
        waiting = [item for old, item in zip(waiting, found, strict=True) if item and uid(item) == uid(old)]
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
    return "; ".join(f"{ref(item)}{held_by(session, item)}" for item in leaving)


def held_by(session: Session, item: Manifest) -> str:
    """Return the finalizers that block a deletion; of a namespace, the objects in it that have some."""
    if item["kind"] != "Namespace":
        return holders(item)
    try:
        resources = session.resources.of_namespaces()
        lists = session.cluster.parallel(lambda one: _leaving(session, one, item["metadata"]["name"]), resources)
    except (ApiError, Problem):  # what the account may not list, the conditions of the namespace name by its kind
        lists = []
    held = [f"{ref(one)}{holders(one)}" for found in lists for one in found]
    conditions = (item.get("status") or {}).get("conditions") or []
    told = [str(one.get("message")) for one in conditions if one.get("status") == "True"]
    reasons = held or told
    return f"{holders(item)}, blocked by {'; '.join(reasons)}" if reasons else holders(item)


def _leaving(session: Session, resource: ApiResource, namespace: str) -> list[Manifest]:
    """Return the objects of a kind whose deletion is blocked by finalizers."""
    found = listed(session, resource, namespace, {}, METADATA_LIST) or []
    return [one for one in found if one["metadata"].get("deletionTimestamp") and one["metadata"].get("finalizers")]


def await_served(session: Session, definitions: list[Manifest]) -> None:
    """Wait until the server serves the kinds of these definitions."""
    for _poll in session.cluster.polls(session.options.wait_seconds):
        if all(session.cluster.parallel(lambda one: _served(session, one), definitions)):
            return
    names = ", ".join(item["metadata"]["name"] for item in definitions)
    fix = "Look at the conditions of the definitions with `kubectl describe crd`."
    wrong = f"the server does not serve them after {session.options.wait_seconds:g} s"
    raise Problem(wrong, asked=f"Define {names}", fix=fix)


def _served(session: Session, definition: Manifest) -> bool:
    spec = definition["spec"]
    # The server warns about a deprecated version, and serves it with the others.
    versions = [item["name"] for item in spec["versions"] if item.get("served") and not item.get("deprecated")]
    group = f"/apis/{spec['group']}"
    return all(_lists(session, f"{group}/{version}/{spec['names']['plural']}") for version in versions)


def _lists(session: Session, path: str) -> bool:
    """Return whether a kind is served, even if old objects cannot be converted to it."""
    try:
        return bool(session.cluster.request("GET", path, {"limit": 1}, patient=False))
    except ApiError as error:
        if error.status == NOT_FOUND or error.transient:
            return error.of_webhook
        raise explain(error, "Look whether the kind is served") from error
