# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of steps in their order: settings, components that the target does not have, and new names. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.layers import parse_version
from ..config.paths import Path, mapping_at
from ..rules.build_facts import Target
from .batch_processor import move_deprecated_batches
from .data_edits import (
    Change,
    ComponentKey,
    Drop,
    Edit,
    Put,
    RenameKey,
    Replace,
    Unsolved,
    change_type,
    find_component_uses,
    list_components,
    list_renaming_edits,
    type_of,
)
from .kept_documents import keep_elasticsearch_documents
from .moved_settings import (
    LEVELS,
    brace_bare_variables,
    convert_level,
    move_batcher,
    move_keep_alives,
    move_telemetry_address,
    move_to_signals,
    remove_ballast,
    remove_start_time,
    rename_overflow,
    rename_verbosity,
    wrap_actions,
)

Step = Callable[[Any, Target], Iterator[Change | Unsolved]]


_PORT_PATTERN = re.compile(r":(\d+)/?\Z")
_PUSH_URL = re.compile(r"(https?://[^\s<>]+)/loki/api/v1/push/?\Z")
# What the loki exporter has and OTLP does not need: Loki makes labels of resource attributes itself.
_LOKI_ONLY = ("default_labels_enabled", "labels")
# Settings of every exporter that speaks HTTP.
_HTTP_SETTINGS = frozenset(
    (
        *("endpoint", "tls", "headers", "timeout", "compression", "auth", "proxy_url", "read_buffer_size"),
        *("write_buffer_size", "sending_queue", "retry_on_failure", *_LOKI_ONLY),
    )
)


@dataclass(frozen=True)
class Successor:
    """What takes a component's place: its type by today's name, whether the old type becomes its name, and edits."""

    type: str
    takes_type_as_name: bool
    edits: tuple[Edit, ...] = ()


Converter = Callable[[Path, Mapping[str, Any]], "Successor | str"]


