# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services of Linux hosts have counted, as tasks keep it in their variables. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._change.canary.readings import Sample
from ..module_utils._otelcol.config.config_secrets import secrets_in
from ..module_utils._otelcol.config.masking import masked_tree, masker
from ..module_utils._otelcol.errors import Problem
from ..module_utils._telemetry.metrics import reading
from ..module_utils._waves.sample_rows import sample_row
from ._otelcol import _yaml


def sampled(collectors: Sequence[Mapping[str, Any]], start: float) -> list[dict[str, Any]]:
    """Return the answer of a host, with counts instead of texts, and the config as data without secrets.

    `start` is when the host was asked, in seconds of Unix by the clock of the controller.
    """
    return [
        {**one, "config": _config(one), "polls": [_counted(poll, start) for poll in one["polls"]]} for one in collectors
    ]


def _config(one: Mapping[str, Any]) -> dict[str, Any]:
    try:
        config = _yaml.load(str(one["config"]), f"config of {one['name']}").data
    except Problem:  # somebody has changed the file
        return {}
    masked: Any = masked_tree(config, masker(secrets_in(config))) if isinstance(config, Mapping) else {}
    return dict(masked)


def _counted(poll: Mapping[str, Any], start: float) -> dict[str, Any]:
    service = Sample(pod="", reading=reading(poll["text"]), restarts=int(poll["restarts"]), why=str(poll["why"]))
    return {"at": start + float(poll["at"]), "pods": [sample_row(service)]}
