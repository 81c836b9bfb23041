# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stale is what the bundle lost, and nobody deletes already."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.stale_objects import find_stale_objects
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef

from ..helpers import cases
from .manifests import controlled, obj


@cases(
    "found, is_stale",
    (obj("ConfigMap", "old"), True),
    (obj("ConfigMap", "kept"), False),
    (obj("ConfigMap", "old", metadata=controlled("OpenTelemetryCollector")), False),
    (obj("ConfigMap", "old", metadata={"deletionTimestamp": "now"}), False),
)
def test_pruned_is_what_the_bundle_lost(found: Any, is_stale: Any) -> None:
    assert bool(find_stale_objects([found], {ObjectRef("ConfigMap", "ns", "kept")})) is is_stale
