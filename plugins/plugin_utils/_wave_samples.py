# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts of a wave have counted, as tasks keep it in their variables, and as the gate compares it. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..module_utils._change.canary.readings import Sample
from ..module_utils._otelcol.config.masking import masked_tree, masker, secrets_in
from ..module_utils._otelcol.errors import Problem
from ..module_utils._telemetry.metrics import Key, reading
from ..module_utils._waves.wave_data import Poll, Track
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
    kept = {name: poll[name] for name in ("restarts", "why")}
    rows = [[*key, int(count)] for key, count in reading(poll["text"]).items() if count]
    return {**kept, "at": start + float(poll["at"]), "counts": rows}


def tracks(member: str, answer: Mapping[str, Any]) -> Iterator[Track]:
    """Yield what each collector of a member has counted."""
    for one in answer.get("collectors") or ():
        yield Track(
            member=member,
            name=str(one["name"]),
            release=str(one["release"]),
            has_passed=bool(one["passed"]),
            config=one["config"],
            sum=str(one["sum"]),
            polls=tuple(_poll(member, poll) for poll in one["polls"]),
        )


def _poll(member: str, row: Mapping[str, Any]) -> Poll:
    counts = Counter({Key(name, component, signal): count for name, component, signal, count in row["counts"]})
    is_read = bool(counts) and not row["why"]
    sample = Sample(pod=member, reading=counts if is_read else None, restarts=int(row["restarts"]), why=str(row["why"]))
    return Poll(at=float(row["at"]), sample=sample)
