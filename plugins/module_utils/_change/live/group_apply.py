# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply one group of objects of a bundle: objects that do not depend on each other. Private.

`apply.py` calls `apply_group` for one group after the other, such as all ConfigMaps, then all Deployments. A failure of
one object does not stop the others of its group: the error names all that failed.

What happens to an object is decided by how it was read before the run. The first line that fits counts:

| state of the object | what happens | in check mode |
|---|---|---|
| a namespace that others made | nothing | nothing |
| its namespace or its kind comes with the bundle | it is created | it is planned: the manifest is the result |
| it has another value in a field that cannot change | it is deleted and made anew | it is planned |
| it is absent | it is created, unless another owner has created it meanwhile | the server tries it in a dry run |
| it is there | it is changed, unless another run has changed it meanwhile | the server tries it in a dry run |

If the server refuses the write, `_excuse_refusal` says which refusals are no failures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..._kube.live.api_errors import FORBIDDEN_MESSAGE, as_problem
from ..._kube.live.cluster import ApiError
from ..._kube.live.outage import LostError
from ..._otelcol.errors import Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.webhook_reasons import explain_rejected_object
from ..change_set import Action
from ..missing_parts import list_missing_metadata
from ..object_difference import strip_server_fields
from ..replacement_order import must_be_remade
from ..replica_counts import find_autoscaled
from .certificate_wait import await_issued_certificates
from .definition_wait import await_served_kinds
from .kubectl_changes import drop_tried_kubectl_fields
from .live_bundle import LiveBundle, read_replaced_config
from .remake import remake_object
from .session import Session
from .write import keep_replicas, remove_marks_of_other_tools, rewrite

# If several objects fail together, the error is that of the first. At most so many others are told beside it.
_MOST_OTHER_ERRORS = 10


