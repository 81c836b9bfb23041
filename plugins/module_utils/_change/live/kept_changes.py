# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide about changes of collectors that an earlier task has made and kept undecided. Private.

If a run changes several clusters in waves (docs/waves.md), the task that changes a cluster keeps the record of each
change: what the collector goes back to. When the wave is over, a later task calls one of two functions here:

| function | when | what it does |
|---|---|---|
| `bring_collectors_back` | the wave failed | applies what the records have, and closes them |
| `confirm_changes` | the wave passed | closes the records: the collectors stay as they are |
"""

from __future__ import annotations

from typing import Any

from ..._kube.live.cluster import Cluster
from ..._otelcol.kube.objects import Manifest
from .bundle_options import BundleOptions
from .changes import Changes
from .live_bundle import LiveBundle, read_live_bundle
from .object_writer import ObjectWriter
from .session import Session, report_done_on_failure


def bring_collectors_back(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Bring the collectors back whose records were kept. What cannot go back is told; it fails no task."""
    return _decide_kept_changes(cluster, options, goes_back=True)


def confirm_changes(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """End the changes whose records were kept: the collectors stay as they are."""
    return _decide_kept_changes(cluster, options, goes_back=False)


def _decide_kept_changes(cluster: Cluster, options: BundleOptions, *, goes_back: bool) -> dict[str, Any]:
    """End the changes whose records were kept; check mode does nothing."""
    session = Session(cluster, options)
    if options.check:
        return session.report.build_result()
    live_bundle = read_live_bundle(session)
    running_changes = Changes(ObjectWriter(session), live_bundle.objects, {})
    manifests = _list_manifests_in_namespaces(options, live_bundle)
    lines = _describe_lost_collectors(options, live_bundle)
    with report_done_on_failure(session):
        lines += running_changes.decide_kept_records(
            manifests, options.kept_records, options.kept_rights, goes_back=goes_back
        )
    return {**session.report.build_result(), "msg": " ".join(lines) or "nothing went back"}


def _list_manifests_in_namespaces(options: BundleOptions, live_bundle: LiveBundle) -> list[Manifest]:
    """Return the manifests whose namespace exists, and those of the whole cluster."""
    missing_namespaces = live_bundle.missing_namespaces
    return [
        manifest for manifest in options.manifests if manifest["metadata"].get("namespace") not in missing_namespaces
    ]


def _describe_lost_collectors(options: BundleOptions, live_bundle: LiveBundle) -> list[str]:
    """Return a sentence for each collector with a kept record whose namespace no longer exists."""
    lines = []
    for name in sorted(options.kept_records):
        namespace = name.partition("/")[0]
        if namespace in live_bundle.missing_namespaces:
            lines.append(f"{name} stays as it is: the namespace '{namespace}' no longer exists.")
    return lines
