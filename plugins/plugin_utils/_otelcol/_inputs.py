# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collector configs out of files, folders, streams of manifests and variables. Controller only. Private.

`_validate.py`, `_migrate.py` and tests of configs call `collect_inputs`. An input is one config that was found, with
what surrounds it: its place in a file, the object that holds it, and what manifests in the same file or folder show of
its platform (`PlatformContext` of from_manifests.py). To note something is to add it to a list of `Collected`, so that
one bad file does not stop the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.bounded.live.bounded_reads import read_file_head
from ...module_utils._otelcol.bounded.read_limits import HEAD_LIMIT
from ...module_utils._otelcol.config import documents, helm_values, paths
from ...module_utils._otelcol.config.documents import FoundConfig
from ...module_utils._otelcol.config.layers import ComposedConfig, Layer
from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position, value_at
from ...module_utils._otelcol.config.source_nodes import split_yaml_lines
from ...module_utils._otelcol.errors import Problem, clean_text
from ...module_utils._otelcol.rules import from_manifests as context
from ...module_utils._otelcol.rules.findings import Finding, report_internal_error
from ...module_utils._otelcol.rules.from_manifests import PlatformContext
from ...module_utils._otelcol.rules.manifest_containers import MODE_BY_WORKLOAD_KIND
from ...module_utils._otelcol.rules.report_model import format_count
from ...module_utils._otelcol.yaml.key_delimiter import spread_document
from ...module_utils._otelcol.yaml.yaml_documents import Document, cut_document_part
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _files, _yaml
from ._findings import UNRENDERED

_JSON = ".json"
_YAML_FILES = (".yaml", ".yml", _JSON)
# Folders of tools and packages, which hold no configs.
_FOREIGN_FOLDERS = frozenset({"node_modules", "__pycache__"})
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
VARIABLE_NAME = "config"
# How many skipped files are named with the reason.
_MOST_NAMED_FILES = 10
_NAME_FOLDER_FIX = "Name that folder too, if it has what is meant."


@dataclass(frozen=True)
class Input:
    """A collector config from the user: its data, the positions of its paths, and its surroundings.

    `name` is what findings call it: the file, and the object in it if there is one. `found_config` says where in the
    file it is, and `layer` is the config as one layer, to merge it with others. `file` is empty for a variable.
    """

    name: str
    config: Any
    """None for a custom resource without a config."""
    locate: Callable[[KeyPath], Position]
    """Returns where a path of the config stands in the file."""
    duplicates: tuple[tuple[KeyPath, Position], ...] = ()
    platform_context: PlatformContext = field(default_factory=PlatformContext)
    found_config: FoundConfig = field(default_factory=lambda: FoundConfig(0, (), False, {}, ""))
    layer: Layer | None = None
    file: str = ""


