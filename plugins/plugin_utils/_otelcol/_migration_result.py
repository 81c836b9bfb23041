# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task result of a migration: changes, manual changes, planned breaks and texts, without secrets of configs.

`_migrate.py` returns it for `pipeline_migrate` and `otelcoltool migrate`. An unsolved change is one that a person has
to make. A planned break is what a later version of the Collector will do otherwise with a config, see `PLANNED` of
rules/planned_breaks.py. Private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from ...module_utils._otelcol.config.config_secrets import find_secrets
from ...module_utils._otelcol.config.masking import make_masker
from ...module_utils._otelcol.config.paths import Position, format_path
from ...module_utils._otelcol.kube.keepers import describe_keeper
from ...module_utils._otelcol.migrate.data_edits import ConfigChange, Unsolved
from ...module_utils._otelcol.rules.planned_breaks import PLANNED
from . import _builds, _input_model
from ._testing import comparing
from ._testing.compared_setups import ConfigPair
from ._testing.result_rows import ComparedConfigRow

Mask = Callable[[str], str]
"""Returns a text without secrets."""


class ConfigChangeRow(TypedDict):
    """A change of a config, or a change that a person has to make: where, what, and why."""

    file: str
    """The file that has the config; '' for one that the user gave as a value."""
    line: int
    config: str
    """The config as findings name it, such as `all.yml (ConfigMap gateway)`, since a file may have several."""
    path: str
    """The place in the config, such as `exporters.logging`; '' for a file that could not be read."""
    what: str
    why: str


class PlannedRow(TypedDict):
    """A planned version of the Collector that breaks configs: which, and how many each owner in the cluster has."""

    version: str
    what: str
    configs: list[str]
    owners: dict[str, int]


class DifferenceRow(TypedDict):
    """A changed text, in the form in which Ansible shows differences."""

    before: str
    after: str
    before_header: str
    after_header: str


class MigrationResult(TypedDict):
    """The task result. `config` is the migrated config, if the user gave it as a value and not in files.

    `compared` is there if the option `compare` is given.
    """

    changed: bool
    changes: list[ConfigChangeRow]
    unsolved: list[ConfigChangeRow]
    planned: list[PlannedRow]
    skipped_files: list[str]
    diff: list[DifferenceRow]
    compared: NotRequired[list[ComparedConfigRow]]
    config: NotRequired[Any]


@dataclass(frozen=True)
class MigratedConfig:
    """A config before and after its migration, with the changes in it and those that a person has to make."""

    pair: ConfigPair
    changes: list[ConfigChangeRow]
    unsolved_changes: list[ConfigChangeRow]


@dataclass
class MigratedText:
    """A text before and after its migration, with the changes in it and those that a person has to make."""

    name: str
    text_before: str
    text_after: str
    changes: list[ConfigChangeRow] = field(default_factory=list)
    unsolved_changes: list[ConfigChangeRow] = field(default_factory=list)
    config_pairs: list[ConfigPair] = field(default_factory=list)

    def add(self, migrated_config: MigratedConfig) -> None:
        """Add a config of this text. They are added in their order in the text."""
        self.config_pairs.append(migrated_config.pair)
        self.changes += migrated_config.changes
        self.unsolved_changes += migrated_config.unsolved_changes


def build_migration_result(
    migrated_texts: Sequence[MigratedText], collected: _input_model.Collected, compare_options: Mapping[str, Any] | None
) -> MigrationResult:
    """Return the result of a migration. With `compare_options`, configs run before and after it, and are compared."""
    mask = make_masker(secret for item in collected.inputs for secret in find_secrets(item.config))
    changes: list[ConfigChangeRow] = []
    differences: list[DifferenceRow] = []
    for migrated_text in migrated_texts:
        changes += [_mask_row(row, mask) for row in migrated_text.changes]
        if migrated_text.text_after != migrated_text.text_before:
            differences.append(_describe_difference(migrated_text, mask))
    # Two parts are not masked here. `skipped_files` has paths that the user gave, of files without a config.
    # `_compare_behaviour` masks its rows itself, with the secrets of the configs before and after the migration.
    result: MigrationResult = {
        "changed": bool(changes),
        "changes": changes,
        "unsolved": [_mask_row(row, mask) for row in _list_unsolved(migrated_texts, collected)],
        "planned": list(_list_planned_breaks(collected, mask)),
        "skipped_files": collected.skipped_files,
        "diff": differences,
    }
    if compare_options is not None:
        result["compared"] = _compare_behaviour(migrated_texts, collected, compare_options)
    return result


