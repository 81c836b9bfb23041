# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What YAML or an editor makes of a text: a number, a time, a line end, a lost digit. Controller only. Private.

The spelling of a value is its text in the file, which may differ from what YAML reads: `1.20` is read as 1.2. Each
check raises Problem. `path` names the option, and `owner` what has the option.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..module_utils._otelcol.config.paths import Position
from ..module_utils._otelcol.config.secret_names import is_secret_header
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube.names import text_value

# Half of a surrogate pair, which is no character by itself.
SURROGATE = re.compile("[\ud800-\udfff]")


def check_spelling(
    value: Any, place: Position, path: str, owner: str, *, part: str = "", is_shown: bool = False
) -> None:
    """Reject what YAML has changed: it is no text, and its file has another one. The number of a template is text."""
    spelled = "" if isinstance(value, str) else place.read_spelling()
    if spelled in ("", text_value(value)):
        return
    reading = "a number" if isinstance(value, (int, float)) else "a time"
    fix = "Write it in quotes."
    if is_shown or not is_secret_header(path.rpartition(".")[2]):
        reading = text_value(value) if isinstance(value, bool) else f"the {reading[2:]} {text_value(value)}"
        fix = f"Write '{spelled}'."
    wrong = f"{part}option '{path}' of {owner} must be text, and YAML reads it as {reading}"
    raise Problem(wrong, where=str(place), fix=fix)


def check_version(value: Any, path: str, owner: str) -> None:
    """Reject a version that YAML has read as a number: the digits that it had are lost."""
    if isinstance(value, float):
        wrong = f"option '{path}' of {owner} must be text, and YAML reads it as the number {value}"
        raise Problem(wrong, fix=f"Write it in quotes, as in `{path.rpartition('.')[2]}: '1.20'`.")


def check_line(value: Any, path: str, owner: str) -> None:
    """Reject a line end or a hidden character. Half of a surrogate pair has a message of its own."""
    if isinstance(value, str) and not value.isprintable() and not SURROGATE.search(value):
        wrong = f"option '{path}' of {owner} has a line end or a hidden character: {json.dumps(value)}"
        raise Problem(
            wrong, fix="Remove it. A YAML block of `|` or `>` ends with a line end, one of `|-` or `>-` does not."
        )