@dataclass
class Collected:
    """All inputs of a task: configs, invalid YAML, texts on which this collection failed, files without a config.

    `text_by_name` has the whole text of each file with a config, by the name of the file or variable, and
    `objects_by_folder` the Kubernetes objects of each folder. `skipped_files` are YAML files without a config, and
    `skip_reasons` has a sentence for those that may have one all the same. `custom_resources` are custom resources of
    the operator without a config, such as an Instrumentation. `chart_findings` says how values of Helm charts become
    configs, and `unfollowed_links` which links to folders were not followed. `internal_faults` are findings about
    mistakes of this collection.
    """

    inputs: list[Input] = field(default_factory=list)
    custom_resources: list[Input] = field(default_factory=list)
    chart_findings: list[Finding] = field(default_factory=list)
    invalid_yaml: list[InvalidYaml] = field(default_factory=list)
    internal_faults: list[Finding] = field(default_factory=list)
    skipped_files: list[str] = field(default_factory=list)
    skip_reasons: list[str] = field(default_factory=list)
    unfollowed_links: list[str] = field(default_factory=list)
    text_by_name: dict[str, str] = field(default_factory=dict)
    objects_by_folder: dict[Path, list[Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def config_count(self) -> int:
        """How many configs and custom resources were found, readable or not."""
        return len(self.inputs) + len(self.custom_resources) + len(self.invalid_yaml) + len(self.internal_faults)

    @property
    def faulty_files(self) -> list[str]:
        """The files in which something was found that could not be read."""
        return [
            *(fault.position.file for fault in self.invalid_yaml),
            *(fault.position.file for fault in self.internal_faults),
        ]

    @property
    def read_files(self) -> list[str]:
        """The files in which something was found, readable or not."""
        return [*self.text_by_name, *self.faulty_files]

    def list_warnings(self) -> Iterator[str]:
        """Yield a warning about skipped files that may have a config, and one for each link that was not followed."""
        if reasons := self.skip_reasons:
            rest_note = f" And {len(reasons) - _MOST_NAMED_FILES} more." if len(reasons) > _MOST_NAMED_FILES else ""
            yield (
                f"{format_count(len(reasons), 'file')} skipped and not checked."
                f" {' '.join(reasons[:_MOST_NAMED_FILES])}{rest_note}"
            )
        yield from self.unfollowed_links[:_MOST_NAMED_FILES]

    def note_invalid(self, invalid: InvalidYaml) -> None:
        """Note invalid YAML, without its traceback: the frames there hold this object, so memory would not be freed."""
        invalid.__cause__ = invalid.__context__ = None
        self.invalid_yaml.append(invalid.with_traceback(None))

    @contextmanager
    def guard_reading(self, activity: str, file: str) -> Iterator[None]:
        """Turn a mistake of this collection into a finding, so that the other configs are still checked."""
        try:
            yield
        except Problem:
            raise
        except Exception as error:
            self.internal_faults.append(report_internal_error(activity, error, Position(file)))


PositionsOf = Callable[[Any], Mapping[KeyPath, Position]]


def find_no_positions(_value: Any) -> Mapping[KeyPath, Position]:
    """Return no positions: a value has none that was not read from a file."""
    return {}


@dataclass(frozen=True)
class InputOptions:
    """How inputs are read."""

    variable_name: str = VARIABLE_NAME
    """What findings call a config that is in no file."""
    variable_index: int = 0
    """How many of the paths go before that config in a merge, in which a later one takes precedence."""
    find_positions: PositionsOf = find_no_positions
    """Where the parts of that config stand in files."""
    skips_others: bool = False
    """Whether a file that the user names may be something else than a config: then it is skipped, with a warning."""


DEFAULT_READING = InputOptions()


def collect_inputs(
    paths: Sequence[str], config: Any, merge: bool = False, reading: InputOptions = DEFAULT_READING
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
        _add_variable(config, reading.variable_name, collected, reading.find_positions)
    for path in later_paths:
        _add_path(_files.require_path(path), collected, reading.skips_others)
    if merge and len(collected.inputs) > 1:
        collected.inputs = [_merge_inputs(collected.inputs)]
    return collected


def list_yaml_files(path: Path) -> list[Path]:
    """Return a file, or the YAML and JSON files of a folder. Raises Problem if there are none."""
    return [path] if path.is_file() else _list_yaml_files(_files.Folder.read(path, _FOREIGN_FOLDERS))


def _list_yaml_files(folder: _files.Folder) -> list[Path]:
    files = [entry for entry in folder.entries if entry.suffix in _YAML_FILES and entry.is_file()]
    if not files:
        for linked in folder.linked_folders():
            raise Problem(
                f"there is no YAML file at {folder.path}, and {linked} is a link to a folder", fix=_NAME_FOLDER_FIX
            )
        raise no_yaml_file_problem(folder.path)
    return files


def no_yaml_file_problem(path: Path | str) -> Problem:
    """Return the problem of a path at which nothing is to be read."""
    return Problem(f"there is no YAML file at {path}", fix="Give a file, or a folder with YAML files.")


def describe_links(path: Path) -> list[str]:
    """Return what to say about links of a folder to other folders, which are not followed."""
    return _describe_links(_files.Folder.read(path, _FOREIGN_FOLDERS))


def _describe_links(folder: _files.Folder) -> list[str]:
    return [
        f"{link} is a link to a folder, and was not followed. {_NAME_FOLDER_FIX}" for link in folder.linked_folders()
    ]


def _add_path(path: Path, collected: Collected, may_be_other: bool) -> None:
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
        collected.unfollowed_links += _describe_links(folder)
    for file in files:
        _add_file(file, is_named_file, collected)
    for index, config_input in enumerate(() if is_named_file else collected.inputs):
        with collected.guard_reading(f"reading {config_input.name}", config_input.file):
            collected.inputs[index] = _add_neighbour_facts(
                config_input, collected.objects_by_folder.get(Path(config_input.file).parent, [])
            )
    if collected.config_count == size_before:
        raise _no_config_problem(path, files, collected)


def _add_optional_file(file: Path, collected: Collected) -> None:
    """Add a file that the user names, without failing if it has no config: then a reason is noted."""
    size_before, unread_before = collected.config_count + len(collected.chart_findings), len(collected.skip_reasons)
    _add_file(file, False, collected)
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


def _add_file(file: Path, is_named: bool, collected: Collected) -> None:
    name = str(file)
    try:
        text = _files.read_text_file(file)
    except Problem as problem:
        if is_named:
            raise
        _note_unreadable(file, problem, collected)
        return
    if is_named or _may_have_config(text):
        size_before = collected.config_count + len(collected.chart_findings)
        with collected.guard_reading(f"reading {name}", name):
            _add_text(text, name, is_named, collected)
        if collected.config_count + len(collected.chart_findings) > size_before:
            collected.text_by_name[name] = text
            return
    _note_skipped(file, collected, f"{name} has a NUL character. {_files.SAVE_AS_UTF_8}" if "\0" in text else "")


def _may_have_config(text: str) -> bool:
    """Whether a text is worth reading: it may be a config, or hold an object or values of a chart."""
    return _looks_like_config(text) or documents.may_have_object(text) or helm_values.may_have_values(text)


def _looks_like_config(text: str) -> bool:
    """Whether a text is most likely a config; text with NUL, such as UTF-16 without its mark, is no YAML."""
    return documents.looks_like_config(text.replace("\0", ""))


def _note_unreadable(file: Path, problem: Problem, collected: Collected) -> None:
    """Note a file that cannot be read, as an error if what can be read of it looks like a config."""
    with suppress(OSError):
        if _looks_like_config(read_file_head(file, HEAD_LIMIT).decode("utf-8", "replace")):
            reason = problem.wrong.removeprefix(f"cannot read {file}: ")
            collected.invalid_yaml.append(InvalidYaml(reason, Position(str(file)), problem.fix))
            return
    _note_skipped(file, collected, f"{problem.wrong}. {problem.fix}")


def _note_skipped(file: Path, collected: Collected, reason: str = "") -> None:
    """Note a YAML file without a config. Folders hold much JSON that nobody takes for a config."""
    if file.suffix != _JSON:
        collected.skipped_files.append(str(file))
        collected.skip_reasons += [reason] if reason else []


def _add_text(text: str, name: str, is_expected: bool, collected: Collected) -> None:
    """Add the configs, custom resources and values of charts in a text. If `is_expected`, it has to be a config."""
    try:
        yaml_documents = list(_yaml.load_all(text, name))
    except InvalidYaml as invalid:
        _add_invalid(invalid, text, name, is_expected, collected)
        return
    values = [document.data for document in yaml_documents]
    objects = documents.find_objects(values)
    if objects:
        collected.objects_by_folder.setdefault(Path(name).parent, []).extend(objects)
    found_configs = documents.find_configs(values, is_expected)
    _add_charts(yaml_documents, name, collected)
    lines = split_yaml_lines(text) if any(found_config.is_text for found_config in found_configs) else []
    for found_config in found_configs:
        _add_config(
            found_config, yaml_documents[found_config.document_index], collected, name=name, lines=lines, stream=objects
        )
    _add_resources(yaml_documents, name, collected)


def _add_invalid(invalid: InvalidYaml, text: str, name: str, is_expected: bool, collected: Collected) -> None:
    """Note a text that is no YAML. Templates of a chart are none, which is not an error."""
    is_template = "{{" in text
    looks_like_config = _looks_like_config(text)
    if is_expected or (looks_like_config and not is_template):
        collected.note_invalid(invalid)
    elif looks_like_config or not is_template:
        render_note = " It has `{{`: render it first." if is_template else ""
        collected.skip_reasons.append(f"{invalid.where or name}: {clean_text(invalid.wrong)}.{render_note}")


def _add_config(
    found_config: FoundConfig,
    outer: Document,
    collected: Collected,
    *,
    name: str,
    lines: Sequence[str],
    stream: Sequence[Mapping[str, Any]],
) -> None:
    """Add a config of a file; one that is a text in an object has the places of the lines of the file."""
    label = f"{name} ({found_config.label})" if found_config.label else name
    try:
        with collected.guard_reading(f"reading {label}", name):
            inner = (
                _yaml.load_inner_document(found_config, outer, lines, name)
                if found_config.is_text
                else cut_document_part(outer, found_config.path)
            )
            config_input = _build_input(inner, found_config, label, context.find_context(found_config, stream))
            locate = (
                _yaml.build_resource_locator(config_input.locate, outer, found_config.path, name)
                if config_input.platform_context.resource
                else config_input.locate
            )
            collected.inputs.append(replace(config_input, file=name, locate=locate))
    except InvalidYaml as invalid:
        collected.note_invalid(invalid)


def _add_resources(yaml_documents: Sequence[Document], name: str, collected: Collected) -> None:
    """Add custom resources without a config, but not parts of some that Kustomize puts together."""
    found_resources = documents.find_custom_resources([document.data for document in yaml_documents])
    if found_resources and _is_patch(Path(name)):
        return
    for found_resource in found_resources:
        label = f"{name} ({found_resource.label})"
        document = cut_document_part(yaml_documents[found_resource.document_index], found_resource.path)
        with collected.guard_reading(f"reading {label}", name):
            resource_input = _build_input(
                document, found_resource, label, PlatformContext(resource=found_resource.owner)
            )
            collected.custom_resources.append(replace(resource_input, config=None, file=name))


def _add_charts(yaml_documents: Sequence[Document], name: str, collected: Collected) -> None:
    """Note values of Helm charts, which are no config before Helm has rendered them."""
    for chart_values in helm_values.find_unrendered_values([document.data for document in yaml_documents], name):
        position = yaml_documents[chart_values.document_index].positions.get(chart_values.path) or Position(name, 1, 1)
        collected.chart_findings.append(
            Finding(position, "", UNRENDERED, "warning", f"here is {chart_values.description}", chart_values.fix)
        )


def _is_patch(file: Path) -> bool:
    """Whether a kustomization beside a file lists the file as a patch, which is a part of an object."""
    for kustomization_name in _KUSTOMIZATIONS:
        try:
            data = _yaml.load(_files.read_text_file(file.with_name(kustomization_name)), kustomization_name).data
        except (Problem, InvalidYaml):
            continue
        patches = [value_at(patch, ("path",)) for patch in paths.list_at(data, "patches")]
        if file.name in (*patches, *paths.list_at(data, "patchesStrategicMerge")):
            return True
    return False


def _build_input(document: Document, found_config: FoundConfig, name: str, surroundings: PlatformContext) -> Input:
    document = spread_document(document)
    layer = Layer(name, document.data, positions=document.positions, duplicates=document.duplicates)
    locate = ComposedConfig(document.data, (layer,)).locate
    return Input(name, document.data, locate, document.duplicates, surroundings, found_config, layer)


def _add_variable(config: Any, name: str, collected: Collected, positions_of: PositionsOf) -> None:
    if isinstance(config, str):
        text = str(_yaml.strip_ansible_types(config))  # libyaml does not accept Ansible's text types
        collected.text_by_name[name] = text
        size_before = collected.config_count
        with collected.guard_reading(f"reading {name}", name):
            _add_text(text, name, True, collected)
        if collected.config_count == size_before:
            collected.inputs.append(_build_input(_yaml.load(text, name), _NO_OBJECT, name, PlatformContext()))
        return
    value = _yaml.strip_ansible_types(config)
    candidates = (
        value
        if isinstance(value, list) and value and all(documents.is_object(candidate) for candidate in value)
        else [value]
    )
    if not any(documents.is_object(candidate) for candidate in candidates):
        document = Document(value, positions_of(config))
        collected.inputs.append(_build_input(document, _NO_OBJECT, name, PlatformContext()))
        return
    with collected.guard_reading(f"reading {name}", name):
        _add_objects(candidates, collected)


def _add_objects(raw_objects: Sequence[Mapping[str, Any]], collected: Collected) -> None:
    """Add the configs in Kubernetes objects that another task has read."""
    objects = documents.find_objects(raw_objects)
    kinds = {kubernetes_object.get("kind") for kubernetes_object in objects}
    has_workloads = bool(kinds & MODE_BY_WORKLOAD_KIND.keys())
    is_complete = has_workloads and "NetworkPolicy" in kinds
    for found_config in documents.find_configs(raw_objects, True):
        namespace = value_at(found_config.owner, ("metadata", "namespace"))
        name = f"{namespace}/{found_config.label}" if namespace else found_config.label
        try:
            with collected.guard_reading(f"reading {name}", name):
                if has_workloads and not context.is_config_in_use(found_config, objects):
                    continue
                data = value_at(raw_objects[found_config.document_index], found_config.path)
                document = _yaml.load(data, name) if found_config.is_text else Document(data)
                collected.inputs.append(
                    _build_input(document, found_config, name, context.find_context(found_config, objects, is_complete))
                )
        except InvalidYaml as invalid:
            collected.note_invalid(invalid)


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


_NO_OBJECT = FoundConfig(0, (), False, {}, "")
