# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note that a collector of a cluster has passed its wave: a ConfigMap beside the collector. Private.

A wave is a group of clusters or hosts that a run changes together; its gate judges their collectors (docs/waves.md).
A release in this file is a digest of a workload's pod template: another config, image or setting makes another release.
The note names the release that was judged. A later release has passed nothing, so a note about an earlier one counts as
none; it stays until the next note, or until the collector is removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .._kube.ownership import is_own_object, read_release_label
from .._otelcol.bounded.json_text import parse_json
from .._otelcol.config.paths import mapping_at, value_at
from .._otelcol.kube.names import OWNER
from .._otelcol.kube.objects import Manifest
from .collector_maps import build_map_beside

# The label by which a note is recognised, and its value.
NOTE_LABEL = "o11y.opentelemetry/wave"
PASSED = "passed"
# The key of the ConfigMap that has the content, such as `{"release": "0a1b…", "wave": "2"}`.
_CONTENT_KEY = "passed.json"
# Hexadecimal digits of a release: enough to tell the pods of one collector from those of its earlier configs.
_RELEASE_DIGITS = 16


def compute_pods_release(workload: Manifest) -> str:
    """Return the release of a workload's pods: digits that differ for another config, image or setting."""
    template = json.dumps(mapping_at(workload, "spec", "template"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(template.encode()).hexdigest()[:_RELEASE_DIGITS]


def build_empty_note(collector: Manifest) -> Manifest:
    """Return the ConfigMap of a note without its content. `collector` is a workload or a custom resource."""
    return build_map_beside(collector, "wave", {NOTE_LABEL: PASSED})


def build_note(collector: Manifest, record: Mapping[str, str]) -> Manifest:
    """Return the note of a collector. `record` is its content, with the wave and the `release` that was judged."""
    return {**build_empty_note(collector), "data": {_CONTENT_KEY: json.dumps(record, sort_keys=True)}}


def is_note(manifest: Manifest) -> bool:
    """Return whether an object is the note of a collector."""
    return bool(manifest["kind"] == "ConfigMap" and value_at(manifest, ("metadata", "labels", NOTE_LABEL)) == PASSED)


def select_own_note(config_map: Manifest | None, collector: Manifest) -> Manifest | None:
    """Return the ConfigMap of a note's name if it is the note of this collector; None for one that others made."""
    note = {**(config_map or {"metadata": {}}), "kind": "ConfigMap"}
    return note if is_note(note) and is_own_object(note, {read_release_label(collector)}, OWNER) else None


def read_passed_wave(note: Manifest | None, release: str) -> dict[str, str]:
    """Return the content of a note if it is about this release; empty for another release and an invalid note."""
    try:
        record: Any = parse_json(str(value_at(note or {}, ("data", _CONTENT_KEY))))
    except ValueError:
        return {}
    if not isinstance(record, dict) or record.get("release") != release:
        return {}
    return {str(name): str(value) for name, value in record.items()}
