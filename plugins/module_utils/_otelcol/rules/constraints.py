# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row of constraints.json may say, and the settings that it is about.

Each row of _data/catalogue/constraints.json is one place in the settings of a component, and what must hold there. Its
keys say three things:

1. What must hold. Such a key is the name of a check, its value the operand of the check. The tables OF_GIVEN and CHECKS
   at the end of each file of checks have the names; constraint_rows.py joins the tables.
2. Where the row counts. `when` says for which values of other settings, `around` for which values of what the place is
   a part of, `signals` in pipelines of which signal, `built` that the Collector checks only components of a pipeline,
   `measured` that it reads the place only where it has metrics of its own, `exact` and `certain` for which versions.
3. How its checks read and compare, as this table says:

| key | read by | meaning |
|---|---|---|
| `text` | needs, words | The decoder reads numbers and truth values as texts. |
| `trim` | words | Blanks around a text do not count. |
| `case` | words | Capital letters do not count. |
| `begins` | words | The texts that a word may begin with. |
| `blank` | needs | The keys for which everything but null is a value. |
| `defaults` | none, different, order | The values of keys that are not given. |
| `integers` | range, order | The decoder drops the fraction of a number. |
| `least` | positive | Zero is a value. |
| `zero` | times, order | Zero means that there is no limit. |
| `strict`, `factor` | order | The larger setting has to be more than the smaller one, or more than a multiple of it. |
| `absolute` | url | The URL needs a scheme and a host. |
| `listens` | port | A server listens there, on ports between these two. |
| `all_named` | groups | Every group of the regular expression needs a name. |
| `whole` | embedded | Only a text that begins with an expression has one. |
| `why`, `fix` | words_not, none | The words of the message. |

Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from ..catalogue.reference_keys import walk_pattern
from ..catalogue.rows import Row
from ..config.paths import Path, value_at
from .subject import Fault

MISSING, WORD, DURATION, REFERENCE = "missing-field", "unknown-value", "invalid-duration", "unknown-operator"
RANGE, CONFLICT, REGEX, GATE = "out-of-range", "conflicting-settings", "invalid-regex", "feature-gate"
IGNORED = "ignored-setting"
EXPANSION_START = "${"
# The ids of rules, each with a fault.
RuleFaults = Iterator[tuple[str, Fault]]
# A check gets its operand, the settings at the place of a row, their path and the row.
Check = Callable[[Any, Any, Path, Row], RuleFaults]
QUOTE_FIX = "Put the whole text in single quotes: YAML reads `: ` and a leading `[` or `{` as data."


@cache
def split_key(key: str) -> tuple[str, ...]:
    """Return the path of a key such as `tls.ca_file`."""
    return tuple(key.split("."))


def find_values(settings: Any, key: str, path: Path) -> Iterable[tuple[Path, Any]]:
    """Return path and value of a key, where it is given and known; a key such as `tls.files.*` may have several."""
    if "." in key:
        return _walk_values(settings, key, path)
    value = settings.get(key) if isinstance(settings, dict) else None
    return (((*path, key), value),) if _is_given_literally(value) else ()


def _is_given_literally(value: Any) -> bool:
    """Whether a value is given, and no variable decides a part of it."""
    if isinstance(value, str):
        return not is_expanded(value)
    return value is not None


def is_expanded(text: str) -> bool:
    """Whether the Collector replaces a part of a text; `${` that nothing closes is as it stands."""
    return EXPANSION_START in text and "}" in text.partition(EXPANSION_START)[2]


def _walk_values(settings: Any, key: str, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of each place that a key with several steps leads to."""
    steps = split_key(key)
    for value_path, value in walk_pattern(settings, steps, path):
        if value is None and isinstance(value_path[-1], int):
            yield value_path, ""  # as the decoder reads null in a list of texts
        elif _is_given_literally(value):
            yield value_path, value
    if key.endswith(".*"):
        yield from _split_text(settings, steps[:-1], path)


def _split_text(settings: Any, steps: Path, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the parts of a text that stands in the place of a list, as the decoder reads it."""
    text = value_at(settings, steps)
    if isinstance(text, str) and text and EXPANSION_START not in text:
        for part in text.split(","):
            yield (*path, *steps), part


def find_texts(keys: Iterable[str], settings: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and text of each of the keys that has a text; another type is the fault of another rule."""
    for key in keys:
        for text_path, value in find_values(settings, key, path):
            if isinstance(value, str):
                yield text_path, value
