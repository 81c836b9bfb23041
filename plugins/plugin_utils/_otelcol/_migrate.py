# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves configs to another version or distribution of the Collector, in the files that hold them.

`pipeline_migrate` and `otelcoltool migrate` call `migrate`. It applies the steps of `migrate/steps.py` to each config.
A step returns changes, which are applied, and unsolved ones, which a person has to make (data_edits.py). `_rewrite.py`
applies changes to the text, so that comments and layout stay. An example: for contrib 0.158.0, a step replaces
`exporters: {logging: {}}` by `exporters: {debug: {}}`, and the result has the row ::

    {"file": "agent.yaml", "line": 7, "config": "agent.yaml", "path": "exporters.logging", "what": …, "why": …}

Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import format_path
from ...module_utils._otelcol.errors import Problem, clean_text
from ...module_utils._otelcol.migrate.data_edits import ConfigChange, Unsolved
from ...module_utils._otelcol.migrate.steps import STEPS, Step
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from ...module_utils._otelcol.rules.rules import RULES
from ...module_utils._otelcol.rules.subject import Subject
from . import _builds, _files, _images, _input_model, _inputs, _rewrite, _yaml
from ._build_request import BuildRequest
from ._migration_result import MigratedText, MigrationResult, build_change_row, build_migration_result
from ._testing.compared_setups import ConfigPair

_GATE_RULE = "feature-gate"  # a warning, because a gate may be set where the Collector is started
_REJECTING_RULES = tuple(rule for rule in RULES if rule.shared or rule.id == _GATE_RULE)


def migrate(
    arguments: Mapping[str, Any],
    check: bool,
    reading: _input_model.InputOptions = _input_model.DEFAULT_READING,
    warn: Callable[[str], None] = lambda _text: None,
) -> MigrationResult:
    """Return the changes as a task result, and write the migrated files, unless `check` is set.

    `arguments` are those of `pipeline_migrate`. `warn` gets a line for each file of a folder that was not read.
    Raises Problem if there is nothing to migrate, or no target build.
    """
    config, dest = arguments["config"], arguments["dest"]
    if (config is None) == (not arguments["paths"]):
        raise Problem("either `paths` or `config` is required", fix="Give one of them.")
    collected = _collect_configs(arguments, reading, warn)
    request = BuildRequest.from_arguments(arguments)
    if config is not None and not isinstance(config, str):
        return _migrate_data(collected, request, arguments.get("compare"))
    if dest and len(collected.text_by_name) != 1:
        raise Problem("`dest` supports only one config", fix="Give one file or one text, or omit `dest`.")
    _files.check_output_is_no_input(dest, _list_unmigrated_files(collected), "dest")
    migrated_texts = []
    for name, text in collected.text_by_name.items():
        with collected.guard_reading(f"migrating {name}", name):
            migrated_texts.append(migrate_text(text, name, collected, request))
    result = build_migration_result(migrated_texts, collected, arguments.get("compare"))
    are_changed: list[bool] = []
    if dest or config is None:
        are_changed = [_write_text(migrated_text, dest, check) for migrated_text in migrated_texts]
    if dest:
        result["changed"] = any(are_changed)
    if config is not None and not dest and migrated_texts:
        result["config"] = migrated_texts[0].text_after
    return result


def _collect_configs(
    arguments: Mapping[str, Any], reading: _input_model.InputOptions, warn: Callable[[str], None]
) -> _input_model.Collected:
    """Return the configs to migrate. Raises Problem for paths and texts that have none."""
    config = arguments["config"]
    collected = _inputs.collect_inputs(arguments["paths"], config, reading=reading)
    for warning in collected.list_warnings():
        warn(warning)
    if config is not None:
        _check_not_empty(config, collected, reading.variable_name)
    return collected


def _list_unmigrated_files(collected: _input_model.Collected) -> list[str]:
    """Return the files that were read and are not migrated."""
    return [name for name in (*collected.skipped_files, *collected.read_files) if name not in collected.text_by_name]


