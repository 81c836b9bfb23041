# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and trees without secrets: without those that are known, and without what has the shape of one. Private.

To mask is to replace each secret in a text by `********`, or by what a `Replacer` returns. known_secrets.py finds the
secrets that the caller names, secret_shapes.py those that are recognised without a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from ..errors import LONGEST_TEXT, MASK, clean_text
from .known_secrets import KnownSecrets, Span, encode_text
from .literal_values import scalar_text
from .secret_shapes import find_secrets_in_text

# Gets a secret, and returns what stands in its place.
Replacer = Callable[[str], str]
# How many results a masker remembers: many findings have the same fix.
_KEPT_TEXTS = 1024


def _replace_with_mask(_secret: str) -> str:
    """Return a mask that shows nothing of a secret, not even its length."""
    return MASK


def make_salted_replacer(salt: str) -> Replacer:
    """Return a function that replaces equal secrets by equal masks, such as `***1a2b3c4d`.

    The salt protects short secrets: without it, anybody could compare the masks with those of guesses.
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
    return _replace_spans(text, [Span(start, end) for start, end, _what in secrets], replace)


def _replace_spans(text: str, spans: Iterable[Span], replace: Replacer) -> str:
    """Return a text in which spans, in the order in which they begin, are replaced."""
    parts = []
    end_before = 0
    for span in spans:
        if span.end > end_before:
            start = max(span.start, end_before)  # a span may begin inside of the one before
            parts += [text[end_before:start], replace(text[start : span.end])]
            end_before = span.end
    return "".join((*parts, text[end_before:]))


def mask_and_clean(value: Any, longest: int = LONGEST_TEXT, mask: Callable[[str], str] = conceal_secrets) -> Any:
    """Return text of others, or a tree of it, masked and then cleaned as `clean_text` does.

    The order matters: `clean_text` cuts long texts, and half a secret would not be recognised.
    """
    return clean_text(mask_tree(value, mask), longest)


def mask_tree(tree: Any, mask: Callable[[str], str]) -> Any:
    """Return a tree in which each scalar is masked; one that the mask leaves as it is keeps its type."""
    if isinstance(tree, dict):
        return {key: mask_tree(value, mask) for key, value in tree.items()}
    if isinstance(tree, list):
        return [mask_tree(value, mask) for value in tree]
    if tree is None or isinstance(tree, bool):
        return tree
    text = scalar_text(tree)
    masked_text = mask(text)
    return tree if masked_text == text else masked_text
