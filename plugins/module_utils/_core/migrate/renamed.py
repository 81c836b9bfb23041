# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types that the target knows by another name. Private."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.paths import section
from ..config.renames import parse_version
from ..lint.view import Target
from .edits import Change, RenameKey, Unsolved
from .names import Id, components, renaming, type_of, with_type

# Receivers that hold templates of other receivers below this key.
_TEMPLATES = ("receiver_creator", "receivers")


def renamed(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield every component whose type has another name in the target version."""
    wanted: dict[Id, str] = {}
    for name, component_id, _settings in components(config):
        new = with_type(component_id, target.catalogue.name_for(name, type_of(component_id), target.version))
        if new == component_id:
            continue
        if new in section(config, name):
            yield Unsolved(
                (name, component_id), f"'{component_id}' is called '{new}' now", f"'{new}' is there already."
            )
        else:
            wanted[name, component_id] = new
    for (name, old), edits in renaming(config, target.catalogue, wanted).items():
        what = f"{old} → {wanted[name, old]}"
        yield Change((name, old), what, _why(name, type_of(old), target), tuple(edits))


def templates(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield the types of receivers that a receiver_creator starts, where the target has another name for them."""
    kind, key = _TEMPLATES
    for creator, settings in section(config, "receivers").items():
        for old in section(settings, key) if type_of(creator) == kind else ():
            new = with_type(str(old), target.catalogue.name_for("receivers", type_of(old), target.version))
            if new != old and new not in section(settings, key):
                path = ("receivers", creator, key, old)
                yield Change(path, f"{old} → {new}", _why("receivers", type_of(old), target), (RenameKey(path, new),))


def _why(name: str, kind: str, target: Target) -> str:
    rename = target.catalogue.rename(name, kind)
    if rename is None:
        return ""
    if parse_version(target.version) < parse_version(rename.since):
        return f"The name {rename.new} came with {rename.since}; {target.version} does not know it."
    return f"Renamed in {rename.since}."
