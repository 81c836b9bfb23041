# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights an account lacks: asked before the first write, and when a request is refused. Private.

The account is the one that this run uses. A `RbacGrant` is a right in one namespace, or in the whole cluster. For
example, an account that may not create roles reads this instead of the server's answer to the first request:

    this account may not create all objects. It lacks these rights:
      in namespace obs: create, get, patch roles.rbac.authorization.k8s.io
      in the whole cluster: create, get, patch clusterroles.rbac.authorization.k8s.io 'obs-gateway'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from ..._kube.live.api_errors import FORBIDDEN_MESSAGE
from ..._kube.live.cluster import NOT_ALLOWED, ApiError, Cluster
from ..._kube.rights import Right
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest, ObjectRef
from ..collector_change import CollectorChange
from ..rbac_roles import RBAC_GROUP, RbacGrant, describe_grants
from .bundle_report import DONE_BEFORE_ERROR
from .purpose_rights import GIVEN_BY_ROLES, PURPOSES, list_grants, rights_to_change, rights_to_object
from .session import Pairs, Session

_ASKED = "Apply the bundle"
_FIX = (
    "Hand an administrator the roles that `ansible-playbook o11y.opentelemetry.rights -i INVENTORY` renders."
    " See which rights you have with `kubectl auth can-i --list`."
)
_REVIEWS_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_VERBS_TO_CREATE = ("get", "create", "patch")
# Who has this may do everything, so one question to the server answers all others.
_EVERY_RIGHT = RbacGrant("", Right("*", "*", "*"))
# Who has these may give rights that it does not have itself.
_RIGHTS_TO_GIVE_ANY = [RbacGrant("", Right(verb, RBAC_GROUP, "clusterroles")) for verb in ("escalate", "bind")]


def find_lacking_grants(cluster: Cluster, needed_grants: list[RbacGrant]) -> list[RbacGrant]:
    """Return which of these rights this account does not have."""
    try:
        answers = cluster.call_in_parallel(lambda grant: _is_allowed(cluster, grant), needed_grants)
    except ApiError:  # a server without reviews refuses the request itself
        return []
    return [grant for grant, allowed in zip(needed_grants, answers, strict=True) if not allowed]


def _is_allowed(cluster: Cluster, grant: RbacGrant) -> bool:
    """Ask the server whether this account has a right."""
    spec = grant.right.build_attributes(grant.namespace)
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    review = cluster.request("POST", _REVIEWS_PATH, body=body)
    return bool((review.get("status") or {}).get("allowed"))


def _find_missing_grants(
    cluster: Cluster, manifests: list[Manifest], needed_grants: list[RbacGrant]
) -> list[RbacGrant]:
    """Return the needed rights that this account does not have.

    The server lets an account give only the rights that it has itself, unless the account may escalate and bind. Then
    the rights that the bundle only gives to others are not missing.
    """
    missing_grants = find_lacking_grants(cluster, needed_grants)
    other_purposes = [purpose for purpose in PURPOSES if purpose is not GIVEN_BY_ROLES]
    used_grants = list_grants(manifests, purposes=other_purposes)
    missing_own_grants = [grant for grant in missing_grants if grant in used_grants]
    if len(missing_own_grants) < len(missing_grants) and not find_lacking_grants(cluster, _RIGHTS_TO_GIVE_ANY):
        return missing_own_grants
    return missing_grants


def refuse_forbidden_objects(session: Session, pairs: Pairs) -> None:
    """Refuse to begin with objects that this account may not create, before anything is written."""
    new_manifests = [manifest for manifest, live in pairs if live is None]
    manifests = session.options.manifests
    if not new_manifests or not find_lacking_grants(session.cluster, [_EVERY_RIGHT]):
        return
    needed_grants = set(list_grants(new_manifests, purposes=[GIVEN_BY_ROLES]))
    for manifest in new_manifests:
        needed_grants.update(rights_to_object(manifest, *_VERBS_TO_CREATE))
    missing_grants = _find_missing_grants(session.cluster, manifests, sorted(needed_grants))
    if missing_grants:
        problem = Problem("this account may not create all objects", asked=_ASKED)
        raise _refuse_with_all_rights(session.cluster, manifests, problem, needed_grants, missing_grants)


def refuse_forbidden_changes(
    session: Session, changes: list[CollectorChange], live_objects: Mapping[ObjectRef, Manifest | None]
) -> None:
    """Refuse to begin changes of collectors that this account may not complete, before anything is written."""
    cluster = session.cluster
    if not changes or not find_lacking_grants(cluster, [_EVERY_RIGHT]):
        return
    for change in changes:
        needed_grants = set(rights_to_change(session, change, live_objects))
        missing_grants = find_lacking_grants(cluster, sorted(needed_grants))
        if missing_grants:
            strategy = change.options["strategy"]
            wrong = f"this account may not change the collector {change.name} with `strategy: {strategy}`"
            problem = Problem(wrong, asked=_ASKED)
            raise _refuse_with_all_rights(cluster, session.options.manifests, problem, needed_grants, missing_grants)


@contextmanager
def name_missing_rights(cluster: Cluster, manifests: list[Manifest]) -> Iterator[None]:
    """Run the body, and let its error about one refused right name all rights that the account lacks."""
    try:
        yield
    except Problem as problem:
        api_error = _find_api_error(problem)
        if api_error is None or not _is_refused_right(api_error):
            raise
        missing_grants = _find_missing_grants(cluster, manifests, list_grants(manifests))
        if not missing_grants:
            raise
        raise _build_refusal(problem, missing_grants) from problem


def _find_api_error(problem: Problem) -> ApiError | None:
    """Return the error of the API from which a Problem was raised, or from another Problem that was; None without."""
    cause: BaseException | None = problem
    while cause is not None and not isinstance(cause, ApiError):
        cause = cause.__cause__
    return cause


def _is_refused_right(api_error: ApiError) -> bool:
    """Whether the server refused a request because the account lacks a right."""
    return api_error.status == NOT_ALLOWED and bool(FORBIDDEN_MESSAGE.search(api_error.message))


def _refuse_with_all_rights(
    cluster: Cluster,
    manifests: list[Manifest],
    problem: Problem,
    reviewed_grants: set[RbacGrant],
    missing_grants: list[RbacGrant],
) -> Failure:
    """Return the failure for a problem. Of `reviewed_grants`, it is known that `missing_grants` are missing.

    An administrator should be asked once, so the failure names all rights that the bundle needs, also later ones. The
    server is asked about those that it was not asked about before.
    """
    later_grants = [grant for grant in list_grants(manifests) if grant not in reviewed_grants]
    later_missing = _find_missing_grants(cluster, manifests, later_grants)
    return _build_refusal(problem, {*missing_grants, *later_missing})


def _build_refusal(problem: Problem, missing_grants: Iterable[RbacGrant]) -> Failure:
    """Return the failure that has a problem and the rights that are missing."""
    # The earlier fix is about one right. What was done before the error is still true, and stays.
    _fix_of_one_right, done_mark, done_objects = problem.fix.partition(DONE_BEFORE_ERROR)
    wrong = f"{problem.wrong}. It lacks these rights:\n{describe_grants(sorted(missing_grants))}"
    return Failure(wrong, asked=problem.asked, fix=f"\n{_FIX}{done_mark}{done_objects}", facts=problem.facts)
