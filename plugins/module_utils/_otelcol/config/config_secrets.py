# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a config, and of Kubernetes objects with configs in them: by their names and by their shapes. Private.

The rules and every mask ask here, so that what one of them takes for a secret is one for all. Rules ask for the kind of
one secret, in words (`secret_kind_of`); masks ask for the texts to hide (`find_secrets`). A kind is such as `header
x-api-key`, `attribute password`, `` `token` `` for a setting, or `a password in a URL` for a shape. A suspect is a
scalar that may hold a secret. secret_names.py judges names, secret_shapes.py shapes, literal_values.py says which text
is a value itself and not a reference such as `${env:TOKEN}` or a placeholder such as `CHANGEME`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .literal_values import default_in_reference, is_literal, is_scheme, scalar_text, strip_scheme
from .paths import Path, iter_leaves, value_at
from .secret_names import (
    attribute_name_at,
    header_name_at,
    holds_user_passwords,
    is_secret_attribute,
    is_secret_header,
    is_secret_key,
    is_secret_name,
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


class _Suspicion(NamedTuple):
    """A scalar as text, and the shapes of secrets in it."""

    text: str
    secrets: tuple[Secret, ...]


def find_suspects(scalars: Iterable[tuple[Path, Any]]) -> Iterator[Suspect]:
    """Yield the few leaves of a config that may hold a secret, so that nobody has to look at the others.

    `scalars` are pairs of path and value, as `iter_leaves` yields them. The verdict depends on the value and the last
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
            yield Suspect(path, value, *suspicion)


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


def _find_kind_by_name(config: Any, path: Path, value: str) -> str:
    """Return the kind of secret of a value by the names around it; empty if it is none or comes from a variable."""
    if holds_user_passwords(path):
        has_password = any(_has_clear_password(line) for line in value.splitlines())
        return "a password" if has_password else ""
    shown_name = _describe_secret_name(config, path, value)
    if not shown_name:
        return ""
    bare_value = strip_scheme(value)
    if default_in_reference(bare_value):
        return f"{DEFAULT_PREFIX}{shown_name}"
    return shown_name if is_literal(bare_value) else ""


def _has_clear_password(line: str) -> bool:
    """Whether a line of htpasswd has a password that is not hashed."""
    return ":" in line and not _HASHED_PASSWORD.match(line) and is_literal(line)


def _describe_secret_name(config: Any, path: Path, value: str) -> str:
    """Return in words the header, attribute or setting that names a value as a secret; empty if no name does.

    The first of these decides alone: the name of a header, the name of an attribute, a name that only points at
    credentials (then the value is no secret), the key of the setting.
    Its twin for masks is `_is_secret_by_name`, which asks the same in the same order: change both together. They differ
    in the last step: masks ask `is_secret_path`, which also hides a data source (`dsn`) and a file of htpasswd as a
    whole. Rules judge these by their shapes and lines.
    """
    header = header_name_at(config, path)
    if header:
        return f"header {header.lower()}" if is_secret_header(header) else ""
    attribute = attribute_name_at(config, path)
    if attribute:
        return f"{ATTRIBUTE_PREFIX}{attribute}" if is_secret_attribute(attribute, value) else ""
    if names_kubernetes_secret(config, path) or names_credential_source(path[-1], value):
        return ""
    return f"`{setting_name(path)}`" if is_secret_key(path) else ""


def is_secret(path: Path, text: str) -> bool:
    """Whether a value is a secret, or has one inside: then no part of it is shown.

    The config is not known here, so only the path and the text decide: `headers.NAME`, but not `headers[0].value`.
    """
    if is_secret_header(header_name_at(None, path)) or is_secret_path(path):
        return True
    return any(True for _secret in find_secrets_in_text(text))


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
    if _is_secret_by_name(config, path, text):
        yield from _split_secret(path, text)
    elif header := header_name_at(config, path):
        default_text = default_in_reference(text)
        if may_be_login(path, header, default_text or text):
            yield text
            yield default_text
    for secret in suspect.secrets:
        yield text[secret.start : secret.end]


def _is_secret_by_name(config: Any, path: Path, text: str) -> bool:
    """Whether a mask hides a value by the name of its header, attribute or setting.

    The twin of `_describe_secret_name`, which says how both differ.
    """
    header = header_name_at(config, path)
    if header:
        return is_secret_header(header)
    attribute = attribute_name_at(config, path)
    if attribute:
        return is_secret_attribute(attribute, text)
    if names_kubernetes_secret(config, path) or names_credential_source(path[-1], text):
        return False
    return is_secret_path(path)


def _split_secret(path: Path, text: str) -> Iterator[str]:
    """Yield a secret and the parts of it that others may show alone: words, a default, passwords of users."""
    yield text
    yield from text.split()
    yield default_in_reference(strip_scheme(text))
    if holds_user_passwords(path):
        for line in text.splitlines():
            _user, _colon, password = line.partition(":")
            yield password


def find_secrets_in_objects(objects: Any, parse: Callable[[str], Any] = lambda _text: None) -> Iterator[str]:
    """Yield the secrets of Kubernetes objects: by name, as the value of a variable, and inside of texts.

    `objects` is a list of manifests, or any tree of them. `parse` reads the YAML of the configs in ConfigMaps and
    custom resources, and returns None for other text; by default no text is read so.
    """
    yield from find_secrets(objects)
    for path, value in iter_leaves(objects):
        if not isinstance(value, str) or not path:
            continue
        variable = str(value_at(objects, (*path[:-1], "name"))) if path[-1] == "value" else ""
        has_secret_name = is_secret_name(variable) or _follows_secret_flag(objects, path)
        if has_secret_name and is_literal(value):
            yield value
        if _may_be_config(path, value):
            yield from find_secrets(parse(value))
        for secret in find_secrets_in_text(value, with_pairs=_may_have_pairs(path, variable, value)):
            yield value[secret.start : secret.end]


def _may_be_config(path: Path, text: str) -> bool:
    """Whether a text of an object may be a config: several lines of a ConfigMap or a custom resource."""
    return "\n" in text and (path[-2:-1] == ("data",) or path[-1] == "config")


def _may_have_pairs(path: Path, variable: str, value: str) -> bool:
    """Whether a text of an object may hold `NAME=VALUE`: several lines, flags, data sources and annotations may."""
    if "\n" in value or value.startswith("--"):
        return True
    return is_setting_of_pairs(variable) or path[-2:-1] == ("annotations",)


def _follows_secret_flag(objects: Any, path: Path) -> bool:
    """Whether a value is the argument after one such as `--token`."""
    if not isinstance(path[-1], int) or path[-1] == 0:
        return False
    flag = value_at(objects, (*path[:-1], path[-1] - 1))
    return isinstance(flag, str) and flag.startswith("-") and is_secret_name(flag.lstrip("-"))
