# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the API server which rights the ServiceAccount of a collector lacks. Private.

Each right that the config needs is asked for the whole cluster, and if it is denied, for the collector's namespace:

    may system:serviceaccount:obs:gateway list pods in the cluster?    no
    may it list pods in obs?                                           yes    →    the right has state `namespace`

`diagnosed_collector.py` calls `find_lacking_rights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..._kube.live.cluster import ApiError
from ..._kube.rights import Right
from ..._otelcol.config.paths import value_at
from ..component_rights import find_missing_rights, list_needed_rights
from .reader import ClusterReader, Notes, Object

ACCESS_REVIEWS_PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class _Account(NamedTuple):
    """The ServiceAccount of a pod."""

    namespace: str
    name: str


def find_lacking_rights(
    reader: ClusterReader, config: Any, pod: Object, namespace: str, notes: Notes
) -> list[dict[str, Any]] | None:
    """Return the rights that the collector's account lacks, by component; None if this user may not ask."""
    rights_by_component = list_needed_rights(config)
    account_name = value_at(pod, ("spec", "serviceAccountName")) or value_at(pod, ("spec", "serviceAccount"))
    account = _Account(namespace, str(account_name or "default"))
    needed_rights: dict[Right, None] = {}
    for component_rights in rights_by_component.values():
        needed_rights.update(dict.fromkeys(component_rights))
    try:
        scope_by_right = _find_scopes_of_denied(reader, account, list(needed_rights))
    except ApiError as error:
        notes.note_unseen("rights of its ServiceAccount", error.message)
        return None
    return find_missing_rights(rights_by_component, scope_by_right, account.name, namespace)


def _find_scopes_of_denied(reader: ClusterReader, account: _Account, rights: Sequence[Right]) -> dict[Right, str]:
    """Return the rights that an account does not have in the whole cluster.

    Each has `namespace` if the account has it in its own namespace, and `none` if it has it nowhere. Raises ApiError if
    this user may not ask.
    """

    def is_allowed_everywhere(right: Right) -> bool:
        return _is_allowed(reader, account, right, "")

    def is_allowed_in_namespace(right: Right) -> bool:
        # A path of the API server is in no namespace.
        return not right.path and _is_allowed(reader, account, right, account.namespace)

    allowed_everywhere = reader.cluster.call_in_parallel(is_allowed_everywhere, rights)
    denied = [right for right, is_granted in zip(rights, allowed_everywhere, strict=True) if not is_granted]
    allowed_in_namespace = reader.cluster.call_in_parallel(is_allowed_in_namespace, denied)
    scope_by_right = {}
    for right, is_granted in zip(denied, allowed_in_namespace, strict=True):
        scope_by_right[right] = "namespace" if is_granted else "none"
    return scope_by_right


def _is_allowed(reader: ClusterReader, account: _Account, right: Right, scope: str) -> bool:
    """Ask the API server whether an account has a right in a namespace, the `scope`; an empty one is the cluster."""
    namespace = account.namespace
    user = f"system:serviceaccount:{namespace}:{account.name}"
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": groups, **right.build_attributes(scope)},
    }
    review = reader.cluster.request("POST", ACCESS_REVIEWS_PATH, body=body)
    return bool(value_at(review, ("status", "allowed")))