def _check_not_empty(config: Any, collected: _input_model.Collected, variable_name: str) -> None:
    """Raise Problem for a text without a document. A text with a config is not read again."""
    has_data = any(config_input.config is not None for config_input in collected.inputs)
    if isinstance(config, str) and not has_data and _is_empty(config):
        raise Problem(f"there is nothing in {variable_name}", fix="Give the text of a collector config.")


def _is_empty(text: str) -> bool:
    """Whether a text has no document. False for a text that is not YAML: whoever reads it reports that."""
    try:
        return not any(_yaml.load_all(text, _input_model.VARIABLE_NAME))
    except Problem:
        return False


def migrate_text(text: str, name: str, collected: _input_model.Collected, request: BuildRequest) -> MigratedText:
    """Return a text with migrated configs. The last config goes first, so that positions stay valid."""
    migrated_text = MigratedText(name, text, text)
    own_inputs = [config_input for config_input in collected.inputs if name in (config_input.file, config_input.name)]
    for config_input in reversed(own_inputs):
        editable = _rewrite.open_editable_config(migrated_text.text_after, name, config_input.found_config)
        target = choose_target(request, config_input)
        applied_changes, manual_changes = apply_steps(editable, target)
        migrated_text.text_after = editable.build_whole_text()
        migrated_text.config_pairs[:0] = [ConfigPair(config_input.name, config_input.config, editable.data, target)]
        migrated_text.changes[:0] = [build_change_row(config_input, change, name) for change in applied_changes]
        migrated_text.unsolved_changes[:0] = [
            build_change_row(config_input, manual_change, name) for manual_change in manual_changes
        ]
    return migrated_text


class AppliedSteps(NamedTuple):
    """The changes that were made in a config, and those that a person has to make."""

    changes: list[ConfigChange]
    unsolved_changes: list[Unsolved]


def apply_steps(editable: _rewrite.EditableConfig, target: TargetBuild) -> AppliedSteps:
    """Apply every step to a config, which is changed; return what was changed, and what is left to a person.

    A text refuses a change that would have more effects than listed, such as one below an anchor with two uses. A later
    change may remove one of the uses. The steps therefore run again while something changes and something is refused.
    """
    first_run = last_run = _apply_each_step(editable, target)
    applied_changes = list(first_run.applied_changes)
    while last_run.applied_changes and last_run.refused_by_key:
        last_run = _apply_each_step(editable, target)
        applied_changes += last_run.applied_changes
    # What steps leave to a person has the names that the user knows, which are those of the first run.
    manual_changes = list((first_run.manual_by_key | last_run.refused_by_key).values())
    still_rejected = _find_still_rejected(editable.data, target, [change.path for change in manual_changes])
    return AppliedSteps(applied_changes, [*manual_changes, *still_rejected])


@dataclass
class _StepsRun:
    """What became of all changes when each step ran once."""

    applied_changes: list[ConfigChange] = field(default_factory=list)
    manual_by_key: dict[_ChangeKey, Unsolved] = field(default_factory=dict)
    """What the steps leave to a person."""
    refused_by_key: dict[_ChangeKey, Unsolved] = field(default_factory=dict)
    """What the text of the config refuses."""


def _apply_each_step(editable: _rewrite.EditableConfig, target: TargetBuild) -> _StepsRun:
    """Apply each step to a config once."""
    steps_run = _StepsRun()
    for step in STEPS:
        results = list(step(editable.data, target))
        steps_run.manual_by_key |= {
            _key_of_result(result): result for result in results if isinstance(result, Unsolved)
        }
        changes = [result for result in results if isinstance(result, ConfigChange)]
        if editable.apply_changes(changes):
            steps_run.applied_changes += changes
        else:
            _apply_one_by_one(step, editable, target, steps_run)
    return steps_run


def _apply_one_by_one(step: Step, editable: _rewrite.EditableConfig, target: TargetBuild, steps_run: _StepsRun) -> None:
    """Apply the changes of a step that fail together, and note which are applied and which are refused.

    Each change moves the others, so the step searches again after each.
    """
    refused_keys: set[_ChangeKey] = set()
    while change := _find_next_change(step, editable, target, refused_keys):
        if editable.apply_changes([change]):
            steps_run.applied_changes.append(change)
        else:
            change_key = _key_of_result(change)
            refused_keys.add(change_key)
            steps_run.refused_by_key[change_key] = Unsolved(change.path, change.description, editable.refusal_reason)


