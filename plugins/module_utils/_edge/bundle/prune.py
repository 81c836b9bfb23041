# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier version of a bundle left behind: find it, and delete it when its successor works. Private."""

from __future__ import annotations

from typing import Any

from ..._core.cluster.bundle import Manifest, Ref, ordered, ref, stale
from ..._core.cluster.ownership import is_ours
from ..._core.cluster.replacement_order import awaited, goes_first, replaces
from ..._core.errors import Failure
from ..api.cluster import METADATA_LIST
from ..api.explain import asking
from ..api.kinds import PRUNED, ApiResource, version_for
from ..rollout.reasons import checked_search
from ..rollout.wait import RolloutWait, RolloutWaitOptions
from .bundle import Session, listed, namespaces_of, refs
from .certificates import secrets_of
from .deletion import delete

# What only products have, which bring definitions too; others often may not list it.
OF_PRODUCTS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ClusterIssuer")


class Pruning:
    """What the bundle's label selects and the bundle does not have."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.left = _left(session)

    def make_room(self, group: list[Manifest]) -> None:
        """Delete what must be gone before a group can be applied, once the server would take the group."""
        first = [old for old in self.left if goes_first(old, group)]
        if first and not self.session.options.check:
            self.session.cluster.parallel(self._try, [new for new in group if any(replaces(new, old) for old in first)])
        self._delete(first)

    def _try(self, manifest: Manifest) -> None:
        """See that the server takes what replaces something, before that is gone."""
        asking(f"Apply {ref(manifest)}", lambda: self.session.apply(manifest, dryRun="All"))

    def finish(self) -> set[Ref]:
        """Delete the rest, when the workloads that take the place of others work; return those, which are ready."""
        waited = awaited(self.left, self.session.options.manifests)
        if waited and not self.session.options.check:
            self._await(waited)
        self.delete()
        return refs(waited)

    def delete(self) -> list[Manifest]:
        rest = list(self.left)
        self._delete(rest)
        return rest

    def _await(self, waited: list[Manifest]) -> None:
        seconds = self.session.options.wait_seconds
        named = [{**ref(item)._asdict(), "api_version": item["apiVersion"]} for item in waited]
        # A pod may be without a node for all that time: the old ones need their room until the new ones work.
        options = RolloutWaitOptions(named, seconds, unschedulable_seconds=seconds, until={}, allow_empty=False)
        try:
            RolloutWait(self.session.cluster, checked_search({}), options).wait()
        except Failure as failure:
            kept = ", ".join(str(ref(old)) for old in self.left if any(replaces(new, old) for new in waited))
            parts: dict[str, Any] = {"asked": failure.asked, "where": failure.where, "facts": failure.facts}
            fix = f"{failure.fix}\nUntil it works these are kept: {kept}."
            raise Failure(failure.wrong, fix=fix, **parts) from failure

    def _delete(self, going: list[Manifest]) -> None:
        for group in reversed(ordered(going)):
            delete(self.session, group, "pruned")
        names = refs(going)
        self.left = [old for old in self.left if ref(old) not in names]


def _left(session: Session) -> list[Manifest]:
    """Return the labelled objects that the bundle does not have, as they are."""
    if not session.options.prune_selector:
        return []
    manifests = session.options.manifests
    namespaces = namespaces_of(manifests)
    kinds = PRUNED + (OF_PRODUCTS if session.resources.defining else ())
    resources = [resource for kind in kinds if (resource := session.resources.find(version_for(kind), kind))]
    wheres = [(resource, name) for resource in resources for name in (namespaces if resource.namespaced else [""])]
    found = session.cluster.parallel(lambda where: _labelled(session, *where), wheres)
    denied = sorted(
        {resource.plural for (resource, _namespace), items in zip(wheres, found, strict=True) if items is None}
    )
    if denied:
        session.report.warnings.append(f"Not pruned, since this user may not list them: {', '.join(denied)}")
    left = stale((item for items in found for item in items or [] if _is_ours(session, item)), refs(manifests))
    whole = [item for item in session.cluster.parallel(session.live, left) if item]
    return whole + secrets_of(session, whole)


def _is_ours(session: Session, item: Manifest) -> bool:
    """Return whether a selected object has both marks; a selector may match what others made, and copies of ours."""
    return is_ours(item, session.releases, session.options.field_manager)


def _labelled(session: Session, resource: ApiResource, namespace: str) -> list[Manifest] | None:
    """Return the objects with the bundle's label, or nothing when the user may not see them."""
    return listed(session, resource, namespace, {"labelSelector": session.options.prune_selector}, METADATA_LIST)
