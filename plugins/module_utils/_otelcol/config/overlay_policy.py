# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What layers after the baseline may touch in a config: sections, types of components, and paths.

A layer is judged as it is written, before it is merged: what it deletes, replaces or empties counts as touched.
The baseline are the files that the owner of the policy controls; an overlay is any other layer (layers.py). To touch a
path is to set, replace, delete or append to what is there. Private.

For example, the policy `{components: {processors: [batch]}, paths: [exporters.*.endpoint]}` allows any settings of
`batch` processors and the endpoint of each exporter. An overlay with `exporters: {otlp: {timeout: 9s}}` breaks it:

    team.yml touches exporters.otlp.timeout (at team.yml:3)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..errors import Problem, join_at_most
from .layers import APPEND_SIGN, Layer
from .paths import SECTIONS, Path, format_path

# What separates the parts of a path in the Collector's own library of configs: `a::b: 1` means `a: {b: 1}` there.
_SEPARATOR = "::"
_SHOWN_BREACHES = 5
_COMPONENT_PATH_LENGTH = 2  # how many names lead to a component


@dataclass(frozen=True)
class OverlayPolicy:
    """What overlays may touch. `path_patterns` are patterns, each the names that lead to what may be touched.

    A name of a pattern may have wildcards. One that ends with `+` allows to append to a list, and no more.
    """

    allowed_sections: tuple[str, ...]
    allowed_types: Mapping[str, Sequence[str]]
    path_patterns: tuple[tuple[str, ...], ...]

    @classmethod
    def from_option(cls, option: Mapping[str, Any]) -> OverlayPolicy:
        """Return the policy of an option. Raises Problem for sections that no config has."""
        components: dict[str, list[str]] = {}
        for name, types in (option.get("components") or {}).items():
            if str(name) not in SECTIONS:
                wrong = f"`overlay_policy.components` has {name}, which is no section of components"
                raise Problem(wrong, fix=f"Sections: {', '.join(SECTIONS)}.")
            components[str(name)] = [str(kind) for kind in types or ()]
        sections = tuple(str(name) for name in option.get("sections") or ())
        patterns = tuple(_parse_pattern(path) for path in option.get("paths") or ())
        return cls(sections, components, patterns)

    def may_touch(self, path: Path) -> bool:
        """Whether an overlay may touch this path, of which each name is as the overlay writes it."""
        # Patterns are compared name by name, so `exporters::otlp` could touch what no pattern shows.
        if any(_SEPARATOR in str(name) for name in path):
            return False
        if _strip_append_sign(path[0]) in self.allowed_sections or self._allows_component(path):
            return True
        return any(_is_at_or_below(pattern, path) for pattern in self.path_patterns)

    def _allows_component(self, path: Path) -> bool:
        """Whether the path is at or below a component of an allowed type. To append to a section is no such path."""
        if len(path) < _COMPONENT_PATH_LENGTH:
            return False
        kind = str(path[1]).partition("/")[0]
        return kind in self.allowed_types.get(str(path[0]), ())

    def __str__(self) -> str:
        """Return what is allowed, for people."""
        allowed = list(self.allowed_sections)
        for name, types in self.allowed_types.items():
            if types:
                allowed.append(f"{name} of type {', '.join(types)}")
        allowed += [format_path(path) for path in self.path_patterns]
        return "; ".join(allowed) or "nothing"


def _parse_pattern(pattern_option: Any) -> tuple[str, ...]:
    """Return a pattern as names. A list has names that contain a dot. Raises Problem for an empty name."""
    parts = pattern_option if isinstance(pattern_option, (list, tuple)) else str(pattern_option).split(".")
    names = tuple(str(part) for part in parts)
    if not all(names):
        raise Problem(
            f"`overlay_policy.paths` has '{pattern_option}', which has an empty name", fix="Write SECTION.NAME."
        )
    return names


def _strip_append_sign(name: Any) -> str:
    """Return a name without the sign that appends to a list."""
    return str(name).removesuffix(APPEND_SIGN)


def _is_at_or_below(pattern: Sequence[str], path: Path) -> bool:
    """Whether a path is that of the pattern, or below it."""
    if len(pattern) > len(path):
        return False
    return all(_matches_name(name_pattern, name) for name_pattern, name in zip(pattern, path, strict=False))


def _matches_name(pattern: str, name: Any) -> bool:
    """Whether a name matches; only a pattern that ends with the sign that appends takes the sign for a part of it."""
    compared_name = str(name) if pattern.endswith(APPEND_SIGN) else _strip_append_sign(name)
    return fnmatchcase(compared_name, pattern)


def list_touched_paths(config: Any, path: Path = ()) -> Iterator[Path]:
    """Yield each path that a layer sets, replaces, appends to or deletes; lists and empty mappings as a whole."""
    if not isinstance(config, Mapping) or not config:
        yield path
        return
    for name, value in config.items():
        yield from list_touched_paths(value, (*path, name))


def check_overlays(policy: OverlayPolicy, overlays: Iterable[Layer]) -> None:
    """Raise Problem if a layer touches what the policy does not allow, with its file and line."""
    breaches = []
    for layer in overlays:
        for path in list_touched_paths(layer.config):
            is_empty_layer = not path
            if not is_empty_layer and not policy.may_touch(path):
                position = layer.position(path) or layer.name
                breaches.append(f"{layer.name} touches {format_path(path)} (at {position})")
    if breaches:
        raise Problem(
            join_at_most(_SHOWN_BREACHES, breaches, between="; ", last="; "),
            asked="An overlay breaks `overlay_policy`",
            fix=f"Allowed: {policy}. Remove it from the overlay, or ask who owns the policy.",
        )
