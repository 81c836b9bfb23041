# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of Kubernetes objects: in the configs, variables, arguments and annotations that they hold. Private.

Masks of results, diffs and kubeconfigs ask here, as config_secrets.py answers for a config alone. For a Deployment with
`env: [{name: API_TOKEN, value: abc}]` and the argument `--password=xyz`, the secrets are `abc` and `xyz`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .config_secrets import find_secrets
from .literal_values import is_literal
from .paths import Path, iter_leaves, value_at
from .secret_names import is_secret_name, is_setting_of_pairs
from .secret_shapes import find_secrets_in_text


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
