# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the change of a collector needs of a run: to read, try, write and delete objects, and to report. Private.

`ObjectWriter` is the `BundleRun` (bundle_run.py) of real runs; it does all this by the `Session` of the run.
"""

from __future__ import annotations

import platform
import secrets

from ..._kube.live.api_errors import ask_server, explain
from ..._kube.live.cluster import ApiError
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..applied_state import is_applied
from ..kubectl_fields import drop_fields_set_by_hand
from ..recorded_change import build_outrun_problem
from .delete import delete_as_judged
from .session import Session
from .write import is_state_refused, keep_replicas, pin_to_absence, rewrite


class ObjectWriter:
    """The run over a bundle (all manifests of a run), as the change of a collector needs it: a `BundleRun`."""

    def __init__(self, session: Session) -> None:
        options, report = session.options, session.report
        self.session = session
        self.cluster = session.cluster
        self.field_manager = options.field_manager
        self.wait_seconds = options.wait_seconds
        self.unschedulable_seconds = options.unschedulable_seconds
        self.check = options.check
        self.keeps_records = options.keep_records
        self.kept_records = report.kept_records
        self.kept_rights = report.kept_rights
        self.read_live = session.read_live
        self.changes = session.changes
        self.add_plan_line = report.plan_lines.append
        self.quick_cluster = options.quick_cluster or (lambda: session.cluster)
        # The name of this run, such as `host1_5f2c9a1b`, as Kubernetes names the holder of a lease.
        self.name = f"{platform.node()}_{secrets.token_hex(4)}"
        # What the server would make of each object, which is asked once; None if it would reject it.
        self._tried_objects: dict[ObjectRef, Manifest | None] = {}

    def try_apply(self, manifest: Manifest) -> Manifest | None:
        """Return what the server would make of a manifest, by a dry run; None if it would reject it.

        It is asked once for each object: all questions about a change come before the first write.
        """
        object_ref = ref(manifest)
        if object_ref not in self._tried_objects:
            self._tried_objects[object_ref] = self._try_object(manifest)
        return self._tried_objects[object_ref]

    def _try_object(self, manifest: Manifest) -> Manifest | None:
        """Ask the server in a dry run what it would make of a manifest. None stands for a refusal."""
        try:
            tried_object = self.session.apply_object(manifest, dryRun="All")
        except ApiError:
            return None
        return drop_fields_set_by_hand(tried_object, self.field_manager)

    def apply(self, manifest: Manifest, live_object: Manifest) -> Manifest:
        """Apply an object in a state in which it was read. Raises Problem."""

        def apply_object() -> Manifest:
            desired_manifest = keep_replicas(self.session, manifest, live_object)
            return rewrite(self.session, desired_manifest, live_object).after

        return ask_server(f"Apply {ref(manifest)}", apply_object)

    def write_record(self, record: Manifest, earlier: Manifest | None) -> Manifest:
        """Create the record of a change, or take over an earlier one. Raises Problem if another run was faster."""
        if earlier:
            return self.apply(record, earlier)
        try:
            return self.session.apply_object(pin_to_absence(record), force="false")
        except ApiError as error:
            if not is_state_refused(error):
                raise explain(error, f"Apply {ref(record)}") from error
        live_record = self.session.read_live(record)
        if live_record and is_applied(record, live_record, self.field_manager):
            return live_record  # this run has written it, and the answer was lost
        raise build_outrun_problem(live_record or record)

    def delete(self, judged_object: Manifest) -> None:
        """Delete an object that was judged to go. It stays if it has another owner now, or was made anew."""
        delete_as_judged(self.session, judged_object)

    def report_verdict(self, name: str, verdict: str) -> None:
        """Tell how the change of a collector was judged, and add it to the result."""
        self.cluster.progress.tell_now(name, verdict)
        self.session.report.verdict_lines.append(f"{name}: {verdict}")

    def warn(self, text: str) -> None:
        """Add a warning to the result."""
        self.session.report.warnings.append(text)
