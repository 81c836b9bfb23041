# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some collectors of many, by their names: NAME, or NAMESPACE/NAME. Controller only. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..module_utils._otelcol.errors import Problem, at_most, near

_SHOWN = 10


def chosen_names(known: Sequence[str], only: Collection[str]) -> list[str]:
    """Return those of the known names that are asked for. A name without a namespace is that of any namespace."""
    return [name for name in known if name in only or name.rpartition("/")[2] in only]


def chosen(
    collectors: Sequence[Mapping[str, Any]], only: Sequence[str], asked: str = "Diagnose"
) -> list[Mapping[str, Any]]:
    """Return the collectors that are asked for; all if none is named. Raises Problem for a name that none has.

    `asked` is what the run does with them, for that Problem.
    """
    if not only:
        return list(collectors)
    names = [_name(one) for one in collectors]
    for name in only:
        if not chosen_names(names, [name]):
            wrong = f"there is no collector '{name}'{near(name, names)}"
            fix = f"There are {at_most(_SHOWN, names) or 'none'}."
            raise Problem(wrong, asked=asked, where="only", fix=fix)
    wanted = chosen_names(names, only)
    return [one for one, name in zip(collectors, names, strict=True) if name in wanted]


def _name(collector: Mapping[str, Any]) -> str:
    name, namespace = str(collector.get("name") or ""), collector.get("namespace")
    return f"{namespace}/{name}" if namespace else name
