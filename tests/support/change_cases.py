# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a Collector's config that are faults or harmless, from tests/integration/change_cases.yml."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from .cluster import PROJECT

CASES: dict[str, Any] = yaml.safe_load((PROJECT / "tests/integration/change_cases.yml").read_text(encoding="utf-8"))
CHOSEN_CASES = os.environ.get("O11Y_CHANGE_CASES", "")


def select_cases(kind: str, default_names: Iterable[str]) -> dict[str, Any]:
    """Return the cases of a kind that O11Y_CHANGE_CASES names: all, those of a regular expression, or else a few."""
    if CHOSEN_CASES == "all":
        return dict(CASES[kind])
    if CHOSEN_CASES:
        return {name: case for name, case in CASES[kind].items() if re.search(CHOSEN_CASES, name)}
    return {name: CASES[kind][name] for name in default_names}


def apply_merge_patch(base: Any, patch: Any) -> Any:
    """Return a JSON merge patch of a document."""
    if not isinstance(patch, dict):
        return patch
    base_mapping = base if isinstance(base, dict) else {}
    return {
        key: apply_merge_patch(base_mapping.get(key), patch[key]) if key in patch else base_mapping[key]
        for key in {**base_mapping, **patch}
        if patch.get(key, ...) is not None
    }


def change_config(change: Mapping[str, Any], addresses: Mapping[str, str], base: Any = CASES["base"]) -> dict[str, Any]:
    """Return the base with a change; the words in braces are addresses."""
    text = json.dumps(apply_merge_patch(base, change))
    for placeholder, address in addresses.items():
        text = text.replace(f"{{{placeholder}}}", address)
    config: dict[str, Any] = json.loads(text)
    return config


def object_name(case: str) -> str:
    """Return the name of a case as that of an object."""
    return re.sub(r"\W+", "-", case.lower()).strip("-")


def make_lossless(config: dict[str, Any]) -> dict[str, Any]:
    """Let a Collector answer its clients when their data is sent: it batches in the queues of its exporters."""
    pipelines = config["service"]["pipelines"].values()
    unbatched = _find_unbatched_exporters(pipelines)
    batch = _build_queue_batch(config["processors"].pop("batch", {}))
    for name, exporter in config["exporters"].items():
        queue = exporter.get("sending_queue", {})
        if name.startswith("otlp") and queue.get("enabled", True) and "storage" not in queue:
            batch_options = {} if name in unbatched else {"batch": dict(batch)}
            exporter["sending_queue"] = {"wait_for_result": True, **batch_options, **queue}
        elif name == "load_balancing":
            exporter["protocol"]["otlp"]["sending_queue"] = {"enabled": False}
    for pipeline in pipelines:
        pipeline["processors"] = [name for name in pipeline.get("processors", ()) if name != "batch"]
    return config


def _find_unbatched_exporters(pipelines: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the exporters of pipelines that do not batch."""
    exporters: set[str] = set()
    for pipeline in pipelines:
        if "batch" not in pipeline.get("processors", ()):
            exporters.update(pipeline["exporters"])
    return exporters


def _build_queue_batch(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the batches of a queue that are those of the processor `batch`."""
    sizes = {"sizer": "items", "flush_timeout": batch.get("timeout"), "min_size": batch.get("send_batch_size", 0)}
    max_size = batch.get("send_batch_max_size", 0)
    return {**sizes, "max_size": max_size} if max_size else sizes
