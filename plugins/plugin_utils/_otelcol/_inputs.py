# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collector configs out of files, folders, streams of manifests and variables. Controller only. Private.

`_validate.py`, `_migrate.py` and tests of configs call `collect_inputs`. An input is one config that was found, with
what surrounds it: its place in a file, the object that holds it, and what manifests in the same file or folder show of
its platform (`PlatformContext` of from_manifests.py). An example: `collect_inputs(["gateway.yaml"], None).inputs` has
one `Input` whose name is `gateway.yaml`. `_input_documents.py` reads the text of each file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.bounded.live.bounded_reads import read_file_head
from ...module_utils._otelcol.bounded.read_limits import HEAD_LIMIT
from ...module_utils._otelcol.config import documents
from ...module_utils._otelcol.config.layers import ComposedConfig
from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules import from_manifests as context
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _files
from ._input_documents import add_text, add_variable, looks_like_config, may_have_config
from ._input_model import DEFAULT_READING, Collected, Input, InputOptions

_JSON = ".json"
_YAML_FILES = (".yaml", ".yml", _JSON)
# Folders of tools and packages, which hold no configs.
_FOREIGN_FOLDERS = frozenset({"node_modules", "__pycache__"})
_NAME_FOLDER_FIX = "Name that folder too, if it has what is meant."


def collect_inputs(
    paths: Sequence[str], config: Any, *, merge: bool = False, reading: InputOptions = DEFAULT_READING
) -> Collected:
    """Return every config at the paths and in a variable. Raises Problem for a path that holds none.

    `config` is the value of the variable, None without one: a config, text of YAML, or a list of Kubernetes objects.
    With `merge`, all configs become one input.
    """
    collected = Collected()
    earlier_paths, later_paths = paths[: reading.variable_index], paths[reading.variable_index :]
    for path in earlier_paths:
        _add_path(_files.require_path(path), collected, reading.skips_others)
    if config is not None:
        add_variable(config, reading.variable_name, collected, reading.find_positions)
    for path in later_paths:
        _add_path(_files.require_path(path), collected, reading.skips_others)
    if merge and len(collected.inputs) > 1:
        collected.inputs = [_merge_inputs(collected.inputs)]
    return collected


def list_yaml_files(path: Path) -> list[Path]:
    """Return a file, or the YAML and JSON files of a folder. Raises Problem if there are none."""
    return [path] if path.is_file() else _list_yaml_files(_files.Folder.read(path, _FOREIGN_FOLDERS))


def _list_yaml_files(folder: _files.Folder) -> list[Path]:
    """Return the YAML and JSON files of a folder that was read. Raises Problem if there are none."""
    files = [entry for entry in folder.entries if entry.suffix in _YAML_FILES and _is_file_or_lost_link(entry)]
    if not files:
        for closed_folder in folder.closed_folders:
            raise _files.build_closed_folder_problem(closed_folder)
        for linked in folder.linked_folders():
            raise Problem(
                f"there is no YAML file at {folder.path}, and {linked} is a link to a folder", fix=_NAME_FOLDER_FIX
            )
        raise no_yaml_file_problem(folder.path)
    return files


def _is_file_or_lost_link(entry: Path) -> bool:
    """Whether something in a folder is a file, or a link to nothing, which is named as a file that cannot be read."""
    return entry.is_file() or (entry.is_symlink() and not entry.exists())


def no_yaml_file_problem(path: Path | str) -> Problem:
    """Return the problem of a path at which nothing is to be read."""
    return Problem(f"there is no YAML file at {path}", fix="Give a file, or a folder with YAML files.")


def describe_left_out(path: Path) -> list[str]:
    """Return what to say about folders below a folder that are not read: links, and those that are closed."""
    return _describe_left_out(_files.Folder.read(path, _FOREIGN_FOLDERS))


def _describe_left_out(folder: _files.Folder) -> list[str]:
    """Return a sentence for each folder below a folder that was not read."""
    sentences: list[str] = []
    for closed_folder in folder.closed_folders:
        sentences.append(f"{closed_folder} may not be read, so what it has was left out. {_files.CLOSED_FOLDER_FIX}")
    for link in folder.linked_folders():
        sentences.append(f"{link} is a link to a folder, and was not followed. {_NAME_FOLDER_FIX}")
    return sentences


def _add_path(path: Path, collected: Collected, may_be_other: bool) -> None:
    """Add the configs of a file or a folder. Raises Problem if there is none, unless the path may be another file."""
    if may_be_other and path.is_file():
        _add_optional_file(path, collected)
        return
    size_before = collected.config_count
    is_named_file = path.is_file()
    if is_named_file:
        files = [path]
    else:
        folder = _files.Folder.read(path, _FOREIGN_FOLDERS)
        files = _list_yaml_files(folder)
        collected.left_out_folders += _describe_left_out(folder)
    for file in files:
        _add_file(file, collected, is_named=is_named_file)
    if not is_named_file:
        _complete_from_folders(collected)
    if collected.config_count == size_before:
        raise _no_config_problem(path, files, collected)


