# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a config, by their names and by their shapes: for the rule on clear text, and for every mask. Private.

The rule and the masks ask the same functions, so that what one of them takes for a secret is one for all:

- Rules ask which kind of secret a value is, in words (`secret_kind_of`). In `{exporters: {otlp: {headers: {X-Api-Key:
  abc}}}}`, the value `abc` has the kind `header x-api-key`.
- Masks ask for the texts to hide (`find_secrets`): `{"abc"}` for the same config.

A value is a secret by its name or by its shape. `_find_secret_name` has the names: a header, an attribute or a setting.
secret_shapes.py has the shapes, such as a private key. A value is no secret if it stands for another one
(literal_values.py): a reference such as `${env:TOKEN}`, or a placeholder such as `CHANGEME`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .literal_values import default_in_reference, is_literal, is_scheme, scalar_text, strip_scheme
from .paths import Path, iter_leaves
from .secret_names import (
    attribute_name_at,
    header_name_at,
    holds_user_passwords,
    is_secret_attribute,
    is_secret_header,
    is_secret_key,
    is_secret_path,
    is_setting_of_pairs,
    may_be_login,
    may_hold_secret,
    names_credential_source,
    names_kubernetes_secret,
    setting_name,
)
from .secret_shapes import ATTRIBUTE_PREFIX, RANDOM_TEXT, Secret, find_secrets_in_text, is_cacheable, is_too_short

# Begins the kind of a secret that is the default in a reference: `token: ${env:TOKEN:-s3cr3t}` has the kind
# "the default of `token`".
DEFAULT_PREFIX = "the default of "
# A line of htpasswd with a hash or a reference in place of the password: `user:$2y$10$…`, `user:{SHA}…`.
_HASHED_PASSWORD = re.compile(r"[^:\s]*:(\$|\{)")


class Suspect(NamedTuple):
    """A scalar that may hold a secret: by the name of its setting, or by the shapes of what is in its text."""

    path: Path
    value: Any
    text: str
    """The value as text: `42` for the number 42."""
    secrets: tuple[Secret, ...]
    """What in the text has the shape of a secret; empty if only the name is suspicious."""


def find_suspects(scalars: Iterable[tuple[Path, Any]]) -> Iterator[Suspect]:
    """Yield the few leaves of a config that may hold a secret, so that nobody has to look at the others.

    `scalars` are pairs of path and value, as `iter_leaves` yields them. The answer depends on the value and the last
    two keys of the path alone, so it is cached for short texts.
    """
    for path, value in scalars:
        if not path or isinstance(value, bool) or not isinstance(value, (str, int, float)):
            continue
        if isinstance(value, str) and not is_cacheable(value):
            suspicion = _judge_scalar(path[-2:], value)
        else:
            suspicion = _judge_scalar_cached(path[-2:], value)
        if suspicion:
            yield Suspect(path, value, suspicion.text, suspicion.secrets)


class _Suspicion(NamedTuple):
    """A scalar as text, and the shapes of secrets in it. It is that of a `Suspect`, wherever the scalar stands."""

    text: str
    secrets: tuple[Secret, ...]


def _judge_scalar(path_end: Path, value: Any) -> _Suspicion | None:
    """Return the suspicion about a scalar; None if neither its text nor the end of its path points at a secret."""
    text = scalar_text(value)
    shapes: tuple[Secret, ...] = ()
    if not is_too_short(text):
        shapes = tuple(find_secrets_in_text(text, with_pairs=is_setting_of_pairs(path_end[-1])))
    if shapes or may_hold_secret(path_end):
        return _Suspicion(text, shapes)
    return None


_judge_scalar_cached = lru_cache(maxsize=8192, typed=True)(_judge_scalar)  # configs repeat most short texts


# ── The name that makes a value a secret ──


class _SecretName(NamedTuple):
    """The name by which a value is a secret."""

    description: str
    """The kind of the secret, in words: `header x-api-key`, `attribute password`, or `` `token` `` for a setting."""
    counts_for_rules: bool = True
    """False for what only masks hide as a whole: rules judge the parts of it, by their shapes and lines."""


