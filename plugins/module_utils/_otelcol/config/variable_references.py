# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References of a config to variables of the environment. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# `${env:NAME}`, `${env:NAME:-default}` and `${NAME}`; `$$` is a literal dollar.
# Source: confmap/expand.go and confmap/provider/envprovider.
REFERENCE = re.compile(r"\$\$|\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(:-(?:[^}$]|\$(?!\{))*)?\}")


def without_references(value: Any, known: Mapping[str, str], unknown: str) -> Any:
    """Return a tree in which references are replaced: by what is known, by their default, or by `unknown`."""
    if isinstance(value, dict):
        return {key: without_references(item, known, unknown) for key, item in value.items()}
    if isinstance(value, list):
        return [without_references(item, known, unknown) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value

    def replaced(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        default = unknown if match[2] is None else match[2].removeprefix(":-")
        return known.get(match[1], default)

    return REFERENCE.sub(replaced, value)
