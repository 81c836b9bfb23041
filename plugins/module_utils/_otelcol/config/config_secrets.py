# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a config that masks hide, by their names and by their shapes. Private.

The file has one function for each of two questions:

- `find_secrets`: Which texts of a config does a mask hide? In
  `{exporters: {otlp: {headers: {X-Api-Key: abc}}}}`, it is `abc`. Masks hide these texts in logs and results.
- `is_secret`: May a message show this value? A rule asks before it quotes the value that it is about.

The rule on clear text asks secret_kinds.py which kind of secret a value is. All of them ask the files below, so that
what is a secret for one of them is a secret for the others:

| file | its question |
|---|---|
| suspects.py | Which few values of a config may be secrets at all? |
| named_secrets.py | By which name around a value is the value a secret? |
| secret_paths.py | Does a path lead to a secret, such as `("auth", "tokens", 0)`? |
| named_values.py | Which name do users give a value, such as that of a header? |
| secret_names.py | Is a name that of a secret, such as `token`? |
| secret_shapes.py | Which parts of a text have the shape of a secret, such as a private key? |
| literal_values.py | Is a value itself, or does it stand for another one, as `${env:TOKEN}` and `CHANGEME` do? |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .literal_values import default_in_reference, is_literal, is_scheme, strip_scheme
from .named_secrets import find_secret_name
from .named_values import attribute_name_at, header_name_at, may_be_login
from .paths import Path, iter_leaves
from .secret_names import is_secret_attribute, is_secret_header
from .secret_paths import holds_user_passwords, is_masked_path
from .secret_shapes import find_secrets_in_text
from .suspects import Suspect, find_suspects


def find_secrets(config: Any, known_suspects: Iterable[Suspect] | None = None) -> set[str]:
    """Return every text of a config that is a secret in clear text, to be masked elsewhere.

    `known_suspects` are the suspects of the config if the caller has found them already; None searches for them.
    """
    candidates: set[str] = set()
    suspects = find_suspects(iter_leaves(config)) if known_suspects is None else known_suspects
    for suspect in suspects:
        if isinstance(suspect.value, (str, int)):
            candidates.update(_list_named_secrets(config, suspect))
            candidates.update(_list_shaped_secrets(suspect))
    # An empty text, a reference and a word such as `Bearer` are no secrets: a mask would hide them everywhere.
    return {text for text in candidates if is_literal(text) and not is_scheme(text)}


def _list_named_secrets(config: Any, suspect: Suspect) -> Iterator[str]:
    """Yield the texts of a suspect that are secrets by the name that it has in the config; some may be empty.

    A header whose name no table has may be a login too, if its value looks random, see `may_be_login`.
    """
    path, text = suspect.path, suspect.text
    if find_secret_name(config, path, text):
        yield from _split_secret(path, text)
        return
    header = header_name_at(config, path)
    default_text = default_in_reference(text)
    if header and may_be_login(path, header, default_text or text):
        yield text
        yield default_text


def _list_shaped_secrets(suspect: Suspect) -> Iterator[str]:
    """Yield the parts of a suspect that are secrets by their shape, whatever its name is."""
    for secret in suspect.secrets:
        yield suspect.text[secret.start : secret.end]


def _split_secret(path: Path, text: str) -> Iterator[str]:
    """Yield a secret and the parts of it that others may show alone; some may be empty.

    | text | parts |
    |---|---|
    | `Bearer abc` | its words: `Bearer`, `abc` |
    | `Bearer ${env:TOKEN:-abc}` | the default of a reference: `abc` |
    | `ann:abc` at `htpasswd.inline` | the passwords of users: `abc` |
    """
    yield text
    yield from text.split()
    yield default_in_reference(strip_scheme(text))
    if holds_user_passwords(path):
        for line in text.splitlines():
            _user, _colon, password = line.partition(":")
            yield password


def is_secret(path: Path, text: str, config: Any = None) -> bool:
    """Whether a value is a secret, or has one inside: then no message shows any part of it.

    References and placeholders count as the secrets that they stand for. Without the config, only the path and the text
    decide: `headers.NAME`, but not `headers[0].value`, whose name stands beside it.
    """
    if is_secret_header(header_name_at(config, path)) or is_secret_attribute(attribute_name_at(config, path), text):
        return True
    return is_masked_path(path) or any(find_secrets_in_text(text))
