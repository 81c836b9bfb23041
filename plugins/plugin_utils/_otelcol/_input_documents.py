# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the configs in a text or a variable: those of ConfigMaps and custom resources too. Private.

`_inputs.py` calls `add_text` for each file, and `add_variable` for a config in a variable. Both add what they find to a
`Collected` (`_input_model.py`), which is what all files of a validation have. A text may be a config, several
Kubernetes objects, or values of a Helm chart. In a ConfigMap, the config is YAML in a text of the file's YAML; its
positions are counted in lines of the file (`_yaml.py`). An example: the file all.yml with ::

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

# The names of the files that tell Kustomize what to put together.
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")


def may_have_config(text: str) -> bool:
    """Whether a text is worth parsing: it may be a config, or have an object or values of a chart."""
    return looks_like_config(text) or documents.may_have_object(text) or helm_values.may_have_values(text)


def looks_like_config(text: str) -> bool:
    """Whether a text is most likely a config; text with NUL, such as UTF-16 without its mark, is no YAML."""
    return documents.looks_like_config(text.replace("\0", ""))


def add_text(text: str, name: str, collected: Collected, *, is_expected: bool) -> None:
    """Add the configs, custom resources and values of charts in a text.

    `name` is the path of the file. If `is_expected`, the user says that it is a config: a text that looks like none is
    taken for one too.
    """
    try:
        yaml_documents = list(_yaml.load_all(text, name))
    except InvalidYaml as invalid:
        _add_invalid(invalid, text, name, is_expected, collected)
        return
    values = [document.data for document in yaml_documents]
    objects = documents.find_objects(values)
    if objects:
        collected.objects_by_folder.setdefault(Path(name).parent, []).extend(objects)
    found_configs = documents.find_configs(values, is_declared_config=is_expected)
    _add_charts(yaml_documents, name, collected)
    lines: Sequence[str] = []
    if any(found_config.is_text for found_config in found_configs):
        lines = split_yaml_lines(text)
    for found_config in found_configs:
        file_document = yaml_documents[found_config.document_index]
        _add_config(found_config, file_document, collected, name=name, lines=lines, objects=objects)
    _add_resources(yaml_documents, name, collected)


def add_variable(config: Any, name: str, collected: Collected, positions_of: PositionsOf) -> None:
    """Add the configs in the value of a variable: a config, text of YAML, or a list of Kubernetes objects.

    `name` is what findings call it, and `positions_of` returns where its parts stand in files.
    """
    value = _yaml.strip_ansible_types(config)
    if isinstance(config, str):
        _add_text_of_variable(str(value), name, collected)  # libyaml does not accept Ansible's text types
        return
    is_object_list = isinstance(value, list) and value and all(documents.is_object(candidate) for candidate in value)
    candidates = value if is_object_list else [value]
    if not any(documents.is_object(candidate) for candidate in candidates):
        document = Document(value, positions_of(config))
        collected.inputs.append(_build_input(document, NO_OBJECT, name, PlatformContext()))
        return
    with collected.guard_reading(f"reading {name}", name):
        _add_objects(candidates, collected)


def _add_text_of_variable(text: str, name: str, collected: Collected) -> None:
    """Add the configs in the text of a variable; a text in which none is found is taken for one."""
    collected.text_by_name[name] = text
    count_before = collected.config_count
    with collected.guard_reading(f"reading {name}", name):
        add_text(text, name, collected, is_expected=True)
    if collected.config_count == count_before:
        collected.inputs.append(_build_input(_yaml.load(text, name), NO_OBJECT, name, PlatformContext()))


def _add_objects(raw_objects: Sequence[Mapping[str, Any]], collected: Collected) -> None:
    """Add the configs in Kubernetes objects that another task has read from a cluster.

    If workloads are among them, a config that none of these uses is left out. If NetworkPolicies are among them too,
    they count as all policies of the cluster, so that rules may say what no policy admits.
    """
    objects = documents.find_objects(raw_objects)
    kinds = {kubernetes_object.get("kind") for kubernetes_object in objects}
    has_workloads = bool(kinds & MODE_BY_WORKLOAD_KIND.keys())
    has_all_policies = has_workloads and "NetworkPolicy" in kinds
    for found_config in documents.find_configs(raw_objects, is_declared_config=True):
        namespace = value_at(found_config.owner, ("metadata", "namespace"))
        name = f"{namespace}/{found_config.label}" if namespace else found_config.label
        try:
            with collected.guard_reading(f"reading {name}", name):
                if has_workloads and not context.is_config_in_use(found_config, objects):
                    continue
                data = value_at(raw_objects[found_config.document_index], found_config.path)
                document = _yaml.load(data, name) if found_config.is_text else Document(data)
                platform_context = context.find_context(found_config, objects, has_all_policies=has_all_policies)
                collected.inputs.append(_build_input(document, found_config, name, platform_context))
        except InvalidYaml as invalid:
            collected.note_invalid(invalid)


def _add_invalid(invalid: InvalidYaml, text: str, name: str, is_expected: bool, collected: Collected) -> None:
    """Note a text that is no YAML: as an error, or as a file that was skipped.

    Templates of a chart are no YAML before Helm has rendered them, which is no error.
    """
    is_template = "{{" in text
    is_likely_config = looks_like_config(text)
    if is_expected or (is_likely_config and not is_template):
        collected.note_invalid(invalid)
    elif is_likely_config or not is_template:
        render_note = " It has `{{`: render it first." if is_template else ""
        collected.skip_reasons.append(f"{invalid.where or name}: {clean_text(invalid.wrong)}.{render_note}")


def _add_config(
    found_config: FoundConfig,
    file_document: Document,
    collected: Collected,
    *,
    name: str,
    lines: Sequence[str],
    objects: Sequence[Mapping[str, Any]],
) -> None:
    """Add a config of a file.

    `file_document` is the YAML document of the file that has it, `lines` are those of the file, and `objects` are all
    Kubernetes objects in the file, such as a Deployment that mounts the ConfigMap with the config.
    """
    label = f"{name} ({found_config.label})" if found_config.label else name
    try:
        with collected.guard_reading(f"reading {label}", name):
            if found_config.is_text:
                config_document = _yaml.load_inner_document(found_config, file_document, lines, name)
            else:
                config_document = cut_document_part(file_document, found_config.path)
            platform_context = context.find_context(found_config, objects)
            config_input = _build_input(config_document, found_config, label, platform_context)
            locate = config_input.locate
            if platform_context.resource:
                locate = _yaml.build_resource_locator(locate, file_document, found_config.path, name)
            collected.inputs.append(replace(config_input, file=name, locate=locate))
    except InvalidYaml as invalid:
        collected.note_invalid(invalid)


def _add_resources(yaml_documents: Sequence[Document], name: str, collected: Collected) -> None:
    """Add custom resources without a config, such as Instrumentations, but no patches of Kustomize."""
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
    """Add a warning for values of a Helm chart, which are no config before Helm has rendered them."""
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


def _build_input(
    raw_document: Document, found_config: FoundConfig, name: str, platform_context: PlatformContext
) -> Input:
    """Return the input of a document. As in the Collector, a key `a::b: 1` stands for `a: {b: 1}`."""
    document = spread_document(raw_document)
    layer = Layer(name, document.data, positions=document.positions, duplicates=document.duplicates)
    locate = ComposedConfig(document.data, (layer,)).locate
    return Input(name, document.data, locate, document.duplicates, platform_context, found_config, layer)
