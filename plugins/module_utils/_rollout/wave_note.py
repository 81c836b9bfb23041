# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note that a collector of a cluster has passed its wave: a ConfigMap beside the collector. Private.

It names the release that was judged. Another release of the collector has passed nothing, so the note goes with no
config, and stays until the next one or the removal of the collector.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .._kube.ownership import is_ours, release_of
from .._otelcol.bounded.json_text import json_value
from .._otelcol.config.paths import at, section
from .._otelcol.kube.names import OWNER
from .._otelcol.kube.objects import Manifest
from .collector_maps import map_beside

LABEL, PASSED = "o11y.opentelemetry/wave", "passed"
_CONTENT = "passed.json"
# Hexadecimal digits of a release: enough to tell the pods of one collector from those of its earlier configs.
_DIGITS = 16


def pods_release(workload: Manifest) -> str:
    """Return what names the pods of a workload: another config, image or setting has another name."""
    template = json.dumps(section(workload, "spec", "template"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(template.encode()).hexdigest()[:_DIGITS]


def note_name(collector: Manifest) -> Manifest:
    """Return the ConfigMap of a note without its content. `collector` is a workload or a custom resource."""
    return map_beside(collector, "wave", {LABEL: PASSED})


def note_of(collector: Manifest, row: Mapping[str, str]) -> Manifest:
    """Return the note of a collector; `row` has the wave, the verdict, the release, who ran the playbook, and when."""
    return {**note_name(collector), "data": {_CONTENT: json.dumps(row, sort_keys=True)}}


def is_note(item: Manifest) -> bool:
    return bool(item["kind"] == "ConfigMap" and at(item, ("metadata", "labels", LABEL)) == PASSED)


def own_note(found: Manifest | None, collector: Manifest) -> Manifest | None:
    """Return what was found by the name of a note, if it is the note of this collector; None for what others made."""
    item = {**(found or {"metadata": {}}), "kind": "ConfigMap"}
    return item if is_note(item) and is_ours(item, {release_of(collector)}, OWNER) else None


def passed_wave(note: Manifest | None, release: str) -> dict[str, str]:
    """Return the wave that a release has passed; empty if it has passed none, or the note cannot be read."""
    try:
        row: Any = json_value(str(at(note or {}, ("data", _CONTENT))))
    except ValueError:
        return {}
    if not isinstance(row, dict) or row.get("release") != release:
        return {}
    return {str(name): str(value) for name, value in row.items()}