def replace_removed_components(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield every component that the target lacks, with what takes its place or why nothing does."""
    for section_name, component_id, settings in list_components(config):
        component_type = type_of(component_id)
        # Another step gives types that were renamed their name.
        current_type = target.catalogue.choose_name(section_name, component_type, target.version)
        if target.catalogue.find_component(section_name, current_type, target.distribution, target.version):
            continue
        removal = target.catalogue.find_removal(section_name, component_type)
        if removal is None or parse_version(target.version) < parse_version(removal.gone_since):
            yield _report_missing(section_name, component_id, current_type, target)
            continue
        problem = f"'{component_type}' was removed in {removal.gone_since}"
        path: Path = (section_name, component_id)
        if (section_name, component_type) in _DROPPED_TYPES:
            yield Change(
                path,
                f"{component_id} removed",
                f"{problem}. {removal.instruction}",
                _remove_component(config, target, path),
            )
            continue
        convert = _CONVERTERS.get((section_name, component_type))
        successor_or_reason = (
            convert(path, settings if isinstance(settings, dict) else {}) if convert else removal.instruction
        )
        if isinstance(successor_or_reason, str):
            yield Unsolved(path, problem, successor_or_reason)
        else:
            yield _convert_component(config, target, path, successor_or_reason, problem)


def _report_missing(section_name: str, component_id: str, current_type: str, target: Target) -> Unsolved:
    other_distributions = target.catalogue.list_distributions_with(section_name, current_type, target.version)
    if other_distributions:
        why = f"Use one of the distributions that have it: {', '.join(other_distributions)}."
    else:
        why = f"No distribution of {target.version} has it."
    return Unsolved(
        (section_name, component_id), f"{target.distribution} {target.version} has no '{type_of(component_id)}'", why
    )


def _convert_component(
    config: Any, target: Target, path: Path, successor: Successor, problem: str
) -> Change | Unsolved:
    section_name, old_id = str(path[0]), str(path[1])
    new_type = target.catalogue.choose_name(section_name, successor.type, target.version)
    if not target.catalogue.find_component(section_name, new_type, target.distribution, target.version):
        return Unsolved(path, problem, f"{target.distribution} {target.version} has no '{new_type}' to replace it.")
    new_name = old_id.partition("/")[2] or (type_of(old_id) if successor.takes_type_as_name else "")
    new_id = f"{new_type}/{new_name}" if new_name else new_type
    if new_id in mapping_at(config, section_name):
        return Unsolved(path, problem, f"'{new_id}' takes its place, and is there already: keep one of the two.")
    edits = list_renaming_edits(config, target.catalogue, {(section_name, old_id): new_id})[section_name, old_id]
    return Change(path, f"{old_id} → {new_id}", f"{problem}.", (*edits, *successor.edits))


def _remove_component(config: Any, target: Target, path: Path) -> tuple[Edit, ...]:
    """Return the edits that remove a component and every mention of it."""
    mentions = [
        Drop(use_path) for use_path, component in find_component_uses(config, target.catalogue) if component == path
    ]
    return (Replace(path), *mentions)


def _convert_logging(path: Path, settings: Mapping[str, Any]) -> Successor | str:
    edits = tuple(Replace((*path, key), convert_level(settings, key)) for key in LEVELS if key in settings)
    return Successor("debug", False, edits)


def _make_port_converter(new_type: str, port: str) -> Converter:
    def convert(_path: Path, settings: Mapping[str, Any]) -> Successor | str:
        endpoint = str(settings.get("endpoint") or "")
        match = _PORT_PATTERN.search(endpoint)
        if match and match[1] == port:
            return Successor(new_type, True)
        return (
            f"Its successor {new_type} speaks OTLP, mostly on port {port}; '{endpoint}' is not that. Find the right"
            " one."
        )

    return convert


def _convert_loki(path: Path, settings: Mapping[str, Any]) -> Successor | str:
    other_keys = sorted(str(key) for key in settings if key not in _HTTP_SETTINGS)
    if other_keys:
        return f"Loki takes OTLP below its path /otlp, but what {', '.join(other_keys)} did has to be done otherwise."
    match = _PUSH_URL.match(str(settings.get("endpoint") or ""))
    if not match:
        return "Loki takes OTLP below its path /otlp, but the endpoint is not a URL that ends in /loki/api/v1/push."
    drop_edits = [Replace((*path, key)) for key in _LOKI_ONLY if key in settings]
    return Successor("otlp_http", True, (Put((*path, "endpoint"), f"{match[1]}/otlp"), *drop_edits))


def _make_plain_converter(new_type: str) -> Converter:
    return lambda _path, _settings: Successor(new_type, False)


_DROPPED_TYPES = {("extensions", "memory_ballast")}
_CONVERTERS: dict[tuple[str, str], Converter] = {
    ("exporters", "logging"): _convert_logging,
    ("exporters", "loki"): _convert_loki,
    ("exporters", "jaeger"): _make_port_converter("otlp_grpc", "4317"),
    ("exporters", "jaeger_thrift"): _make_port_converter("otlp_http", "4318"),
    ("exporters", "opencensus"): _make_port_converter("otlp_grpc", "4317"),
    ("exporters", "stackdriver"): _make_plain_converter("googlecloud"),
}


# Receivers that hold templates of other receivers below this key.
_TEMPLATES = ("receiver_creator", "receivers")


def rename_components(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield every component whose type has another name in the target version."""
    new_ids: dict[ComponentKey, str] = {}
    for section_name, component_id, _settings in list_components(config):
        new_id = change_type(
            component_id, target.catalogue.choose_name(section_name, type_of(component_id), target.version)
        )
        if new_id == component_id:
            continue
        if new_id in mapping_at(config, section_name):
            yield Unsolved(
                (section_name, component_id),
                f"'{component_id}' is called '{new_id}' now",
                f"'{new_id}' is there already.",
            )
        else:
            new_ids[section_name, component_id] = new_id
    for (section_name, old_id), edits in list_renaming_edits(config, target.catalogue, new_ids).items():
        what = f"{old_id} → {new_ids[section_name, old_id]}"
        yield Change((section_name, old_id), what, _explain_rename(section_name, type_of(old_id), target), tuple(edits))


def rename_templates(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield the types of receivers that a receiver_creator starts, where the target has another name for them."""
    creator_type, templates_key = _TEMPLATES
    for creator_id, settings in mapping_at(config, "receivers").items():
        for old_id in mapping_at(settings, templates_key) if type_of(creator_id) == creator_type else ():
            new_id = change_type(
                str(old_id), target.catalogue.choose_name("receivers", type_of(old_id), target.version)
            )
            if new_id != old_id and new_id not in mapping_at(settings, templates_key):
                path = ("receivers", creator_id, templates_key, old_id)
                yield Change(
                    path,
                    f"{old_id} → {new_id}",
                    _explain_rename("receivers", type_of(old_id), target),
                    (RenameKey(path, new_id),),
                )


def _explain_rename(section_name: str, component_type: str, target: Target) -> str:
    rename = target.catalogue.find_rename(section_name, component_type)
    if rename is None:
        return ""
    if parse_version(target.version) < parse_version(rename.since_version):
        return f"The name {rename.new_name} came with {rename.since_version}; {target.version} does not know it."
    return f"Renamed in {rename.since_version}."


# Settings first, while components still have the names that the user knows; then successors, by the names that the
# target has for them; then all other names.
STEPS: tuple[Step, ...] = (
    brace_bare_variables,
    move_telemetry_address,
    move_batcher,
    rename_overflow,
    move_deprecated_batches,
    wrap_actions,
    remove_ballast,
    rename_verbosity,
    remove_start_time,
    move_keep_alives,
    keep_elasticsearch_documents,
    move_to_signals,
    replace_removed_components,
    rename_components,
    rename_templates,
)
