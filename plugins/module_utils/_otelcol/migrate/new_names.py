# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Component types that have another name in the target version: `otlphttp` and `otlp_http`. Private.

The public functions are steps of a migration, see steps.py. The target is the build to which configs are moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.collector_versions import parse_version
from ..config.paths import Path, mapping_at
from ..rules.build_facts import TargetBuild
from .component_mentions import ComponentKey, change_type, list_components, list_renaming_edits, type_of
from .data_edits import ConfigChange, RenameKey, Unsolved

# The receiver that starts other receivers, and its key with the templates of these.
_CREATOR_TYPE, _TEMPLATES_KEY = "receiver_creator", "receivers"


def rename_components(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield every component whose type has another name in the target version."""
    new_ids: dict[ComponentKey, str] = {}
    for section_name, component_id, _settings in list_components(config):
        new_id = _find_new_id(section_name, component_id, target)
        if new_id == component_id:
            continue
        if new_id in mapping_at(config, section_name):
            yield _refuse_taken_name((section_name, component_id), new_id)
        else:
            new_ids[section_name, component_id] = new_id
    for component, edits in list_renaming_edits(config, target.catalogue, new_ids).items():
        section_name, old_id = component
        why = _explain_rename(section_name, type_of(old_id), target)
        yield ConfigChange(component, f"{old_id} → {new_ids[component]}", why, tuple(edits))


def rename_templates(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield every template of a receiver_creator whose type has another name in the target version."""
    for creator_id, settings in mapping_at(config, "receivers").items():
        if type_of(creator_id) != _CREATOR_TYPE:
            continue
        templates = mapping_at(settings, _TEMPLATES_KEY)
        for old_id in templates:
            new_id = _find_new_id("receivers", str(old_id), target)
            if new_id == old_id:
                continue
            path: Path = ("receivers", creator_id, _TEMPLATES_KEY, old_id)
            if new_id in templates:
                yield _refuse_taken_name(path, new_id)
            else:
                why = _explain_rename("receivers", type_of(old_id), target)
                yield ConfigChange(path, f"{old_id} → {new_id}", why, (RenameKey(path, new_id),))


def _refuse_taken_name(path: Path, new_id: str) -> Unsolved:
    """Return that the component at a path keeps its old name, because another one has the new name."""
    return Unsolved(path, f"'{path[-1]}' is called '{new_id}' now", f"'{new_id}' is there already.")


def _find_new_id(section_name: str, component_id: str, target: TargetBuild) -> str:
    """Return the id of a component with the name that the target has for its type."""
    new_type = target.catalogue.choose_name(section_name, type_of(component_id), target.version)
    return change_type(component_id, new_type)


def _explain_rename(section_name: str, component_type: str, target: TargetBuild) -> str:
    """Return why a type is renamed: the target is newer than the rename, or older than the new name."""
    rename = target.catalogue.find_rename(section_name, component_type)
    if rename is None:
        return ""
    if parse_version(target.version) < parse_version(rename.since_version):
        return f"The name {rename.new_name} came with {rename.since_version}; {target.version} does not know it."
    return f"Renamed in {rename.since_version}."
