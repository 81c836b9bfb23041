# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layers of a config the option `overlay_policy` judges: all but those of its baseline. Private.

A layer is one source of a config, such as a file, see layers.py. The baseline are the files that the owner of the
policy controls; the other layers are overlays. overlay_policy.py says what an overlay may touch. An example: with
`overlay_policy: {baseline: [base.yaml], …}`, of the layers base.yaml and team.yaml the second is judged. Rendering
calls `check_layers`, and validation `check_parts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.config import overlay_policy
from ...module_utils._otelcol.config.layers import Layer
from ...module_utils._otelcol.errors import Problem
from . import _input_model, _inputs

INLINE_LAYER = "config"  # the name of the layer that stands in the inventory, or in a variable


def check_layers(layers: Iterable[Layer], option: Mapping[str, Any]) -> None:
    """Raise Problem if a layer after the baseline touches what the policy does not allow.

    The baseline is the files that the policy lists, wherever they stand among the layers.
    """
    baseline = _read_baseline(option)
    overlays = [layer for layer in layers if layer.name == INLINE_LAYER or Path(layer.name).resolve() not in baseline]
    overlay_policy.check_overlays(overlay_policy.OverlayPolicy.from_option(option), overlays)


def _read_baseline(option: Mapping[str, Any]) -> set[Path]:
    """Return the files of the baseline, without links, so that one file has one path."""
    return {Path(path).resolve() for path in option.get("baseline") or ()}


def check_parts(arguments: Mapping[str, Any], reading: _input_model.InputOptions) -> None:
    """Judge the parts of one config, files and a variable, by the policy of a validation's arguments.

    `arguments` are those of `pipeline_validate`. A part becomes a layer with the name of its file, or `INLINE_LAYER`.
    Raises Problem for a breach, for parts that are configs of their own, and if there is nothing to judge.
    """
    option = arguments.get("overlay_policy") or {}
    if not option:
        return
    _check_has_one_config(arguments)
    collected = _inputs.collect_inputs(arguments["paths"], arguments["config"], reading=reading)
    layers: list[Layer] = []
    for part in collected.inputs:
        if part.layer:
            layers.append(replace(part.layer, name=part.file or INLINE_LAYER))
    check_layers(layers, option)


def _check_has_one_config(arguments: Mapping[str, Any]) -> None:
    """Raise Problem if the parts that a validation gets are configs of their own, or if it gets no config at all."""
    has_parts = bool(arguments["paths"]) or arguments["config"] is not None
    if has_parts and not arguments["merge"]:
        wrong = "`overlay_policy` judges the parts of one config, and each of `paths` and `config` is one of its own"
        raise Problem(wrong, fix="Set `merge: true`, or list collectors with `config_files`.")
    if not has_parts and not arguments.get("collectors") and not arguments.get("defaults"):
        raise Problem("`overlay_policy` has no config to judge", fix="Name files in `paths`, and set `merge: true`.")