def _find_next_change(
    step: Step, editable: _rewrite.EditableConfig, target: TargetBuild, refused_keys: set[_ChangeKey]
) -> ConfigChange | None:
    """Return the first change of a step that was not refused; None if there is no other."""
    for result in step(editable.data, target):
        if isinstance(result, ConfigChange) and _key_of_result(result) not in refused_keys:
            return result
    return None


class _ChangeKey(NamedTuple):
    """The place of a change in a config, and its description: together they tell changes apart."""

    path: KeyPath
    what: str


def _key_of_result(result: ConfigChange | Unsolved) -> _ChangeKey:
    return _ChangeKey(result.path, result.description)


def _find_still_rejected(config: Any, target: TargetBuild, reported_paths: Sequence[KeyPath]) -> Iterator[Unsolved]:
    """Yield each setting that the target still rejects, unless it is at or below one of the reported paths."""
    subject = Subject(config, target=target, listeners=target.catalogue.listeners)
    for rule in _REJECTING_RULES:
        for fault in sorted(rule.check(subject), key=lambda fault: format_path(fault.path)):
            is_error = rule.id == _GATE_RULE or (fault.severity or rule.severity) == "error"
            if is_error and not _is_inside(fault.path, reported_paths):
                fix = clean_text(fault.fix) or f"{target.version} rejects it."
                yield Unsolved(fault.path, clean_text(fault.message), fix)


def _is_inside(path: KeyPath, outer_paths: Sequence[KeyPath]) -> bool:
    """Whether a path is one of others, or leads below one."""
    return any(outer_path == path[: len(outer_path)] for outer_path in outer_paths if outer_path)


def choose_target(request: BuildRequest, config_input: _input_model.Input) -> TargetBuild:
    """Return the target build. Missing parts come from the image beside the config, or from the tested versions.

    Raises Problem if there is none.
    """
    target = _builds.resolve_build(replace(request, distribution=_choose_distribution(request, config_input)), "")
    if target is None:
        raise Problem("the target build is missing", fix="Give `distribution` and `version`.")
    return target


def _choose_distribution(request: BuildRequest, config_input: _input_model.Input) -> str:
    """Return the distribution of the request, or else that of the image; '' beside a manifest or a schema."""
    if request.distribution:
        return request.distribution
    image = config_input.platform_context.image
    image_build = _images.recognise_image(image) if image else None
    if image_build and not request.manifest:
        return image_build.distribution
    return "" if request.manifest or request.schema else _builds.DEFAULT


def _migrate_data(collected: _input_model.Collected, request: BuildRequest, compare: Any) -> MigrationResult:
    """Return the changes of configs that the user gave as data, not as text. The result has the migrated config."""
    migrated_data = MigratedText("", "", "")
    migrated_configs: list[Any] = []
    for config_input in collected.inputs:
        editable = _rewrite.ConfigAsData(config_input.config)
        target = choose_target(request, config_input)
        applied_changes, manual_changes = apply_steps(editable, target)
        migrated_data.config_pairs += [ConfigPair(config_input.name, config_input.config, editable.data, target)]
        migrated_data.changes += [build_change_row(config_input, change, "") for change in applied_changes]
        migrated_data.unsolved_changes += [
            build_change_row(config_input, manual_change, "") for manual_change in manual_changes
        ]
        if not config_input.found_config.owner:
            migrated_configs.append(editable.data)
    result = build_migration_result([migrated_data], collected, compare)
    if migrated_configs:
        result["config"] = migrated_configs[-1]
    return result


def _write_text(migrated_text: MigratedText, dest: str | None, check: bool) -> bool:
    """Write a text to its destination; return whether the file changed."""
    if not dest and migrated_text.text_after == migrated_text.text_before:
        return False
    target = Path(dest or migrated_text.name)
    if check:
        return not target.is_file() or _files.read_text_file(target) != migrated_text.text_after
    return _files.rewrite_text(target, migrated_text.text_after)
