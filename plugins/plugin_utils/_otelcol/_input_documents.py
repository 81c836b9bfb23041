# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds the configs in a text or a variable to what is collected: those of ConfigMaps and custom resources too. Private.

`_inputs.py` calls this for each file. A text may be a config, a stream of manifests, or values of a Helm chart. In a
ConfigMap, the config is a text in the text of the file; its positions become places in the file (`_yaml.py`). An
example: the file all.yml with ::

    kind: ConfigMap
    metadata: {name: gateway}
    data:
      relay.yaml: |
        exporters: {debug: {}}

has the input `all.yml (ConfigMap gateway)`, whose path `exporters.debug` is in line 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.config import documents, helm_values, paths
from ...module_utils._otelcol.config.documents import FoundConfig
from ...module_utils._otelcol.config.layers import ComposedConfig, Layer
from ...module_utils._otelcol.config.paths import Position, value_at
from ...module_utils._otelcol.config.source_nodes import split_yaml_lines
from ...module_utils._otelcol.errors import Problem, clean_text
from ...module_utils._otelcol.rules import from_manifests as context
from ...module_utils._otelcol.rules.findings import Finding
from ...module_utils._otelcol.rules.from_manifests import PlatformContext
from ...module_utils._otelcol.rules.manifest_containers import MODE_BY_WORKLOAD_KIND
from ...module_utils._otelcol.yaml.key_delimiter import spread_document
from ...module_utils._otelcol.yaml.yaml_documents import Document, cut_document_part
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _files, _yaml
from ._findings import UNRENDERED
from ._input_model import NO_OBJECT, Collected, Input, PositionsOf

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")


def may_have_config(text: str) -> bool:
    """Whether a text is worth reading: it may be a config, or hold an object or values of a chart."""
    return looks_like_config(text) or documents.may_have_object(text) or helm_values.may_have_values(text)


def looks_like_config(text: str) -> bool:
    """Whether a text is most likely a config; text with NUL, such as UTF-16 without its mark, is no YAML."""
    return documents.looks_like_config(text.replace("\0", ""))


def add_text(text: str, name: str, is_expected: bool, collected: Collected) -> None:
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
    is_likely_config = looks_like_config(text)
    if is_expected or (is_likely_config and not is_template):
        collected.note_invalid(invalid)
    elif is_likely_config or not is_template:
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
    """Return the input of a document. Keys with `::` are spread first, as the Collector does."""
    document = spread_document(document)
    layer = Layer(name, document.data, positions=document.positions, duplicates=document.duplicates)
    locate = ComposedConfig(document.data, (layer,)).locate
    return Input(name, document.data, locate, document.duplicates, surroundings, found_config, layer)


def add_variable(config: Any, name: str, collected: Collected, positions_of: PositionsOf) -> None:
    """Add the configs in the value of a variable: a config, text of YAML, or a list of Kubernetes objects.

    `name` is what findings call it, and `positions_of` returns where its parts stand in files.
    """
    if isinstance(config, str):
        text = str(_yaml.strip_ansible_types(config))  # libyaml does not accept Ansible's text types
        collected.text_by_name[name] = text
        size_before = collected.config_count
        with collected.guard_reading(f"reading {name}", name):
            add_text(text, name, True, collected)
        if collected.config_count == size_before:
            collected.inputs.append(_build_input(_yaml.load(text, name), NO_OBJECT, name, PlatformContext()))
        return
    value = _yaml.strip_ansible_types(config)
    is_object_list = isinstance(value, list) and value and all(documents.is_object(candidate) for candidate in value)
    candidates = value if is_object_list else [value]
    if not any(documents.is_object(candidate) for candidate in candidates):
        document = Document(value, positions_of(config))
        collected.inputs.append(_build_input(document, NO_OBJECT, name, PlatformContext()))
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
