# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services of Linux hosts have counted, as tasks keep it in their variables. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._change.canary.readings import Sample
from ..module_utils._otelcol.config.config_secrets import find_secrets
from ..module_utils._otelcol.config.masking import make_masker, mask_tree
from ..module_utils._otelcol.errors import Problem
from ..module_utils._telemetry.metrics import read_counts
from ..module_utils._waves.sample_rows import build_sample_row
from ._otelcol import _yaml


def count_samples(collectors: Sequence[Mapping[str, Any]], start: float) -> list[dict[str, Any]]:
    """Return the answer of a host, with counts instead of texts, and the config as data without secrets.

    `start` is when the host was asked, in seconds of Unix by the clock of the controller.
    """
    return [
        {
            **collector,
            "config": _read_masked_config(collector),
            "polls": [_count_poll(poll, start) for poll in collector["polls"]],
        }
        for collector in collectors
    ]


def _read_masked_config(collector: Mapping[str, Any]) -> dict[str, Any]:
    try:
        config = _yaml.load(str(collector["config"]), f"config of {collector['name']}").data
    except Problem:  # somebody has changed the file
        return {}
    masked_config: Any = mask_tree(config, make_masker(find_secrets(config))) if isinstance(config, Mapping) else {}
    return dict(masked_config)


def _count_poll(poll: Mapping[str, Any], start: float) -> dict[str, Any]:
    service = Sample(pod="", reading=read_counts(poll["text"]), restarts=int(poll["restarts"]), why=str(poll["why"]))
    return {"at": start + float(poll["at"]), "pods": [build_sample_row(service)]}
