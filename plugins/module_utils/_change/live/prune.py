# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete the stale objects of a bundle: objects with its label that it no longer has. Private.

A bundle is the list of all manifests of a run. `apply.py` makes one `Pruning` for a run, lets it make room before each
group of objects, and deletes the other stale objects at the end. For example, a collector that changes its backend has
a stale Deployment beside its new custom resource:

- If both need the port 4317 of a node, `make_room` deletes the Deployment before the custom resource is applied.
- Otherwise `delete_others` waits until the new pods are ready, and then deletes the Deployment.

A stale ServiceAccount stays while others use it (shared_objects.py). `remove.py` deletes all stale objects with those
of the bundle.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._kube.live.api_errors import ask_server
from ..._kube.operator_status import is_followed, list_children
from ..._otelcol.errors import Failure
from ..._otelcol.kube.objects import Manifest, ObjectIdentity, ObjectRef, object_identity, ref
from ..._rollout.live.jmespath_search import compile_search
from ..._rollout.live.rollout_wait import AwaitedWorkload, RolloutWait, RolloutWaitOptions
from ..change_set import Action
from ..kind_order import group_by_dependency
from ..replacement_order import find_awaited_workloads, must_go_first, replaces
from .delete import delete_objects
from .needed_issuers import is_secret_of
from .session import Session, collect_refs
from .shared_objects import find_unused_objects, is_shareable

# The API group of the workloads that the operator makes.
_WORKLOAD_GROUP = "apps"


class Pruning:
    """The stale objects of a bundle that are not deleted yet."""

    def __init__(self, session: Session, stale_objects: Iterable[Manifest]) -> None:
        self.session = session
        self.stale_objects = list(stale_objects)

    def make_room(self, group: list[Manifest]) -> None:
        """Delete what must be gone before a group can be applied, such as a workload with the same host port.

        Before that, the server tries the workloads that replace them.
        """
        first_objects = [stale_object for stale_object in self.stale_objects if must_go_first(stale_object, group)]
        if first_objects and not self.session.options.check:
            self.session.cluster.call_in_parallel(self._try_replacement, find_awaited_workloads(first_objects, group))
        self._delete(first_objects)

    def _try_replacement(self, manifest: Manifest) -> None:
        """Raise Problem if the server would refuse a workload that replaces a stale object."""
        ask_server(f"Apply {ref(manifest)}", lambda: self.session.apply_object(manifest, dryRun="All"))

    def delete_others(self) -> None:
        """Delete the other stale objects, when the workloads that replace them are ready."""
        workloads = find_awaited_workloads(self.stale_objects, self.session.options.manifests)
        if workloads and not self.session.options.check:
            self._await_workloads(workloads)
        self.hand_over(self._keep_used_objects())
        self.delete_all()
        self.session.changes.note_ready(collect_refs(workloads))

    def _keep_used_objects(self) -> list[Manifest]:
        """Return the stale objects that others use, and report them. What the bundle itself runs uses others by now."""
        own_objects = [*self.session.options.manifests, *self.stale_objects]
        own_identities = {identity for manifest in own_objects for identity in _list_own_identities(manifest)}
        unused_objects = find_unused_objects(self.session, self.stale_objects, own_identities)
        return [manifest for manifest in filter(is_shareable, self.stale_objects) if manifest not in unused_objects]

    def hand_over(self, manifests: list[Manifest]) -> None:
        """Forget some stale objects, with the Secrets of their Certificates: the caller deletes or keeps them."""
        other_objects = []
        for stale_object in self.stale_objects:
            is_secret = any(is_secret_of(stale_object, manifest) for manifest in manifests)
            if stale_object not in manifests and not is_secret:
                other_objects.append(stale_object)
        self.stale_objects = other_objects

    def delete_all(self) -> list[Manifest]:
        """Delete all stale objects, and return them."""
        deleted_objects = list(self.stale_objects)
        self._delete(deleted_objects)
        return deleted_objects

    def _delete(self, manifests: list[Manifest]) -> None:
        for group in reversed(group_by_dependency(manifests)):
            delete_objects(self.session, group, Action.PRUNED)
        deleted_refs = collect_refs(manifests)
        self.stale_objects = [manifest for manifest in self.stale_objects if ref(manifest) not in deleted_refs]

    def _await_workloads(self, workloads: list[Manifest]) -> None:
        """Wait for workloads that replace stale objects. The failure of one names what is kept for it."""
        seconds = self.session.options.wait_seconds
        awaited_workloads = [AwaitedWorkload(ref(workload), workload["apiVersion"]) for workload in workloads]
        # A pod may be without a node for all that time: the old ones need their room until the new ones work.
        options = RolloutWaitOptions(
            awaited_workloads, timeout_seconds=seconds, unschedulable_seconds=seconds, until={}, allow_empty=False
        )
        try:
            RolloutWait(self.session.cluster, compile_search(ready_expressions={}), options).wait()
        except Failure as failure:
            kept_names = []
            for stale_object in self.stale_objects:
                if any(replaces(new_workload, stale_object) for new_workload in workloads):
                    kept_names.append(str(ref(stale_object)))
            fix = f"{failure.fix}\nUntil it works these are kept: {', '.join(kept_names)}."
            raise Failure(
                failure.wrong, asked=failure.asked, where=failure.where, fix=fix, facts=failure.facts
            ) from failure


def _list_own_identities(manifest: Manifest) -> list[ObjectIdentity]:
    """Return the identity of an object, and those of the workloads that the operator makes of it."""
    children = list_children(manifest) if is_followed(manifest) else []
    child_refs = [ObjectRef(child.kind, child.namespace, child.name) for child in children]
    return [object_identity(manifest), *((_WORKLOAD_GROUP, child_ref) for child_ref in child_refs)]
