# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights an account lacks: asked before the first write, and when a request is refused. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from ..._kube.live.api_errors import FORBIDDEN
from ..._kube.live.cluster import NOT_ALLOWED, ApiError, Cluster
from ..._kube.rights import Right
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest, Ref
from ..collector_change import Change
from ..rbac_roles import RBAC, Grant, described
from .purpose_rights import GIVEN_BY_ROLES, PURPOSES, grants, rights_to_change, rights_to_object
from .session import DONE, Session

_ASKED = "Apply the bundle"
_FIX = (
    "Hand an administrator the roles that `ansible-playbook o11y.opentelemetry.rights -i INVENTORY` renders."
    " See which rights you have with `kubectl auth can-i --list`."
)
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_TO_CREATE = ("get", "create", "patch")
_EVERYTHING = Grant("", Right("*", "*", "*"))
_GIVES_ANY_RIGHT = [Grant("", Right(verb, RBAC, "clusterroles")) for verb in ("escalate", "bind")]


def lacking(cluster: Cluster, needed_grants: list[Grant]) -> list[Grant]:
    """Return which of these rights this account does not have."""
    try:
        answers = cluster.parallel(lambda grant: _is_allowed(cluster, grant), needed_grants)
    except ApiError:  # a server without reviews refuses the request itself
        return []
    return [grant for grant, allowed in zip(needed_grants, answers, strict=True) if not allowed]


def _is_allowed(cluster: Cluster, grant: Grant) -> bool:
    """Ask the server whether this account has a right."""
    spec = grant.right.attributes(grant.namespace)
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    review = cluster.request("POST", _REVIEWS, body=body)
    return bool((review.get("status") or {}).get("allowed"))


def _lacking_and_not_escalating(cluster: Cluster, manifests: list[Manifest], needed_grants: list[Grant]) -> list[Grant]:
    """Return the rights that this account does not have. Who may escalate and bind may give rights without them."""
    missing = lacking(cluster, needed_grants)
    other_purposes = [purpose for purpose in PURPOSES if purpose is not GIVEN_BY_ROLES]
    used_grants = grants(manifests, purposes=other_purposes)
    missing_own = [grant for grant in missing if grant in used_grants]
    if len(missing_own) < len(missing) and not lacking(cluster, _GIVES_ANY_RIGHT):
        return missing_own
    return missing


def refuse_forbidden(session: Session, pairs: Iterable[tuple[Manifest, Manifest | None]]) -> None:
    """Refuse to begin with objects that this account may not create, before anything is written."""
    new = [manifest for manifest, live in pairs if live is None]
    manifests = session.options.manifests
    if not new or not lacking(session.cluster, [_EVERYTHING]):
        return
    needed_grants = set(grants(new, purposes=[GIVEN_BY_ROLES]))
    for manifest in new:
        needed_grants.update(rights_to_object(manifest, *_TO_CREATE))
    missing = _lacking_and_not_escalating(session.cluster, manifests, sorted(needed_grants))
    if missing:
        problem = Problem("this account may not create all objects", asked=_ASKED)
        raise _refusal(session.cluster, manifests, problem, missing)


def refuse_unable(session: Session, changes: list[Change], live: Mapping[Ref, Manifest | None]) -> None:
    """Refuse to begin changes of collectors that this account may not complete, before anything is written."""
    cluster = session.cluster
    if not changes or not lacking(cluster, [_EVERYTHING]):
        return
    for change in changes:
        missing = lacking(cluster, sorted(set(rights_to_change(session, change, live))))
        if missing:
            strategy = change.options["strategy"]
            wrong = f"this account may not change the collector {change.name} with `strategy: {strategy}`"
            raise _refusal(cluster, session.options.manifests, Problem(wrong, asked=_ASKED), missing)


@contextmanager
def naming_rights(cluster: Cluster, manifests: list[Manifest]) -> Iterator[None]:
    """Let an error about one right name all rights that the account lacks."""
    try:
        yield
    except Problem as problem:
        cause: BaseException | None = problem
        while cause is not None and not isinstance(cause, ApiError):
            cause = cause.__cause__
        if cause is None or cause.status != NOT_ALLOWED or not FORBIDDEN.search(cause.message):
            raise
        raise _refusal(cluster, manifests, problem, []) from problem


def _refusal(cluster: Cluster, manifests: list[Manifest], problem: Problem, known_missing: list[Grant]) -> Problem:
    """Return the problem with every right that is missing for any purpose."""
    missing = sorted({*known_missing, *_lacking_and_not_escalating(cluster, manifests, grants(manifests))})
    if not missing:
        return problem
    done = problem.fix[problem.fix.index(DONE) :] if DONE in problem.fix else ""
    wrong = f"{problem.wrong}. It lacks these rights:\n{described(missing)}"
    return Failure(wrong, asked=problem.asked, fix=f"\n{_FIX}{done}", facts=problem.facts)
