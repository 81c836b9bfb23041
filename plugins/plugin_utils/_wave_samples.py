# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what a Linux host says of its services into counts, in the form in which tasks keep it for the gate. Private.

The action of module host_wave calls `count_samples`. The host returns the metrics of each collector as text, and its
config as text. The gate of a wave compares counts and reads configs, and variables of hosts must hold no secrets. So a
poll `{at: 3, text: "otelcol_receiver_accepted_spans{…} 50", …}` becomes a row with the count 50.
`module_utils/_waves/sample_rows.py` reads the rows again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ..module_utils._change.canary.readings import PodSample
from ..module_utils._otelcol.config.config_secrets import find_secrets
from ..module_utils._otelcol.config.masking import make_masker, mask_tree
from ..module_utils._otelcol.errors import Problem
from ..module_utils._telemetry.metrics import read_counts
from ..module_utils._waves.sample_rows import build_sample_row
from ._otelcol import _yaml


class HostPoll(TypedDict):
    """One reading of a collector on its host."""

    at: float
    """Seconds since the host was asked."""
    text: str
    """The metrics of the collector, empty if they could not be read."""
    restarts: int
    why: str
    """Why the metrics could not be read."""


def count_samples(collectors: Sequence[Mapping[str, Any]], start: float) -> list[dict[str, Any]]:
    """Return the collectors of a host with counts instead of texts, and with their configs as data without secrets.

    `start` is when the host was asked, in seconds of Unix by the clock of the controller.
    """
    rows: list[dict[str, Any]] = []
    for collector in collectors:
        polls = [_count_poll(poll, start) for poll in collector["polls"]]
        rows.append({**collector, "config": _read_masked_config(collector), "polls": polls})
    return rows


def _read_masked_config(collector: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a collector without secrets; empty if somebody has made it no YAML, or no mapping."""
    try:
        config = _yaml.load(str(collector["config"]), f"config of {collector['name']}").data
    except Problem:
        return {}
    if not isinstance(config, Mapping):
        return {}
    return dict(mask_tree(config, make_masker(find_secrets(config))))


def _count_poll(poll: HostPoll, start: float) -> dict[str, Any]:
    """Return a reading with its counts. A service is read like a pod without a name."""
    sample = PodSample(pod="", reading=read_counts(poll["text"]), restarts=int(poll["restarts"]), why=str(poll["why"]))
    return {"at": start + float(poll["at"]), "pods": [build_sample_row(sample)]}
