# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector whose options are resolved: the first of the stages that `_render.py` draws. Private.

Resolved means: the options are valid and have their defaults, and what follows from them alone is found, such as the
platform, the version and the build of the Collector. There is no config yet. For example, the item `{name: agent}` of
`otel_collectors` is resolved to `mode: deployment`, platform `generic` and version 0.158.0 of distribution contrib.

`_cluster_options.py` resolves collectors of clusters, and `_host_options.py` those of Linux hosts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..module_utils._collector.options import Collector
from ..module_utils._collector.platform import Platform
from ..module_utils._otelcol.rules.build_facts import TargetBuild
from ._runtimes import Runtime
from ._written_options import WrittenOptions


@dataclass(frozen=True)
class ResolvedCollector:
    """A collector with all that its options decide."""

    # ── Its options ──

    collector: Collector
    """The options with their defaults, in their types."""
    written_options: WrittenOptions
    """Some of them as the user wrote them, with the lines in which they stand."""
    asks_for_storage: bool
    """Whether the user gives storage to this collector itself, as `storage` in its item of `otel_collectors` does. The
    common option `otel_collector_storage` gives storage to those collectors alone that keep state."""

    # ── Where it runs ──

    runtime: Runtime
    platform: Platform
    """What the manifests and the rules have to know of the platform."""
    platform_facts: Mapping[str, Any]
    """All keys of the file of the platform, for recipes."""
    has_identity: bool
    """Whether it may get AWS credentials in a way that no option shows, such as a role of the nodes."""

    # ── What runs ──

    target: TargetBuild | None
    """The build that the rules judge for: its version and its components. None if the catalogue does not know it."""
    version: str
    """The version of the Collector whose names of components its recipes use, such as `0.158.0`. It is known in most
    cases in which the build is not, such as for an image of the user's own. Empty if nothing tells it."""
    image: str
    """The image of its pods; empty where the operator chooses it, and on a host."""
    run_as_user: int | None
    """The user of its pods; None where neither the image nor the platform fixes one."""
