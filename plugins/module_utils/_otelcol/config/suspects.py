# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suspects: the few values of a config that may be secrets, so that nobody has to look at the others. Private.

In `{exporters: {otlp: {endpoint: "https://me:abcd@host", token: "${env:T}", timeout: 5s}}}` there are two suspects: the
endpoint has the shape of a password in it, and `token` is the name of a secret. secret_kinds.py and config_secrets.py
judge them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .literal_values import scalar_text
from .paths import Path
from .secret_names import is_setting_of_pairs
from .secret_paths import may_hold_secret
from .secret_shapes import Secret, find_secrets_in_text, is_cacheable, is_too_short


class Suspect(NamedTuple):
    """A scalar that may hold a secret: by the name of its setting, or by the shapes of what is in its text."""

    path: Path
    value: Any
    text: str
    """The value as text: `42` for the number 42."""
    secrets: tuple[Secret, ...]
    """What in the text has the shape of a secret; empty if only the name is suspicious."""


def find_suspects(scalars: Iterable[tuple[Path, Any]]) -> Iterator[Suspect]:
    """Yield the scalars that may hold a secret. `scalars` are pairs of path and value, as `iter_leaves` yields them."""
    for path, value in scalars:
        if not path or isinstance(value, bool) or not isinstance(value, (str, int, float)):
            continue
        is_long_text = isinstance(value, str) and not is_cacheable(value)
        judge_scalar = _judge_scalar if is_long_text else _judge_short_scalar
        secrets = judge_scalar(path[-2:], value)
        if secrets is not None:
            yield Suspect(path, value, scalar_text(value), secrets)


def _judge_scalar(path_end: Path, value: Any) -> tuple[Secret, ...] | None:
    """Return what in a scalar has the shape of a secret; None if the scalar is no suspect.

    A scalar without such a part is a suspect if its name may be that of a secret. The last two keys of its path decide.
    """
    text = scalar_text(value)
    secrets: tuple[Secret, ...] = ()
    if not is_too_short(text):
        secrets = tuple(find_secrets_in_text(text, with_pairs=is_setting_of_pairs(path_end[-1])))
    if secrets or may_hold_secret(path_end):
        return secrets
    return None


@lru_cache(maxsize=8192, typed=True)
def _judge_short_scalar(path_end: Path, value: Any) -> tuple[Secret, ...] | None:
    """Answer `_judge_scalar` for a scalar that may be cached: configs repeat most short texts."""
    return _judge_scalar(path_end, value)
