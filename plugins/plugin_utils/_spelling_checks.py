# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What YAML or an editor makes of a text: a number, a time, a line end, a lost digit. Controller only. Private.

The spelling of a value is its text in the file, which may differ from what YAML reads. For example, of `version: 1.20`
YAML reads the number 1.2, and the text would be `1.2`. So the option is refused, with the fix "Write '1.20'.".

`_shape_checks.py` and `_text_checks.py` call this file. Each check raises Problem.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..module_utils._otelcol.config.paths import Position
from ..module_utils._otelcol.config.secret_names import is_secret_header
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube.text_values import text_value
from ._value_shapes import OptionPlace

# Half of a surrogate pair, which is no character by itself.
SURROGATE = re.compile("[\ud800-\udfff]")


def check_spelling(
    value: Any, position: Position, place: OptionPlace, *, part: str = "", is_shown: bool = False
) -> None:
    """Reject what YAML has changed: the value is no text, and its file spells it in another way.

    `position` is where the value stands in its file; a value of a template has no spelling there, and passes. `part`
    begins the message, such as `the name of `. The value of an option whose name is that of a secret is not shown,
    unless `is_shown`.
    """
    spelled = "" if isinstance(value, str) else position.read_spelling()
    if spelled in ("", text_value(value)):
        return
    may_show_value = is_shown or not is_secret_header(place.last_key)
    fix = f"Write '{spelled}'." if may_show_value else "Write it in quotes."
    reading = _describe_reading(value, may_show_value=may_show_value)
    wrong = f"{part}{place} must be text, and YAML reads it as {reading}"
    raise Problem(wrong, where=str(position), fix=fix)


def _describe_reading(value: Any, *, may_show_value: bool) -> str:
    """Return what YAML has made of a text, such as `true`, `the number 1.2`, or `a number` without the value."""
    if may_show_value and isinstance(value, bool):
        return text_value(value)
    noun = "number" if isinstance(value, (int, float)) else "time"
    return f"the {noun} {text_value(value)}" if may_show_value else f"a {noun}"


def check_version(value: Any, place: OptionPlace) -> None:
    """Reject a version that YAML has read as a number: the digits that it had are lost."""
    if isinstance(value, float):
        wrong = f"{place} must be text, and YAML reads it as the number {value}"
        raise Problem(wrong, fix=f"Write it in quotes, as in `{place.last_key}: '1.20'`.")


def check_line(value: Any, place: OptionPlace) -> None:
    """Reject a line end or a hidden character. Half of a surrogate pair has a message of its own."""
    if isinstance(value, str) and not value.isprintable() and not SURROGATE.search(value):
        wrong = f"{place} has a line end or a hidden character: {json.dumps(value)}"
        fix = "Remove it. A YAML block of `|` or `>` ends with a line end, one of `|-` or `>-` does not."
        raise Problem(wrong, fix=fix)
