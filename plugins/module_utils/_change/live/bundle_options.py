# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one run over a bundle, which is the list of all its manifests. Private.

`bundle_task.py` makes them of the options of module `bundle_apply`. `apply.py` and `remove.py` carry them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._kube.live.cluster import Cluster
from ..._otelcol.kube.objects import Manifest
from ..collector_flows import Flow


@dataclass(frozen=True)
class BundleOptions:
    """The options of the module `bundle_apply`, whose documentation describes them."""

    manifests: list[Manifest]
    """The bundle: all manifests of a run."""
    field_manager: str
    force_conflicts: bool
    prune_selector: str
    """Selects the objects of the bundle's collectors; empty if nothing is pruned."""
    wait_seconds: float
    check: bool
    diff: bool
    adopt: tuple[str, ...] = ()
    """The releases whose objects the run takes over from other owners. (The roles of products use this word for the
    opposite: to use an installation of others unchanged.)"""
    existing_accounts: tuple[str, ...] = ()
    """ServiceAccounts, as `namespace/name`, that are used unchanged if others own them."""
    references: str = "ignore"
    """What happens if a Secret or another referred object is missing: `ignore`, `require` or `wait`."""
    change: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The `ChangeOptions` of each collector by its `namespace/name`."""
    flows: Sequence[Flow] = ()
    unschedulable_seconds: float = 15
    quick_cluster: Callable[[], Cluster] | None = None
    """Returns the same cluster for calls to pods, which may hang."""
    keep_records: bool = False
    """Whether the records of changes that work stay, so that a later task may bring the collectors back."""
    kept_records: Mapping[str, str] = field(default_factory=dict)
    """The run that has kept the record of each collector, by its `namespace/name`."""
    kept_rights: Sequence[Manifest] = ()
    """What the roles of these collectors were, which no record has."""
