# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the change of a collector needs of the run that changes it. Private.

A bundle is the list of all manifests of a run. The files about changes (`changes.py`, `canary.py`, `rollback.py` and so
on) see the run only by this protocol: they know nothing of modules, options and results. `ObjectWriter` of
object_writer.py is such a run.
"""

from __future__ import annotations

from typing import Protocol

from ..._kube.live.cluster import Cluster
from ..._otelcol.kube.objects import Manifest
from ..change_set import ChangeSet


class BundleRun(Protocol):
    """A run over a bundle: its cluster, its options, what it did to objects, and what it can do to them."""

    cluster: Cluster
    name: str
    """The name of this run, such as `host1_5f2c9a1b`."""
    field_manager: str
    wait_seconds: float
    unschedulable_seconds: float
    check: bool
    """Whether the run is in check mode, and writes nothing."""
    keeps_records: bool
    """Whether the records of changes that work stay until the wave of the cluster is decided (docs/waves.md)."""
    kept_records: dict[str, str]
    """The records that stay: by the name of the collector, the name of the run that kept its record."""
    kept_rights: list[Manifest]
    """What the roles of these collectors were, which no record has."""
    changes: ChangeSet
    """What the run did to its objects up to now."""

    def read_live(self, manifest: Manifest) -> Manifest | None:
        """Return the current state of an object; None if there is none."""

    def try_apply(self, manifest: Manifest) -> Manifest | None:
        """Return what the server would make of a manifest, or None if it would reject it."""

    def apply(self, manifest: Manifest, live_object: Manifest) -> Manifest:
        """Apply an object in a state in which it was read. Raises Problem."""

    def write_record(self, record: Manifest, earlier: Manifest | None) -> Manifest:
        """Create the record of a change, or take over an earlier one. Raises Problem if another run was faster."""

    def delete(self, judged_object: Manifest) -> None:
        """Delete an object as it was when it was judged. It stays if it has another owner now, or was made anew."""

    def quick_cluster(self) -> Cluster:
        """Return the same cluster for calls to pods, which may hang."""

    def warn(self, text: str) -> None:
        """Add a warning to the result."""

    def add_plan_line(self, line: str) -> None:
        """Add what the run would do to the result."""

    def report_verdict(self, name: str, verdict: str) -> None:
        """Show in the progress how the change of a collector was judged, and add it to the result."""