def _find_secret_name(config: Any, path: Path, text: str) -> _SecretName | None:
    """Return the name by which a value is a secret; None if no name around it says so.

    The first row that fits decides alone:

    | what the value has | example | is it a secret? |
    |---|---|---|
    | the name of a header | `headers: {X-Api-Key: abc}` | if the header is one, see `is_secret_header` |
    | the name of an attribute | `{key: password, value: abcd}` | if the attribute is one, see `is_secret_attribute` |
    | the name of a Kubernetes Secret | `env: {TOKEN: {secret: NAME, key: KEY}}` | no, it only points at one |
    | where credentials are | `credentials: /var/aws` | no, it only points at them |
    | the key of a setting | `token: abc`, `tokens: [abc]` | if the key is one, see `is_secret_key` |
    | a data source, or users | `dsn: user:abc@tcp(db)`, `htpasswd: {inline: "ann:abc"}` | for masks alone |
    """
    header = header_name_at(config, path)
    if header:
        return _SecretName(f"header {header.lower()}") if is_secret_header(header) else None
    attribute = attribute_name_at(config, path)
    if attribute:
        return _SecretName(f"{ATTRIBUTE_PREFIX}{attribute}") if is_secret_attribute(attribute, text) else None
    if names_kubernetes_secret(config, path) or names_credential_source(path[-1], text):
        return None
    setting = f"`{setting_name(path)}`"
    if is_secret_key(path):
        return _SecretName(setting)
    return _SecretName(setting, counts_for_rules=False) if is_secret_path(path) else None


# ── For rules: the kind of a secret ──


def secret_kind_at(config: Any, path: Path, value: str) -> str:
    """Return the kind of secret of a value; an empty string if it is no secret or comes from a variable."""
    for suspect in find_suspects([(path, value)]):
        return secret_kind_of(config, suspect)
    return ""


def secret_kind_of(config: Any, suspect: Suspect) -> str:
    """Return the kind of secret that a suspect is; an empty string if it is none or comes from a variable.

    A known shape goes first, such as a private key; then the name; then a text that only looks random.
    """
    shape_kinds = [secret.description for secret in suspect.secrets]
    for kind in shape_kinds:
        if kind != RANDOM_TEXT:
            return kind
    kind_by_name = ""
    if may_hold_secret(suspect.path[-2:]):
        kind_by_name = _find_kind_by_name(config, suspect.path, suspect.text)
    if kind_by_name:
        return kind_by_name
    return RANDOM_TEXT if shape_kinds else ""


def _find_kind_by_name(config: Any, path: Path, text: str) -> str:
    """Return the kind of secret of a value by the names around it; empty if it is none or comes from a variable."""
    if holds_user_passwords(path):
        has_password = any(_has_clear_password(line) for line in text.splitlines())
        return "a password" if has_password else ""
    secret_name = _find_secret_name(config, path, text)
    if secret_name is None or not secret_name.counts_for_rules:
        return ""
    bare_text = strip_scheme(text)
    if default_in_reference(bare_text):
        return f"{DEFAULT_PREFIX}{secret_name.description}"
    return secret_name.description if is_literal(bare_text) else ""


def _has_clear_password(line: str) -> bool:
    """Whether a line of htpasswd has a password that is not hashed."""
    return ":" in line and not _HASHED_PASSWORD.match(line) and is_literal(line)


def is_secret(path: Path, text: str, config: Any = None) -> bool:
    """Whether a value is a secret, or has one inside: then no message shows any part of it.

    Without the config, only the path and the text decide: `headers.NAME`, but not `headers[0].value`, whose name stands
    beside it.
    """
    if is_secret_header(header_name_at(config, path)) or is_secret_attribute(attribute_name_at(config, path), text):
        return True
    if is_secret_path(path):
        return True
    return any(True for _secret in find_secrets_in_text(text))


# ── For masks: the texts to hide ──


def find_secrets(config: Any, known_suspects: Iterable[Suspect] | None = None) -> set[str]:
    """Return every text of a config that is a secret in clear text, to be masked elsewhere.

    `known_suspects` are the suspects of the config if the caller has found them already; None searches for them.
    """
    candidates: set[str] = set()
    suspects = find_suspects(iter_leaves(config)) if known_suspects is None else known_suspects
    for suspect in suspects:
        if isinstance(suspect.value, (str, int)):
            candidates.update(_find_secret_texts(config, suspect))
    return {text for text in candidates if is_literal(text) and not is_scheme(text)}


def _find_secret_texts(config: Any, suspect: Suspect) -> Iterator[str]:
    """Yield the texts of a suspect that may be secrets: by its name, else as an unknown login, and by its shapes.

    An unknown login is the value of a header that no table names, but that looks random, see `may_be_login`. A text
    may be empty or a reference: `find_secrets` drops these.
    """
    path, text = suspect.path, suspect.text
    if _find_secret_name(config, path, text):
        yield from _split_secret(path, text)
    elif header := header_name_at(config, path):
        default_text = default_in_reference(text)
        if may_be_login(path, header, default_text or text):
            yield text
            yield default_text
    for secret in suspect.secrets:
        yield text[secret.start : secret.end]


def _split_secret(path: Path, text: str) -> Iterator[str]:
    """Yield a secret and the parts of it that others may show alone.

    These are its words (`Bearer abc` has `abc`), the default of a reference, and the passwords of users.
    """
    yield text
    yield from text.split()
    yield default_in_reference(strip_scheme(text))
    if holds_user_passwords(path):
        for line in text.splitlines():
            _user, _colon, password = line.partition(":")
            yield password