def _complete_from_folders(collected: Collected) -> None:
    """Add to each input what the other files of its folder show, such as the Deployment that mounts its ConfigMap.

    This comes after all files of a folder were read. A file that the user names alone is judged by itself.
    """
    for index, config_input in enumerate(collected.inputs):
        with collected.guard_reading(f"reading {config_input.name}", config_input.file):
            objects_of_folder = collected.objects_by_folder.get(Path(config_input.file).parent, [])
            collected.inputs[index] = _add_neighbour_facts(config_input, objects_of_folder)


def _add_optional_file(file: Path, collected: Collected) -> None:
    """Add a file that the user names, without failing if it has no config: then a reason is noted."""
    size_before, unread_before = collected.config_count + len(collected.chart_findings), len(collected.skip_reasons)
    _add_file(file, collected, is_named=False)
    if (
        collected.config_count + len(collected.chart_findings) == size_before
        and len(collected.skip_reasons) == unread_before
    ):
        collected.skip_reasons.append(f"{file} is no config of a Collector.")


def _no_config_problem(path: Path, files: Sequence[Path], collected: Collected) -> Problem:
    """Return what to say about a path without a config."""
    search_note = "" if path in files else f" (searched {len(files)} YAML files)"
    for chart in collected.chart_findings:
        if Path(chart.position.file) in files:
            return Problem(f"there is no collector config in {path}{search_note}, but {chart.message}", fix=chart.fix)
    fix = "Give a collector config, a ConfigMap or an OpenTelemetryCollector, or a folder that contains one."
    return Problem(f"there is no collector config in {path}{search_note}", fix=fix)


def _add_neighbour_facts(config_input: Input, objects: Sequence[Mapping[str, Any]]) -> Input:
    """Return an input with what other files of its folder show, unless they show several workloads with its config."""
    is_in_config_map = config_input.found_config.owner.get("kind") == "ConfigMap"
    if is_in_config_map and not context.describes_one_workload(config_input.found_config, objects):
        return config_input
    if is_in_config_map and config_input.platform_context.deployment is None:
        return replace(config_input, platform_context=context.find_context(config_input.found_config, objects))
    return replace(
        config_input,
        platform_context=context.add_rights(config_input.platform_context, config_input.found_config, objects),
    )


def _add_file(file: Path, collected: Collected, *, is_named: bool) -> None:
    """Add the configs of a file. Raises Problem if it cannot be read, and the user named it (`is_named`)."""
    name = str(file)
    try:
        text = _files.read_text_file(file)
    except Problem as problem:
        if is_named:
            raise
        _note_unreadable(file, problem, collected)
        return
    if is_named or may_have_config(text):
        size_before = collected.config_count + len(collected.chart_findings)
        with collected.guard_reading(f"reading {name}", name):
            add_text(text, name, collected, is_expected=is_named)
        if collected.config_count + len(collected.chart_findings) > size_before:
            collected.text_by_name[name] = text
            return
    _note_skipped(file, collected, f"{name} has a NUL character. {_files.SAVE_AS_UTF_8}" if "\0" in text else "")


def _note_unreadable(file: Path, problem: Problem, collected: Collected) -> None:
    """Note a file that cannot be read, as an error if what can be read of it looks like a config."""
    with suppress(OSError):
        if looks_like_config(read_file_head(file, HEAD_LIMIT).decode("utf-8", "replace")):
            reason = problem.wrong.removeprefix(f"cannot read {file}: ")
            collected.invalid_yaml.append(InvalidYaml(reason, Position(str(file)), problem.fix))
            return
    _note_skipped(file, collected, f"{problem.wrong}. {problem.fix}")


def _note_skipped(file: Path, collected: Collected, reason: str = "") -> None:
    """Note a YAML file without a config. Folders hold much JSON that nobody takes for a config."""
    if file.suffix != _JSON:
        collected.skipped_files.append(str(file))
        collected.skip_reasons += [reason] if reason else []


def _merge_inputs(parts: Sequence[Input]) -> Input:
    """Return configs merged in order, as one collector with all of them merges them."""
    name = " + ".join(part.name for part in parts)
    merged_data = documents.merge_configs([part.config for part in parts])
    layers = tuple(part.layer for part in parts if part.layer)
    merged_context = next(
        (part.platform_context for part in parts if part.platform_context.deployment), parts[0].platform_context
    )
    duplicates: list[tuple[KeyPath, Position]] = []
    for part in parts:
        duplicates += part.duplicates
    return Input(name, merged_data, ComposedConfig(merged_data, layers).locate, tuple(duplicates), merged_context)
