# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References of a config to variables of the environment, such as `${env:NAME}`, and dollars that are none. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# `${env:NAME}`, `${env:NAME:-default}` and `${NAME}`; `$$` is a literal dollar.
# Source: confmap/expand.go and confmap/provider/envprovider.
REFERENCE_PATTERN = re.compile(r"\$\$|\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(:-(?:[^}$]|\$(?!\{))*)?\}")


def unescape_dollars(text: str) -> str:
    """Return a text of a config as a component reads it: `$$` in a config is how it writes one dollar."""
    return text.replace("$$", "$")


def replace_references(value: Any, value_by_variable: Mapping[str, str], placeholder: str) -> Any:
    """Return a tree in which references are replaced: by what is known, by their default, or by `placeholder`."""
    if isinstance(value, dict):
        return {key: replace_references(child, value_by_variable, placeholder) for key, child in value.items()}
    if isinstance(value, list):
        return [replace_references(child, value_by_variable, placeholder) for child in value]
    if not isinstance(value, str) or "$" not in value:
        return value

    def expand_match(match: re.Match[str]) -> str:
        is_escaped_dollar = match[1] is None
        if is_escaped_dollar:
            return "$"
        default = placeholder if match[2] is None else match[2].removeprefix(":-")
        return value_by_variable.get(match[1], default)

    return REFERENCE_PATTERN.sub(expand_match, value)
