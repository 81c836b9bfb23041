# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backends by their names, each as what it refuses, what it makes, and what is waited for. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..collector.collector import Collector
from ..manifests.build import CollectorBuild, Manifest
from . import kubernetes, operator


class Backend(NamedTuple):
    """What tells backends apart; the config and all that follows from it is the same for all."""

    modes: tuple[str, ...]
    container: str
    check: Callable[[Collector], None]
    manifests: Callable[[CollectorBuild], list[Manifest]]
    kind: Callable[[Collector], str]
    resource: Callable[[CollectorBuild], Manifest | None]


BACKENDS = {
    name: Backend(made.MODES, made.CONTAINER, made.check, made.manifests, made.kind, made.resource)
    for name, made in {"kubernetes": kubernetes, "operator": operator}.items()
}
