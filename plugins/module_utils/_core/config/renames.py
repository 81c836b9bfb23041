# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Component names by version: the output says what the target version understands. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .paths import ROLES, Config, section

Version = tuple[int, ...]


@dataclass(frozen=True)
class Rename:
    """A type that got a new name. Versions from `since` take the new one, and the old one only when `alias` is set."""

    section: str
    old: str
    new: str
    since: str
    alias: bool


@lru_cache(maxsize=1024)
def parse_version(text: str) -> Version:
    """Return the numbers of a version such as `v0.158.0` or `0.158.0-rc1`; an empty one for text without any."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def for_version(config: Config, version: str, renames: Iterable[Rename]) -> dict[str, Any]:
    """Return the config with the old name of every component whose new one this version does not know."""
    target = parse_version(version)
    old = {(item.section, item.new): item.old for item in renames if target and target < parse_version(item.since)}
    if not old:
        return dict(config)
    result: dict[str, Any] = {key: _section(key, value, old) for key, value in config.items()}
    pipelines = {
        name: {role: [_in_pipeline(role, item, old) for item in ids or ()] for role, ids in (pipeline or {}).items()}
        for name, pipeline in section(config, "service", "pipelines").items()
    }
    if pipelines:
        result["service"] = {**result["service"], "pipelines": pipelines}
    return result


def _section(key: str, value: Any, old: Mapping[tuple[str, str], str]) -> Any:
    if not isinstance(value, dict) or key == "service":
        return value
    return {_renamed(key, component_id, old): settings for component_id, settings in value.items()}


def _in_pipeline(role: str, component_id: str, old: Mapping[tuple[str, str], str]) -> str:
    for name in ROLES.get(role, ()):
        renamed = _renamed(name, component_id, old)
        if renamed != component_id:
            return renamed
    return component_id


def _renamed(section_name: str, component_id: str, old: Mapping[tuple[str, str], str]) -> str:
    kind, slash, name = component_id.partition("/")
    return old.get((section_name, kind), kind) + slash + name