class GroupApply:
    """Applies the objects of a run, group by group.

    `choose_manifest` returns what is applied for a manifest: for the workload of a canary a form in which most of its
    pods wait, for any other object the manifest itself.
    """

    def __init__(
        self, session: Session, live_bundle: LiveBundle, choose_manifest: Callable[[Manifest], Manifest]
    ) -> None:
        self._session = session
        self._live_bundle = live_bundle
        self._choose_manifest = choose_manifest

    def apply_group(self, group: list[Manifest]) -> None:
        """Apply the objects of one group at once, and note them in the order of the bundle."""
        outcomes = self._session.cluster.call_in_parallel(self._apply_or_return_error, group)
        applied: list[Manifest] = []
        errors: list[Problem | LostError] = []
        for manifest, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, (Problem, LostError)):
                errors.append(outcome)
            else:
                applied.append(outcome)
                self._note_outcome(manifest, outcome)
        if errors:
            raise _combine_errors(errors)
        if self._session.options.check:
            return
        await_issued_certificates(self._session, applied)
        if group[0]["kind"] == "CustomResourceDefinition":
            await_served_kinds(self._session, group)

    def _apply_or_return_error(self, manifest: Manifest) -> Manifest | Problem | LostError:
        """Apply one object. An error is returned: raised, it would hide what becomes of the others of the group."""
        try:
            return self._apply_manifest(manifest)
        except (Problem, LostError) as error:
            return error

    def _apply_manifest(self, manifest: Manifest) -> Manifest:
        """Apply one object, and return it as it is then. Raises Problem.

        The steps are the lines of the table at the top of this file.
        """
        live_before = self._live_bundle.objects[ref(manifest)]
        if live_before and not self._session.may_write(manifest, live_before):
            return live_before  # a namespace that others made
        if self._is_only_planned(manifest):
            return manifest
        if live_before and must_be_remade(manifest, live_before):
            return self._remake_object(manifest, live_before)
        manifest = self._choose_manifest(manifest)
        try:
            return self._write_manifest(manifest, live_before)
        except ApiError as error:
            excused_object = self._excuse_refusal(manifest, live_before, error)
            if not excused_object:
                raise explain_rejected_object(self._session.cluster, error, ref(manifest)) from error
            return excused_object

    def _is_only_planned(self, manifest: Manifest) -> bool:
        """Return whether check mode cannot let the server try this: its namespace or kind comes with the bundle."""
        if not self._session.options.check:
            return False
        namespace = manifest["metadata"].get("namespace")
        return namespace in self._live_bundle.missing_namespaces or not self._session.build_path(manifest)

    def _remake_object(self, manifest: Manifest, live_before: Manifest) -> Manifest:
        """Delete an object that cannot be changed, and make it anew. Check mode takes the manifest for the result."""
        if self._session.options.check:
            return manifest
        return remake_object(self._session, manifest, live_before)

    def _write_manifest(self, manifest: Manifest, live_before: Manifest | None) -> Manifest:
        """Let the server create or change an object, and return it as it is then.

        In check mode, the server only tries the write in a dry run.
        """
        desired_manifest = manifest
        if ref(manifest) in find_autoscaled(self._session.options.manifests):
            desired_manifest = keep_replicas(self._session, manifest, live_before)
        if self._session.options.check:
            tried_object = self._session.apply_object(desired_manifest, dryRun="All")
            return drop_tried_kubectl_fields(self._session, tried_object, live_before)
        if not live_before:
            # An object that appeared since the read belongs to another owner, who must not lose a field.
            return self._session.apply_object(desired_manifest, force="false")
        rewritten = rewrite(self._session, desired_manifest, live_before)
        self._replace_earlier_read(manifest, rewritten.before)
        return remove_marks_of_other_tools(self._session, rewritten.after)

    def _replace_earlier_read(self, manifest: Manifest, live_before: Manifest) -> None:
        """Keep an object as it was right before the write, in place of how the run had read it.

        Others may have written the object between the two. What they wrote is neither a change of this run, which the
        result would show, nor may it be lost when the change is undone.
        """
        self._live_bundle.objects[ref(manifest)] = live_before

    def _excuse_refusal(self, manifest: Manifest, live_before: Manifest | None, error: ApiError) -> Manifest | None:
        """Return what an object that the server refused is taken for; None if the refusal is a failure.

        Two refusals are no failures. In check mode, the cluster does not serve the kind yet: the manifest is planned.
        And a namespace that an administrator made with `site` may be used by this account, but not changed.
        """
        if error.is_kind_missing and self._session.options.check:
            return manifest
        if not live_before or manifest["kind"] != "Namespace" or not FORBIDDEN_MESSAGE.search(error.message):
            return None
        if missing_metadata := list_missing_metadata(live_before, manifest):
            text = f"{ref(manifest)} stays without {', '.join(missing_metadata)}, because this user may not patch it."
            self._session.report.warnings.append(text)
        return live_before

    def _note_outcome(self, manifest: Manifest, applied_object: Manifest) -> None:
        """Add what became of an object to the change set."""
        live_before = self._live_bundle.objects[ref(manifest)]
        changes = self._session.changes
        if live_before is None:
            # The difference shows the manifest, without the server's defaults.
            changes.note_action(Action.CREATED, self._read_config_before(manifest), manifest, left=applied_object)
            return
        is_same = strip_server_fields(live_before) == strip_server_fields(applied_object)
        changes.note_action(
            Action.UNCHANGED if is_same else Action.CHANGED, live_before, applied_object, left=applied_object
        )

    def _read_config_before(self, manifest: Manifest) -> Manifest | None:
        """Return the config that a new one replaces, so that the difference shows what changes in it."""
        if not self._session.options.diff:
            return None
        return read_replaced_config(self._session, self._live_bundle, manifest)


def _combine_errors(errors: Sequence[Problem | LostError]) -> Problem | LostError:
    """Return the first error of some objects. The fix of a Problem also says which others failed, and why.

    A lost connection that comes first is returned alone. One behind a Problem is told like any other error.
    """
    first_error, *other_errors = errors
    if not other_errors or isinstance(first_error, LostError):
        return first_error
    lines = [f"Failed too: {as_problem(error)}" for error in other_errors]
    other_failures = join_at_most(_MOST_OTHER_ERRORS, lines, between="\n", last="\n")
    first_error.fix = f"{first_error.fix}\n{other_failures}".lstrip()
    return first_error
