# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collector configs out of files, folders, streams of manifests and variables. Controller only. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.bounded.live.bounded_reads import file_head
from ...module_utils._otelcol.bounded.read_limits import HEAD
from ...module_utils._otelcol.config import documents, helm_values, paths
from ...module_utils._otelcol.config.documents import Found
from ...module_utils._otelcol.config.layers import Composed, Layer
from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position, at
from ...module_utils._otelcol.config.source_nodes import lines_of
from ...module_utils._otelcol.errors import Problem, cleaned
from ...module_utils._otelcol.rules import from_manifests as context
from ...module_utils._otelcol.rules.from_manifests import Context
from ...module_utils._otelcol.rules.manifest_containers import WORKLOADS
from ...module_utils._otelcol.rules.report_model import count_in_words
from ...module_utils._otelcol.rules.subject import Finding, internal_error
from ...module_utils._otelcol.yaml.key_delimiter import spread_document
from ...module_utils._otelcol.yaml.yaml_documents import Document, document_part
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _files, _yaml
from ._findings import UNRENDERED

_JSON = ".json"
_YAML_FILES = (".yaml", ".yml", _JSON)
# Folders of tools and packages, which hold no configs.
_NOT_OURS = frozenset({"node_modules", "__pycache__"})
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
VARIABLE = "config"
# How many skipped files are named with the reason.
_NAMED = 10
_NAME_IT = "Name that folder too, if it has what is meant."


@dataclass(frozen=True)
class Input:
    """A collector config from the user: its data, the positions of its paths, and its surroundings."""

    name: str
    config: Any
    locate: Callable[[KeyPath], Position]
    duplicates: tuple[tuple[KeyPath, Position], ...] = ()
    context: Context = field(default_factory=Context)
    found: Found = field(default_factory=lambda: Found(0, (), False, {}, ""))
    layer: Layer | None = None
    file: str = ""


