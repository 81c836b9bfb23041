# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves configs to another version or distribution of the Collector, in the files that hold them.

For example, contrib 0.158.0 has no exporter `logging`. So `exporters: {logging: {}}` becomes `exporters: {debug: {}}`,
and the result has the row ::

    {"file": "agent.yaml", "line": 7, "config": "agent.yaml", "path": "exporters.logging", "what": …, "why": …}

`pipeline_migrate` and `otelcoltool migrate` call `migrate`. Where the migrated configs go depends on the arguments:

| the user gave | the migrated configs |
|---|---|
| files or folders | replace those in the files |
| one file or one text, and `dest` | are in the file `dest` |
| a text | are the text `config` of the result |
| data, such as a mapping | are the data `config` of the result |

Each config has its own target (`_migration_target.py`), and is changed by steps (`_migration_steps.py`). Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.errors import Problem
from . import _files, _input_model, _inputs, _rewrite, _yaml
from ._build_request import BuildRequest
from ._migration_result import MigratedConfig, MigratedText, MigrationResult, build_change_row, build_migration_result
from ._migration_steps import apply_steps
from ._migration_target import choose_target
from ._output_streams import is_stream
from ._testing.compared_setups import ConfigPair


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
    migration = _Migration(
        collected=_collect_configs(arguments, reading, warn),
        request=BuildRequest.from_arguments(arguments),
        compare_options=arguments.get("compare"),
        check=check,
    )
    if config is not None and not isinstance(config, str):
        return migration.migrate_data()
    if dest:
        return migration.migrate_to_dest(dest)
    if config is not None:
        return migration.migrate_given_text()
    return migration.migrate_files()


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


@dataclass(frozen=True)
class _Migration:
    """The configs of a task, and what the user wants of their migration."""

    collected: _input_model.Collected
    request: BuildRequest
    compare_options: Mapping[str, Any] | None
    check: bool
    """Whether no file is to be written."""

    def migrate_files(self) -> MigrationResult:
        """Migrate all configs in their files, and write the files that change."""
        migrated_texts = self._migrate_texts()
        result = self._build_result(*migrated_texts)
        for migrated_text in migrated_texts:
            if migrated_text.text_after != migrated_text.text_before and not self.check:
                _files.rewrite_text(Path(migrated_text.name), migrated_text.text_after)
        return result

    def migrate_to_dest(self, dest: str) -> MigrationResult:
        """Migrate the configs of one text, and write them to another file. Raises Problem for several texts."""
        if len(self.collected.text_by_name) != 1:
            raise Problem("`dest` supports only one config", fix="Give one file or one text, or omit `dest`.")
        _files.check_output_is_no_input(dest, self._list_unmigrated_files(), "dest")
        migrated_texts = self._migrate_texts()  # empty if this collection failed
        result = self._build_result(*migrated_texts)
        if migrated_texts:
            result["changed"] = self._write_to_dest(dest, migrated_texts[0].text_after)
        return result

    def migrate_given_text(self) -> MigrationResult:
        """Migrate the configs of a text that is in no file. The result has the migrated text."""
        migrated_texts = self._migrate_texts()  # empty if the text is not YAML, or this collection failed
        result = self._build_result(*migrated_texts)
        if migrated_texts:
            result["config"] = migrated_texts[0].text_after
        return result

    def migrate_data(self) -> MigrationResult:
        """Migrate the configs of data. The result has the last config that is in no Kubernetes object."""
        all_configs = MigratedText("", "", "")
        configs_of_no_object: list[Any] = []
        for config_input in self.collected.inputs:
            editable = _rewrite.ConfigAsData(config_input.config)
            all_configs.add(_migrate_config(editable, config_input, self.request, file=""))
            if not config_input.found_config.owner:
                configs_of_no_object.append(editable.data)
        result = self._build_result(all_configs)
        if configs_of_no_object:
            result["config"] = configs_of_no_object[-1]
        return result

    def _migrate_texts(self) -> list[MigratedText]:
        """Return each text with migrated configs. One at which this collection fails is missing, and is reported."""
        migrated_texts = []
        for name, text in self.collected.text_by_name.items():
            with self.collected.guard_reading(f"migrating {name}", name):
                migrated_texts.append(migrate_text(text, name, self.collected, self.request))
        return migrated_texts

    def _build_result(self, *migrated_texts: MigratedText) -> MigrationResult:
        return build_migration_result(migrated_texts, self.collected, self.compare_options)

    def _list_unmigrated_files(self) -> list[str]:
        """Return the files that were read and are not migrated."""
        read_files = (*self.collected.skipped_files, *self.collected.read_files)
        return [name for name in read_files if name not in self.collected.text_by_name]

    def _write_to_dest(self, dest: str, text: str) -> bool:
        """Write a text to a file; return whether the file changes."""
        path = Path(dest)
        if self.check:
            return not is_stream(path) and (not path.is_file() or _files.read_text_file(path) != text)
        return _files.rewrite_text(path, text)


def migrate_text(text: str, name: str, collected: _input_model.Collected, request: BuildRequest) -> MigratedText:
    """Return a text with migrated configs. The last config goes first, so that positions stay valid."""
    own_inputs = [config_input for config_input in collected.inputs if name in (config_input.file, config_input.name)]
    text_after = text
    configs_from_last: list[MigratedConfig] = []
    for config_input in reversed(own_inputs):
        editable = _rewrite.open_editable_config(text_after, name, config_input.found_config)
        configs_from_last.append(_migrate_config(editable, config_input, request, name))
        text_after = editable.build_whole_text()
    migrated_text = MigratedText(name, text, text_after)
    for migrated_config in reversed(configs_from_last):
        migrated_text.add(migrated_config)
    return migrated_text


def _migrate_config(
    editable: _rewrite.EditableConfig, config_input: _input_model.Input, request: BuildRequest, file: str
) -> MigratedConfig:
    """Apply the steps of a migration to a config, which is changed; return what changed. `file` is '' for data."""
    target = choose_target(request, config_input)
    applied_steps = apply_steps(editable, target)
    return MigratedConfig(
        pair=ConfigPair(config_input.name, config_input.config, editable.data, target),
        changes=[build_change_row(config_input, change, file) for change in applied_steps.changes],
        unsolved_changes=[build_change_row(config_input, change, file) for change in applied_steps.unsolved_changes],
    )
