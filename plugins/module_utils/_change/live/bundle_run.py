# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the change of a collector needs of the run over a bundle. Private.

`ObjectWriter` of object_writer.py is such a run; tests have their own. A bundle is the list of all manifests of a run.
"""

from __future__ import annotations

from typing import Protocol

from ..._kube.live.cluster import Cluster
from ..._otelcol.kube.objects import Manifest
from ..change_set import ChangeSet


class BundleRun(Protocol):
    """A run over a bundle: its cluster, its options, and what it does to objects."""

    cluster: Cluster
    # The name of the field manager, and that of the run.
    manager: str
    run: str
    wait_seconds: float
    unschedulable_seconds: float
    check: bool
    # Whether the records of changes that work stay until the wave of the cluster is decided.
    keeps_records: bool
    # The records that stay, as the run by the name of the collector, and what its roles were.
    kept_records: dict[str, str]
    kept_rights: list[Manifest]
    # What the run did to its objects up to now.
    changes: ChangeSet

    def live(self, manifest: Manifest) -> Manifest | None:
        """Return the current state of an object."""

    def tried(self, manifest: Manifest) -> Manifest | None:
        """Return what the server would make of a manifest, or None if it would reject it."""

    def write(self, manifest: Manifest, live_object: Manifest) -> Manifest:
        """Apply an object in a state in which it was read. Raises Problem."""

    def record(self, record: Manifest, earlier: Manifest | None) -> Manifest:
        """Create the record of a change, or take over an earlier one. Raises Problem if another run was faster."""

    def delete(self, judged_object: Manifest) -> bool:
        """Delete an object as it was when it was judged."""

    def warn(self, text: str) -> None:
        """Add a warning to the result."""

    def quick_cluster(self) -> Cluster:
        """Return the same cluster for calls to pods, which may hang."""

    def judged(self, name: str, verdict: str) -> None:
        """Show in the progress how the change of a collector was judged, and add it to the result."""

    def plan(self, line: str) -> None:
        """Add what the run would do to the result."""
