# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components that the target version does not have: what replaces each, or why a person has to replace it.

`replace_removed_components` is one of the steps of a migration (steps.py). For a target from 0.111 on, it turns

    exporters: {logging: {loglevel: debug}}    →    exporters: {debug: {verbosity: detailed}}

A successor is the component that replaces a removed one, here exporter `debug`. A converter (see `_CONVERTERS`) makes
it of the old settings, or says what a person has to do. Edits and changes are defined in data_edits.py. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..catalogue.catalogue import Catalogue
from ..config.collector_versions import parse_version
from ..config.paths import Path, mapping_at
from ..rules.build_facts import TargetBuild
from .component_mentions import ComponentKey, list_components, list_mentions, list_renaming_edits, type_of
from .data_edits import ConfigChange, Drop, Edit, Put, Replace, Unsolved
from .moved_settings import LEVELS, convert_level

# The port at the end of an address, such as `collector:14250`. Group: the port.
_PORT_PATTERN = re.compile(r":(\d+)/?\Z")
# A URL to which the loki exporter sends, such as `http://loki:3100/loki/api/v1/push`. Group: what is before the path.
_LOKI_PUSH_URL = re.compile(r"(https?://[^\s<>]+)/loki/api/v1/push/?\Z")
# What the loki exporter has and OTLP does not need: Loki makes labels of resource attributes itself.
_LOKI_ONLY_KEYS = ("default_labels_enabled", "labels")
# Settings of every exporter that speaks HTTP, which exporter otlp_http takes too.
_HTTP_SETTINGS = frozenset(
    (
        *("endpoint", "tls", "headers", "timeout", "compression", "auth", "proxy_url", "read_buffer_size"),
        *("write_buffer_size", "sending_queue", "retry_on_failure", *_LOKI_ONLY_KEYS),
    )
)


@dataclass(frozen=True)
class Successor:
    """The component that replaces a removed one.

    `type` is its newest name. With `takes_type_as_name`, the old type becomes the name: `jaeger` becomes
    `otlp_grpc/jaeger`. `edits` change the settings.
    """

    type: str
    takes_type_as_name: bool
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class ManualWork:
    """What a person has to do, because no successor can be made of the settings of a removed component."""

    instruction: str


Converter = Callable[[Path, Mapping[str, Any]], "Successor | ManualWork"]
"""Takes the path and the settings of a component; returns its successor, or what a person has to do."""


