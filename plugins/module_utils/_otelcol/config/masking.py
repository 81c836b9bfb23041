# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and trees without secrets, for results, logs and diffs. Private.

To mask a text is to replace each secret in it by `********`:

    mask = make_masker({"correct-horse"})       # the secrets of a config, see config_secrets.py
    mask("login ann:correct-horse failed")      # "login ann:******** failed"
    mask("https://ann:abcd@db failed")          # "https://ann:********@db failed"

known_secrets.py finds the secrets that the caller names, secret_shapes.py those that show by their shape.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from ..errors import LONGEST_TEXT, MASK, clean_text
from .known_secrets import KnownSecrets, Span
from .literal_values import scalar_text
from .secret_shapes import find_secrets_in_text
from .secret_spellings import encode_text

Replacer = Callable[[str], str]
"""Gets a secret, and returns what stands in its place: `********`, or what `make_salted_replacer` makes of it."""
# How many results a masker remembers: many findings have the same fix.
_KEPT_TEXTS = 1024


def _replace_with_mask(_secret: str) -> str:
    """Return a mask that shows nothing of a secret, not even its length."""
    return MASK


def make_salted_replacer(salt: str) -> Replacer:
    """Return a function that replaces equal secrets by equal masks, such as `***1a2b3c4d`.

    So a diff shows that a secret has changed, and not what it is. The salt protects short secrets: without it, anybody
    could compare the masks with those of guesses.
    """

    def replace(secret: str) -> str:
        digest = hashlib.sha256(encode_text(f"{salt}{secret}")).hexdigest()
        return f"***{digest[:8]}"

    return replace


def make_masker(secrets: Iterable[str], replace: Replacer = _replace_with_mask) -> Callable[[str], str]:
    """Return a function that replaces these secrets in a text, then whatever has the shape of a secret."""
    known_secrets = KnownSecrets(secrets)

    @lru_cache(maxsize=_KEPT_TEXTS)
    def mask(text: str) -> str:
        """Return a text in which the known secrets, and then what has the shape of one, are replaced."""
        return conceal_secrets(_replace_spans(text, known_secrets.find_spans(text), replace), replace)

    return mask


def conceal_secrets(text: str, replace: Replacer = _replace_with_mask) -> str:
    """Return a text, such as a line of a log, in which what has the shape of a secret is replaced."""
    secrets = sorted(find_secrets_in_text(text))
    if not secrets:  # as most texts
        return text
    return _replace_spans(text, [Span(secret.start, secret.end) for secret in secrets], replace)


def _replace_spans(text: str, spans: Iterable[Span], replace: Replacer) -> str:
    """Return a text in which spans, in the order in which they begin, are replaced. They may overlap."""
    parts = []
    end_before = 0
    for span in spans:
        is_replaced_already = span.end <= end_before
        if is_replaced_already:
            continue
        start = max(span.start, end_before)
        parts.append(text[end_before:start])
        parts.append(replace(text[start : span.end]))
        end_before = span.end
    parts.append(text[end_before:])
    return "".join(parts)


def mask_and_clean(value: Any, longest: int = LONGEST_TEXT, mask: Callable[[str], str] = conceal_secrets) -> Any:
    """Return text of others, or a tree of it, masked and then cleaned as `clean_text` does.

    The order matters: `clean_text` cuts long texts, and half a secret would not be recognised.
    """
    return clean_text(mask_tree(value, mask), longest)


def mask_tree(tree: Any, mask: Callable[[str], str]) -> Any:
    """Return a tree in which each scalar is masked; one that the mask leaves as it is keeps its type.

    Keys are not masked. The number 42 stays a number, and a number that is a secret becomes the text `********`.
    """
    if isinstance(tree, dict):
        return {key: mask_tree(value, mask) for key, value in tree.items()}
    if isinstance(tree, list):
        return [mask_tree(value, mask) for value in tree]
    if tree is None or isinstance(tree, bool):
        return tree
    text = scalar_text(tree)
    masked_text = mask(text)
    return tree if masked_text == text else masked_text
