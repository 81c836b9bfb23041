# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a config, and of Kubernetes objects with configs in them: by their names and by their shapes. Private.

The rules and every mask ask here, so that what one of them takes for a secret is one for all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .literal_values import default_of, is_literal, is_scheme, scalar_text, without_scheme
from .paths import Path, at, leaves
from .secret_names import (
    attribute_at,
    header_at,
    holds_users,
    is_secret_attribute,
    is_secret_header,
    is_secret_key,
    is_secret_name,
    is_setting_of_pairs,
    may_hold_secret,
    may_log_in,
    names_secret,
    names_secret_object,
    only_names_place,
    setting_name,
)
from .secret_shapes import ATTRIBUTE, RANDOM, Secret, is_short, may_be_remembered, secrets_of

# What stands before the kind of a secret that is the default of a variable.
DEFAULT = "the default of "
# A line of htpasswd with a hash in place of the password.
_HASHED = re.compile(r"[^:\s]*:(\$|\{)")


class Suspect(NamedTuple):
    """A scalar that may hold a secret: by the name of its setting, or by the shapes of what is in its text."""

    path: Path
    value: Any
    text: str
    shapes: tuple[Secret, ...]


class _Suspicion(NamedTuple):
    """A scalar as text, and the shapes of secrets in it."""

    text: str
    shapes: tuple[Secret, ...]


def suspects_among(scalars: Iterable[tuple[Path, Any]]) -> Iterator[Suspect]:
    """Yield the few leaves of a config that may hold a secret; who looks for secrets need not look at the others."""
    for path, value in scalars:
        if not path or isinstance(value, bool) or not isinstance(value, (str, int, float)):
            continue
        if isinstance(value, str) and not may_be_remembered(value):
            suspicion = _suspicion(path[-2:], value)
        else:
            suspicion = _remembered_suspicion(path[-2:], value)
        if suspicion:
            yield Suspect(path, value, *suspicion)


def _suspicion(end: Path, value: Any) -> _Suspicion | None:
    """Return the suspicion about a scalar, if there may be a secret in it or at the end of its path."""
    text = scalar_text(value)
    shapes: tuple[Secret, ...] = ()
    if not is_short(text):
        shapes = tuple(secrets_of(text, pairs=is_setting_of_pairs(end[-1])))
    if shapes or may_hold_secret(end):
        return _Suspicion(text, shapes)
    return None


_remembered_suspicion = lru_cache(maxsize=8192, typed=True)(_suspicion)  # configs repeat most short texts


def secret_at(config: Any, path: Path, value: str) -> str:
    """Return the kind of secret of a value; an empty string if it is no secret or comes from a variable."""
    for suspect in suspects_among([(path, value)]):
        return what_is(config, suspect)
    return ""


def what_is(config: Any, suspect: Suspect) -> str:
    """Return the kind of secret that a suspect is; an empty string if it is none or comes from a variable."""
    kinds = [secret.what for secret in suspect.shapes]
    for kind in kinds:
        if kind != RANDOM:
            return kind
    kind_by_name = ""
    if may_hold_secret(suspect.path[-2:]):
        kind_by_name = _kind_by_name(config, suspect.path, suspect.text)
    if kind_by_name:
        return kind_by_name
    return RANDOM if kinds else ""


def _kind_by_name(config: Any, path: Path, value: str) -> str:
    """Return the kind of secret of a value by the names around it; empty if it is none or comes from a variable."""
    if holds_users(path):
        has_password = any(_has_clear_password(line) for line in value.splitlines())
        return "a password" if has_password else ""
    what = _shown_name(config, path, value)
    if not what:
        return ""
    plain = without_scheme(value)
    if default_of(plain):
        return f"{DEFAULT}{what}"
    return what if is_literal(plain) else ""


def _has_clear_password(line: str) -> bool:
    """Whether a line of htpasswd has a password that is not hashed."""
    return ":" in line and not _HASHED.match(line) and is_literal(line)


def _shown_name(config: Any, path: Path, value: str) -> str:
    """Return in words the header, attribute or setting that a value is; empty if others than secrets are named so."""
    header = header_at(config, path)
    if header:
        return f"header {header.lower()}" if is_secret_header(header) else ""
    attribute = attribute_at(config, path)
    if attribute:
        return f"{ATTRIBUTE}{attribute}" if is_secret_attribute(attribute, value) else ""
    if names_secret_object(config, path) or only_names_place(path[-1], value):
        return ""
    return f"`{setting_name(path)}`" if is_secret_key(path) else ""


def is_secret(path: Path, text: str) -> bool:
    """Whether a value is a secret, or has one inside: then no part of it is shown."""
    if is_secret_header(header_at(None, path)) or names_secret(path):
        return True
    return any(True for _secret in secrets_of(text))


def secrets_in(config: Any, known: Iterable[Suspect] | None = None) -> set[str]:
    """Return every value of a config that is a secret in clear text; `known` are its suspects, if somebody has them."""
    candidates: set[str] = set()
    suspects = suspects_among(leaves(config)) if known is None else known
    for suspect in suspects:
        if isinstance(suspect.value, (str, int)):
            candidates.update(_secret_texts(config, suspect))
    return {text for text in candidates if is_literal(text) and not is_scheme(text)}


def _secret_texts(config: Any, suspect: Suspect) -> Iterator[str]:
    """Yield what of a suspect may be a secret: by its name, as a login that it may be, and by its shapes."""
    path, text = suspect.path, suspect.text
    if _is_secret_by_name(config, path, text):
        yield from _secret_parts(path, text)
    elif header := header_at(config, path):
        default = default_of(text)
        if may_log_in(path, header, default or text):
            yield text
            yield default
    for secret in suspect.shapes:
        yield text[secret.start : secret.end]


def _is_secret_by_name(config: Any, path: Path, text: str) -> bool:
    """Whether a value is a secret by the name of its header, attribute or setting."""
    header = header_at(config, path)
    if header:
        return is_secret_header(header)
    attribute = attribute_at(config, path)
    if attribute:
        return is_secret_attribute(attribute, text)
    if names_secret_object(config, path) or only_names_place(path[-1], text):
        return False
    return names_secret(path)


def _secret_parts(path: Path, text: str) -> Iterator[str]:
    """Yield a secret and the parts of it that others may show alone: words, a default, passwords of users."""
    yield text
    yield from text.split()
    yield default_of(without_scheme(text))
    if holds_users(path):
        for line in text.splitlines():
            _user, _colon, password = line.partition(":")
            yield password


def secrets_in_objects(objects: Any, parse: Callable[[str], Any] = lambda _text: None) -> Iterator[str]:
    """Yield the secrets of Kubernetes objects: by name, as the value of a variable, and inside of texts.

    `parse` reads the YAML of the configs in ConfigMaps and custom resources, and returns None for other text.
    """
    yield from secrets_in(objects)
    for path, value in leaves(objects):
        if not isinstance(value, str) or not path:
            continue
        variable = str(at(objects, (*path[:-1], "name"))) if path[-1] == "value" else ""
        has_secret_name = is_secret_name(variable) or _follows_secret_flag(objects, path)
        if has_secret_name and is_literal(value):
            yield value
        if _may_be_config(path, value):
            yield from secrets_in(parse(value))
        for secret in secrets_of(value, pairs=_may_have_pairs(path, variable, value)):
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
    flag = at(objects, (*path[:-1], path[-1] - 1))
    return isinstance(flag, str) and flag.startswith("-") and is_secret_name(flag.lstrip("-"))