def replace_removed_components(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield every component that the target lacks, with what replaces it or why nothing does."""
    for section_name, component_id, settings in list_components(config):
        component_type = type_of(component_id)
        # A later step renames components whose type has another name in the target.
        current_type = target.catalogue.choose_name(section_name, component_type, target.version)
        if _has_component(target, section_name, current_type):
            continue
        removal = target.catalogue.find_removal(section_name, component_type)
        if removal is None or parse_version(target.version) < parse_version(removal.gone_since):
            yield _report_missing(section_name, component_id, current_type, target)
            continue
        path: Path = (section_name, component_id)
        problem = f"'{component_type}' was removed in {removal.gone_since}"
        if (section_name, component_type) in _DROPPED_TYPES:
            edits = _list_removing_edits(config, target.catalogue, (section_name, component_id))
            yield ConfigChange(path, f"{component_id} removed", f"{problem}. {removal.instruction}", edits)
            continue
        solution = _convert_component(path, settings, removal.instruction)
        if isinstance(solution, ManualWork):
            yield Unsolved(path, problem, solution.instruction)
        else:
            yield _replace_component(config, target, path, solution, problem)


def _has_component(target: TargetBuild, section_name: str, component_type: str) -> bool:
    component = target.catalogue.find_component(section_name, component_type, target.distribution, target.version)
    return component is not None


def _report_missing(section_name: str, component_id: str, current_type: str, target: TargetBuild) -> Unsolved:
    """Return the manual change for a type that this build lacks, although the Collector did not remove it."""
    other_distributions = target.catalogue.list_distributions_with(section_name, current_type, target.version)
    if other_distributions:
        why = f"Use one of the distributions that have it: {', '.join(other_distributions)}."
    else:
        why = f"No distribution of {target.version} has it."
    problem = f"{target.distribution} {target.version} has no '{type_of(component_id)}'"
    return Unsolved((section_name, component_id), problem, why)


def _list_removing_edits(config: Any, catalogue: Catalogue, component: ComponentKey) -> tuple[Edit, ...]:
    """Return the edits that remove a component and every mention of it."""
    edits: list[Edit] = [Replace(component)]
    for mention in list_mentions(config, catalogue):
        if mention.component == component:
            edits.append(Drop(mention.path))
    return tuple(edits)


def _convert_component(path: Path, settings: Any, instruction: str) -> Successor | ManualWork:
    """Return the successor of the component at a path. Without a converter, a person does what `instruction` says."""
    section_name, component_id = path
    convert = _CONVERTERS.get((str(section_name), type_of(component_id)))
    if convert is None:
        return ManualWork(instruction)
    return convert(path, settings if isinstance(settings, dict) else {})


def _replace_component(
    config: Any, target: TargetBuild, path: Path, successor: Successor, problem: str
) -> ConfigChange | Unsolved:
    """Return the change that puts a successor in the place of a component, or why the target cannot have it."""
    section_name, old_id = str(path[0]), str(path[1])
    new_type = target.catalogue.choose_name(section_name, successor.type, target.version)
    if not _has_component(target, section_name, new_type):
        return Unsolved(path, problem, f"{target.distribution} {target.version} has no '{new_type}' to replace it.")
    old_type, _slash, new_name = old_id.partition("/")
    if not new_name and successor.takes_type_as_name:
        new_name = old_type
    new_id = f"{new_type}/{new_name}" if new_name else new_type
    if new_id in mapping_at(config, section_name):
        return Unsolved(path, problem, f"'{new_id}' takes its place, and is there already: keep one of the two.")
    edits = list_renaming_edits(config, target.catalogue, {(section_name, old_id): new_id})[section_name, old_id]
    return ConfigChange(path, f"{old_id} → {new_id}", f"{problem}.", (*edits, *successor.edits))


# ── Converters ──


def _convert_logging(path: Path, settings: Mapping[str, Any]) -> Successor | ManualWork:
    """Return exporter debug, with the verbosity of the level."""
    edits = tuple(Replace((*path, key), convert_level(settings, key)) for key in LEVELS if key in settings)
    return Successor("debug", takes_type_as_name=False, edits=edits)


def _convert_loki(path: Path, settings: Mapping[str, Any]) -> Successor | ManualWork:
    """Return an exporter of OTLP to the same Loki, if its URL is known and no other setting is lost."""
    other_keys = sorted(str(key) for key in settings if key not in _HTTP_SETTINGS)
    if other_keys:
        return ManualWork(
            f"Loki takes OTLP below its path /otlp, but what {', '.join(other_keys)} did has to be done otherwise."
        )
    url_match = _LOKI_PUSH_URL.match(str(settings.get("endpoint") or ""))
    if not url_match:
        return ManualWork(
            "Loki takes OTLP below its path /otlp, but the endpoint is not a URL that ends in /loki/api/v1/push."
        )
    new_endpoint = Put((*path, "endpoint"), f"{url_match[1]}/otlp")
    removed_keys = [Replace((*path, key)) for key in _LOKI_ONLY_KEYS if key in settings]
    return Successor("otlp_http", takes_type_as_name=True, edits=(new_endpoint, *removed_keys))


def _make_port_converter(new_type: str, otlp_port: str) -> Converter:
    """Return the converter to an exporter of OTLP, for endpoints whose port is already that of OTLP."""

    def convert(_path: Path, settings: Mapping[str, Any]) -> Successor | ManualWork:
        endpoint = str(settings.get("endpoint") or "")
        port_match = _PORT_PATTERN.search(endpoint)
        if port_match and port_match[1] == otlp_port:
            return Successor(new_type, takes_type_as_name=True)
        return ManualWork(
            f"Its successor {new_type} speaks OTLP, mostly on port {otlp_port}; '{endpoint}' is not that. Find the"
            " right one."
        )

    return convert


def _make_plain_converter(new_type: str) -> Converter:
    """Return the converter to a type with the same settings."""
    return lambda _path, _settings: Successor(new_type, takes_type_as_name=False)


# Section and type of components that nothing needs to replace.
_DROPPED_TYPES = {("extensions", "memory_ballast")}
# The converter of each removed component that has a successor, by section and type.
_CONVERTERS: dict[tuple[str, str], Converter] = {
    ("exporters", "logging"): _convert_logging,
    ("exporters", "loki"): _convert_loki,
    ("exporters", "jaeger"): _make_port_converter("otlp_grpc", "4317"),
    ("exporters", "jaeger_thrift"): _make_port_converter("otlp_http", "4318"),
    ("exporters", "opencensus"): _make_port_converter("otlp_grpc", "4317"),
    ("exporters", "stackdriver"): _make_plain_converter("googlecloud"),
}