def build_change_row(config_input: _input_model.Input, result: ConfigChange | Unsolved, file: str) -> ConfigChangeRow:
    """Return the row of a change, or of a change that a person has to make, in a file; '' is no file."""
    position = config_input.locate(result.path) if result.path else Position(file)
    return {
        "file": file,
        "line": position.line,
        "config": config_input.name,
        "path": format_path(result.path),
        "what": result.description,
        "why": result.reason,
    }


def _mask_row(row: ConfigChangeRow, mask: Mask) -> ConfigChangeRow:
    """Return a row without secrets. Any of its texts may quote the config: a path, too, has the user's own keys."""
    return {
        "file": mask(row["file"]),
        "line": row["line"],
        "config": mask(row["config"]),
        "path": mask(row["path"]),
        "what": mask(row["what"]),
        "why": mask(row["why"]),
    }


def _describe_difference(migrated_text: MigratedText, mask: Mask) -> DifferenceRow:
    """Return the whole text before and after its migration, for `--diff`."""
    return {
        "before": mask(migrated_text.text_before),
        "after": mask(migrated_text.text_after),
        "before_header": mask(migrated_text.name),
        "after_header": mask(migrated_text.name),
    }


def _list_unsolved(migrated_texts: Sequence[MigratedText], collected: _input_model.Collected) -> list[ConfigChangeRow]:
    """Return the changes that a person has to make, then a row for each file that could not be read."""
    rows: list[ConfigChangeRow] = []
    for migrated_text in migrated_texts:
        rows += migrated_text.unsolved_changes
    rows += [_build_unread_row(fault.position, fault.wrong, fault.fix) for fault in collected.invalid_yaml]
    rows += [_build_unread_row(fault.position, fault.message, fault.fix) for fault in collected.internal_faults]
    return rows


def _build_unread_row(position: Position, fault: str, fix: str) -> ConfigChangeRow:
    """Return the row of a file that could not be read. No config in it is known, so the file is named in its place."""
    return {
        "file": position.file,
        "line": position.line,
        "config": position.file,
        "path": "",
        "what": fault,
        "why": fix,
    }


def _list_planned_breaks(collected: _input_model.Collected, mask: Mask) -> Iterator[PlannedRow]:
    """Yield each planned version of the Collector that breaks some of the configs."""
    for planned in PLANNED:
        broken_inputs = [
            config_input
            for config_input in collected.inputs
            if planned.is_config_affected(config_input.config, _builds.load_catalogue())
        ]
        if not broken_inputs:
            continue
        owners = Counter(mask(describe_keeper(config_input.found_config.owner)) for config_input in broken_inputs)
        yield {
            "version": planned.version,
            "what": planned.consequence,
            "configs": [mask(config_input.name) for config_input in broken_inputs],
            "owners": dict(owners.most_common()),
        }


def _compare_behaviour(
    migrated_texts: Sequence[MigratedText], collected: _input_model.Collected, compare_options: Mapping[str, Any]
) -> list[ComparedConfigRow]:
    """Return a row for each changed config with what it does otherwise, and one for each file that is not readable."""
    has_other_collector = bool(compare_options.get("before"))  # another Collector may do otherwise with the same config
    pairs: list[ConfigPair] = []
    for migrated_text in migrated_texts:
        for pair in migrated_text.config_pairs:
            if has_other_collector or pair.config_before != pair.config_after:
                pairs.append(pair)
    rows = comparing.compare_configs(pairs, compare_options)
    for file in collected.faulty_files:
        rows.append({"config": file, **comparing.build_comparison_row(why="it could not be read")})
    return rows
