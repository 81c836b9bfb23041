# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some collectors of many, by their names: NAME, or NAMESPACE/NAME. Controller only. Private.

For example, of the collectors `shop/agent`, `bank/agent` and `shop/gateway`, the name `agent` selects the first two,
and `shop/agent` the first one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..module_utils._otelcol.errors import Problem, join_at_most, suggest_word

_SHOWN_NAMES = 10


def select_names(known_names: Sequence[str], requested_names: Collection[str]) -> list[str]:
    """Return the known names that are wanted. A wanted name without a namespace fits in any namespace."""
    return [name for name in known_names if name in requested_names or name.rpartition("/")[2] in requested_names]


def select_collectors(
    collectors: Sequence[Mapping[str, Any]], requested_names: Sequence[str], asked: str = "Diagnose"
) -> list[Mapping[str, Any]]:
    """Return the collectors that are asked for; all if none is named. Raises Problem for a name that none has.

    `asked` is what the run does with them, for that Problem.
    """
    if not requested_names:
        return list(collectors)
    names = [_collector_name(collector) for collector in collectors]
    for name in requested_names:
        if not select_names(names, [name]):
            wrong = f"there is no collector '{name}'{suggest_word(name, names)}"
            fix = f"There are {join_at_most(_SHOWN_NAMES, names) or 'none'}."
            raise Problem(wrong, asked=asked, where="only", fix=fix)
    chosen_collector_names = select_names(names, requested_names)
    return [collector for collector, name in zip(collectors, names, strict=True) if name in chosen_collector_names]


def _collector_name(collector: Mapping[str, Any]) -> str:
    """Return NAMESPACE/NAME; NAME alone for a collector of a Linux host, which has no namespace."""
    name, namespace = str(collector.get("name") or ""), collector.get("namespace")
    return f"{namespace}/{name}" if namespace else name
