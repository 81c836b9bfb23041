# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete an object that the server does not let change, and make it anew. Private.

For example, an immutable ConfigMap whose data changes, or a custom resource whose operator refuses another mode.
`preflight.py` calls `try_replacement` before the first write of a run, and `apply.py` then `remake_object`.
"""

from __future__ import annotations

import json
import secrets

from ..._kube.live.api_errors import FORBIDDEN_MESSAGE, ask_server
from ..._kube.live.cluster import NOT_ALLOWED, ApiError
from ..._kube.live.outage import LostError
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.webhook_reasons import explain_rejected_object
from ..change_set import Action
from ..managed_fields import extract_applied
from ..object_difference import strip_server_fields
from .delete import delete_as_judged
from .deletion_wait import await_deletion
from .session import Session, read_uid
from .write import pin_to_absence

# So many characters of a name are kept before eight random ones: together they fit a label of a DNS name, 63 at most.
_LONGEST_NAME_START = 50


def try_replacement(session: Session, manifest: Manifest) -> None:
    """Let the server try an object that is to be deleted and made anew. Raises Problem if it would refuse it.

    The server would refuse the change of the object itself, so it tries the object under a free name.
    """
    name = manifest["metadata"]["name"]
    free_name = f"{name[:_LONGEST_NAME_START]}{secrets.token_hex(4)}"
    try:
        session.apply_object({**manifest, "metadata": {**manifest["metadata"], "name": free_name}}, dryRun="All")
    except ApiError as error:
        # The earlier object gives its share of a quota back, and rights may be for its name alone.
        is_of_quota = "exceeded quota" in error.message
        is_of_rights = FORBIDDEN_MESSAGE.search(error.message) is not None
        if error.status == NOT_ALLOWED and (is_of_quota or is_of_rights):
            return
        # The user knows the object by its own name.
        body = json.loads(json.dumps(error.body).replace(free_name, name))
        refusal = ApiError(error.status, body, error.method, session.build_path(manifest))
        raise explain_rejected_object(session.cluster, refusal, ref(manifest)) from error
    finally:
        for warning_text in list(session.cluster.warnings):
            if free_name in warning_text:
                del session.cluster.warnings[warning_text]


def remake_object(session: Session, manifest: Manifest, live_before: Manifest) -> Manifest:
    """Delete an object that cannot be changed, and make it anew. Return the new object.

    If the server refuses the new object, the deleted one comes back. Raises Problem and LostError.
    """
    started_at = session.cluster.clock()
    kept_reason = delete_as_judged(session, live_before)
    if kept_reason:
        raise Problem(kept_reason, asked=f"Replace {ref(manifest)}", fix="Run the task again.")
    try:
        await_deletion(session, [live_before], started_at)
        # An object that appeared since then belongs to another owner.
        return ask_server(f"Apply {ref(manifest)}", lambda: session.apply_object(manifest, force="false"))
    except (Problem, LostError) as error:
        recreated_object = _recreate(session, live_before)
        action = Action.RESTORED if recreated_object else Action.DELETED
        session.changes.note_action(action, live_before, recreated_object)
        if isinstance(error, LostError) or not recreated_object:
            raise
        fix = f"{error.fix}\n{ref(live_before)} was deleted for its change, and exists again as it was applied before."
        raise Problem(error.wrong, asked=error.asked, where=error.where, fix=fix) from error


def _recreate(session: Session, live_before: Manifest) -> Manifest | None:
    """Create an object that this run has deleted, as it was applied before. Return None if that is not possible."""
    earlier_manifest = extract_applied(live_before, session.options.field_manager) or strip_server_fields(live_before)
    try:
        return session.apply_object(pin_to_absence(earlier_manifest), force="false")
    except ApiError:
        live_object = session.find_written(earlier_manifest, session.options.field_manager)
        if live_object is None or read_uid(live_object) == read_uid(live_before):
            return None
        return live_object  # the answer to an earlier attempt was lost
    except LostError:
        return None
