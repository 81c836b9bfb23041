# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets in the configuration of an EKS add-on, to mask or to list. Private.

The configuration is a tree of mappings and lists, whose schema the add-on chooses. A value is a secret by its place or
by its look. For example, with `s3cret` as the one secret:

    configuration    {"env": [{"name": "DD_API_KEY", "value": "s3cret"}], "replicas": 2}
    masked           {"env": [{"name": "DD_API_KEY", "value": "***1a2b3c4d"}], "replicas": 2}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.config_secrets import is_secret
from ..._otelcol.config.masking import make_salted_replacer
from ..._otelcol.config.paths import Path


class _Child(NamedTuple):
    """A value in a mapping or a list."""

    key: Any
    """Its key or its index."""
    value: Any
    meant_path: Path
    """Where it stands, with what each key stands for, such as `("env", 0, "DD_API_KEY")` in the example."""


def mask_secrets(tree: Any, salt: str) -> Any:
    """Return a tree with its secrets masked; equal secrets look equal. The salt keeps short ones from being guessed."""
    return _mask(tree, (), make_salted_replacer(salt))


def _mask(value: Any, meant_path: Path, hide: Callable[[str], str]) -> Any:
    """Return a value with the secrets in it as `hide` returns them."""
    if isinstance(value, (dict, list)):
        masked = {child.key: _mask(child.value, child.meant_path, hide) for child in _iter_children(value, meant_path)}
        return masked if isinstance(value, dict) else list(masked.values())
    return hide(str(value)) if _is_secret_value(value, meant_path) else value


def find_secrets(value: Any, meant_path: Path = ()) -> Iterator[str]:
    """Yield the secrets of a tree: the values that `mask_secrets` masks."""
    if isinstance(value, (dict, list)):
        for child in _iter_children(value, meant_path):
            yield from find_secrets(child.value, child.meant_path)
    elif _is_secret_value(value, meant_path):
        yield str(value)


def _iter_children(parent: dict[Any, Any] | list[Any], meant_path: Path) -> Iterator[_Child]:
    """Yield the values in a mapping or a list, which itself is at `meant_path`."""
    if isinstance(parent, dict):
        for key, value in parent.items():
            yield _Child(key, value, (*meant_path, _meant_key(parent, key)))
    else:
        for index, value in enumerate(parent):
            yield _Child(index, value, (*meant_path, index))


def _meant_key(entry: Mapping[Any, Any], key: Any) -> str:
    """Return what a key stands for: an entry of `env` of Kubernetes says it in `name`.

    For example, `value` of `{"name": "API_TOKEN", "value": "a1"}` stands for API_TOKEN, which is the name of a secret.
    """
    if key == "value" and isinstance(entry.get("name"), str):
        return str(entry["name"])
    return str(key)


def _is_secret_value(value: Any, meant_path: Path) -> bool:
    """Return whether a value is a secret by its place or its look; an empty text and a truth value hide nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return False
    return is_secret(meant_path, str(value))