@dataclass
class Collected:
    """All inputs of a task: configs, invalid YAML, texts on which this collection failed, files without a config.

    `texts` are by name, `objects` by folder; `unread` says why files were skipped that may have a config. `resources`
    are custom resources of the operator without a config, such as an Instrumentation; `charts` says how values of Helm
    charts become configs; `links` says which folders were not followed.
    """

    inputs: list[Input] = field(default_factory=list)
    resources: list[Input] = field(default_factory=list)
    charts: list[Finding] = field(default_factory=list)
    invalid: list[InvalidYaml] = field(default_factory=list)
    failed: list[Finding] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    objects: dict[Path, list[Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many configs and custom resources were found, readable or not."""
        return len(self.inputs) + len(self.resources) + len(self.invalid) + len(self.failed)

    @property
    def faulty_files(self) -> list[str]:
        """The files in which something was found that could not be read."""
        return [*(one.position.file for one in self.invalid), *(one.position.file for one in self.failed)]

    @property
    def read_files(self) -> list[str]:
        """The files in which something was found, readable or not."""
        return [*self.texts, *self.faulty_files]

    def warnings(self) -> Iterator[str]:
        """Yield what names the parts of folders that were not read, though they may have a config."""
        if found := self.unread:
            more = f" And {len(found) - _NAMED} more." if len(found) > _NAMED else ""
            yield f"{count_in_words(len(found), 'file')} skipped and not checked. {' '.join(found[:_NAMED])}{more}"
        yield from self.links[:_NAMED]

    def refuse(self, invalid: InvalidYaml) -> None:
        """Note invalid YAML without what led to it: frames that hold this result, which would never be free."""
        invalid.__cause__ = invalid.__context__ = None
        self.invalid.append(invalid.with_traceback(None))

    @contextmanager
    def guarded(self, what: str, file: str) -> Iterator[None]:
        """Turn a mistake of this collection into a finding, so that the other configs are still checked."""
        try:
            yield
        except Problem:
            raise
        except Exception as error:
            self.failed.append(internal_error(what, error, Position(file)))


PositionsOf = Callable[[Any], Mapping[KeyPath, Position]]


def unplaced(_value: Any) -> Mapping[KeyPath, Position]:
    """Return no positions: a value has none that was not read from a file."""
    return {}


@dataclass(frozen=True)
class Reading:
    """How inputs are read."""

    variable: str = VARIABLE
    """What findings call a config that is in no file."""
    variable_index: int = 0
    """How many of the paths stand before that config; the last one counts when they are merged."""
    positions_of: PositionsOf = unplaced
    """Where the parts of that config stand in files."""
    skips_others: bool = False
    """Whether a file that is named may be something else than a config."""


AS_USUAL = Reading()


def collect_inputs(paths: Sequence[str], config: Any, merge: bool = False, how: Reading = AS_USUAL) -> Collected:
    """Return every config at the paths and in a variable. Raises Problem for a path that holds none."""
    result = Collected()
    before, after = paths[: how.variable_index], paths[how.variable_index :]
    for path in before:
        _add_path(_files.named(path), result, how.skips_others)
    if config is not None:
        _add_variable(config, how.variable, result, how.positions_of)
    for path in after:
        _add_path(_files.named(path), result, how.skips_others)
    if merge and len(result.inputs) > 1:
        result.inputs = [_merged(result.inputs)]
    return result


def yaml_files(path: Path) -> list[Path]:
    """Return a file, or the YAML and JSON files of a folder. Raises Problem if there are none."""
    return [path] if path.is_file() else _yaml_files(_files.Folder.read(path, _NOT_OURS))


def _yaml_files(folder: _files.Folder) -> list[Path]:
    found = [item for item in folder.items if item.suffix in _YAML_FILES and item.is_file()]
    if not found:
        for linked in folder.linked_folders():
            raise Problem(f"there is no YAML file at {folder.path}, and {linked} is a link to a folder", fix=_NAME_IT)
        raise no_yaml_file(folder.path)
    return found


def no_yaml_file(path: Path | str) -> Problem:
    """Return the problem of a path at which nothing is to be read."""
    return Problem(f"there is no YAML file at {path}", fix="Give a file, or a folder with YAML files.")


def links(path: Path) -> list[str]:
    """Return what to say about links of a folder to other folders, which are not followed."""
    return _links(_files.Folder.read(path, _NOT_OURS))


def _links(folder: _files.Folder) -> list[str]:
    return [f"{link} is a link to a folder, and was not followed. {_NAME_IT}" for link in folder.linked_folders()]


def _add_path(path: Path, result: Collected, skips_others: bool) -> None:
    if skips_others and path.is_file():
        _add_other(path, result)
        return
    before = result.size
    given = path.is_file()
    if given:
        listed = [path]
    else:
        folder = _files.Folder.read(path, _NOT_OURS)
        listed = _yaml_files(folder)
        result.links += _links(folder)
    for file in listed:
        _add_file(file, given, result)
    for index, item in enumerate(() if given else result.inputs):
        with result.guarded(f"reading {item.name}", item.file):
            result.inputs[index] = _among(item, result.objects.get(Path(item.file).parent, []))
    if result.size == before:
        raise _nothing(path, listed, result)


def _add_other(file: Path, result: Collected) -> None:
    """Add a file that is named, as a file of a folder, and say so if it is no config."""
    before, told = result.size + len(result.charts), len(result.unread)
    _add_file(file, False, result)
    if result.size + len(result.charts) == before and len(result.unread) == told:
        result.unread.append(f"{file} is no config of a Collector.")


def _nothing(path: Path, listed: Sequence[Path], result: Collected) -> Problem:
    """Return what to say about a path without a config."""
    looked = "" if path in listed else f" (searched {len(listed)} YAML files)"
    for chart in result.charts:
        if Path(chart.position.file) in listed:
            return Problem(f"there is no collector config in {path}{looked}, but {chart.message}", fix=chart.fix)
    fix = "Give a collector config, a ConfigMap or an OpenTelemetryCollector, or a folder that contains one."
    return Problem(f"there is no collector config in {path}{looked}", fix=fix)


def _among(item: Input, stream: Sequence[Mapping[str, Any]]) -> Input:
    """Return an input with the facts from neighbouring files, if these are unambiguous."""
    of_config_map = item.found.owner.get("kind") == "ConfigMap"
    if of_config_map and not context.is_certain(item.found, stream):
        return item
    if of_config_map and item.context.deployment is None:
        return replace(item, context=context.context_of(item.found, stream))
    return replace(item, context=context.with_rights(item.context, item.found, stream))


def _add_file(file: Path, given: bool, result: Collected) -> None:
    name = str(file)
    try:
        text = _files.read(file)
    except Problem as problem:
        if given:
            raise
        _unreadable(file, problem, result)
        return
    if given or _may_have_config(text):
        before = result.size + len(result.charts)
        with result.guarded(f"reading {name}", name):
            _add_text(text, name, given, result)
        if result.size + len(result.charts) > before:
            result.texts[name] = text
            return
    _skip(file, result, f"{name} has a NUL character. {_files.SAVE}" if "\0" in text else "")


def _may_have_config(text: str) -> bool:
    """Whether a text is worth reading: it may be a config, or hold an object or values of a chart."""
    return _looks_like_config(text) or documents.may_have_object(text) or helm_values.may_have_values(text)


def _looks_like_config(text: str) -> bool:
    """Whether a text is most likely a config; text with NUL, such as UTF-16 without its mark, is no YAML."""
    return documents.looks_like_config(text.replace("\0", ""))


def _unreadable(file: Path, problem: Problem, result: Collected) -> None:
    """Note a file that cannot be read, as an error if what can be read of it looks like a config."""
    with suppress(OSError):
        if _looks_like_config(file_head(file, HEAD).decode("utf-8", "replace")):
            why = problem.wrong.removeprefix(f"cannot read {file}: ")
            result.invalid.append(InvalidYaml(why, Position(str(file)), problem.fix))
            return
    _skip(file, result, f"{problem.wrong}. {problem.fix}")


def _skip(file: Path, result: Collected, why: str = "") -> None:
    """Note a YAML file without a config. Folders hold much JSON that nobody takes for a config."""
    if file.suffix != _JSON:
        result.skipped.append(str(file))
        result.unread += [why] if why else []


def _add_text(text: str, name: str, wanted: bool, result: Collected) -> None:
    """Add the configs, custom resources and values of charts in a text, of which it may be `wanted` to be a config."""
    try:
        parsed = list(_yaml.load_all(text, name))
    except InvalidYaml as invalid:
        _add_invalid(invalid, text, name, wanted, result)
        return
    values = [document.data for document in parsed]
    stream = documents.objects_in(values)
    if stream:
        result.objects.setdefault(Path(name).parent, []).extend(stream)
    found = documents.configs_in(values, wanted)
    _add_charts(parsed, name, result)
    lines = lines_of(text) if any(item.text for item in found) else []
    for item in found:
        _add_config(item, parsed[item.document], result, name=name, lines=lines, stream=stream)
    _add_resources(parsed, name, result)


def _add_invalid(invalid: InvalidYaml, text: str, name: str, wanted: bool, result: Collected) -> None:
    """Note a text that is no YAML. Templates of a chart are none, which is not an error."""
    is_template = "{{" in text
    looks_like_config = _looks_like_config(text)
    if wanted or (looks_like_config and not is_template):
        result.refuse(invalid)
    elif looks_like_config or not is_template:
        render = " It has `{{`: render it first." if is_template else ""
        result.unread.append(f"{invalid.where or name}: {cleaned(invalid.wrong)}.{render}")


def _add_config(
    found: Found,
    outer: Document,
    result: Collected,
    *,
    name: str,
    lines: Sequence[str],
    stream: Sequence[Mapping[str, Any]],
) -> None:
    """Add a config of a file; one that is a text in an object has the places of the lines of the file."""
    label = f"{name} ({found.label})" if found.label else name
    try:
        with result.guarded(f"reading {label}", name):
            inner = _yaml.inner_document(found, outer, lines, name) if found.text else document_part(outer, found.path)
            made = _finish(inner, found, label, context.context_of(found, stream))
            locate = _yaml.locate_around(made.locate, outer, found.path, name) if made.context.resource else made.locate
            result.inputs.append(replace(made, file=name, locate=locate))
    except InvalidYaml as invalid:
        result.refuse(invalid)


def _add_resources(parsed: Sequence[Document], name: str, result: Collected) -> None:
    """Add custom resources without a config, but not parts of some that Kustomize puts together."""
    found = documents.resources_in([document.data for document in parsed])
    if found and _is_patch(Path(name)):
        return
    for item in found:
        label = f"{name} ({item.label})"
        document = document_part(parsed[item.document], item.path)
        with result.guarded(f"reading {label}", name):
            made = _finish(document, item, label, Context(resource=item.owner))
            result.resources.append(replace(made, config=None, file=name))


def _add_charts(parsed: Sequence[Document], name: str, result: Collected) -> None:
    """Note values of Helm charts, which are no config before Helm has rendered them."""
    for item in helm_values.unrendered_values([document.data for document in parsed], name):
        position = parsed[item.document].positions.get(item.path) or Position(name, 1, 1)
        result.charts.append(Finding(position, "", UNRENDERED, "warning", f"here is {item.what}", item.fix))


def _is_patch(file: Path) -> bool:
    """Whether a kustomization beside a file lists the file as a patch, which is a part of an object."""
    for name in _KUSTOMIZATIONS:
        try:
            data = _yaml.load(_files.read(file.with_name(name)), name).data
        except (Problem, InvalidYaml):
            continue
        patches = [at(one, ("path",)) for one in paths.items(data, "patches")]
        if file.name in (*patches, *paths.items(data, "patchesStrategicMerge")):
            return True
    return False


def _finish(document: Document, found: Found, name: str, around: Context) -> Input:
    document = spread_document(document)
    layer = Layer(name, document.data, positions=document.positions, duplicates=document.duplicates)
    locate = Composed(document.data, (layer,)).locate
    return Input(name, document.data, locate, document.duplicates, around, found, layer)


def _add_variable(config: Any, name: str, result: Collected, positions_of: PositionsOf) -> None:
    if isinstance(config, str):
        text = str(_yaml.plain(config))  # libyaml does not accept Ansible's text types
        result.texts[name] = text
        before = result.size
        with result.guarded(f"reading {name}", name):
            _add_text(text, name, True, result)
        if result.size == before:
            result.inputs.append(_finish(_yaml.load(text, name), _PLAIN, name, Context()))
        return
    value = _yaml.plain(config)
    listed = (
        value if isinstance(value, list) and value and all(documents.is_object(item) for item in value) else [value]
    )
    if not any(documents.is_object(item) for item in listed):
        document = Document(value, positions_of(config))
        result.inputs.append(_finish(document, _PLAIN, name, Context()))
        return
    with result.guarded(f"reading {name}", name):
        _add_objects(listed, result)


def _add_objects(listed: Sequence[Mapping[str, Any]], result: Collected) -> None:
    """Add the configs in Kubernetes objects that another task has read."""
    stream = documents.objects_in(listed)
    kinds = {item.get("kind") for item in stream}
    cluster = bool(kinds & WORKLOADS.keys())
    complete = cluster and "NetworkPolicy" in kinds
    for found in documents.configs_in(listed, True):
        namespace = at(found.owner, ("metadata", "namespace"))
        name = f"{namespace}/{found.label}" if namespace else found.label
        try:
            with result.guarded(f"reading {name}", name):
                if cluster and not context.runs_config(found, stream):
                    continue
                data = at(listed[found.document], found.path)
                document = _yaml.load(data, name) if found.text else Document(data)
                result.inputs.append(_finish(document, found, name, context.context_of(found, stream, complete)))
        except InvalidYaml as invalid:
            result.refuse(invalid)


def _merged(parts: Sequence[Input]) -> Input:
    """Return configs merged in order, as one collector with all of them merges them."""
    name = " + ".join(part.name for part in parts)
    data = documents.merged_configs([part.config for part in parts])
    layers = tuple(part.layer for part in parts if part.layer)
    context = next((part.context for part in parts if part.context.deployment), parts[0].context)
    duplicates: list[tuple[KeyPath, Position]] = []
    for part in parts:
        duplicates += part.duplicates
    return Input(name, data, Composed(data, layers).locate, tuple(duplicates), context)


_PLAIN = Found(0, (), False, {}, "")
