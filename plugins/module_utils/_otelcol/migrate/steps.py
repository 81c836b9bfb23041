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
from ..config.paths import Path, section
from ..rules.build_facts import Target
from .batch_processor import batches
from .data_edits import (
    Change,
    Drop,
    Edit,
    Id,
    Put,
    RenameKey,
    Replace,
    Unsolved,
    component_uses,
    defined_components,
    renaming_edits,
    type_of,
    with_type,
)
from .kept_documents import elasticsearch_documents
from .moved_settings import (
    LEVELS,
    actions,
    ballast,
    bare_variables,
    batcher,
    keep_alives,
    overflow,
    per_signal,
    start_time,
    telemetry_address,
    verbosity,
    verbosity_of,
)

Step = Callable[[Any, Target], Iterator[Change | Unsolved]]


_PORT = re.compile(r":(\d+)/?\Z")
_PUSH = re.compile(r"(https?://[^\s<>]+)/loki/api/v1/push/?\Z")
# What the loki exporter has and OTLP does not need: Loki makes labels of resource attributes itself.
_LOKI_ONLY = ("default_labels_enabled", "labels")
# Settings of every exporter that speaks HTTP.
_HTTP = frozenset(
    (
        *("endpoint", "tls", "headers", "timeout", "compression", "auth", "proxy_url", "read_buffer_size"),
        *("write_buffer_size", "sending_queue", "retry_on_failure", *_LOKI_ONLY),
    )
)


@dataclass(frozen=True)
class Successor:
    """What takes a component's place: its type by today's name, whether the old type becomes its name, and edits."""

    type: str
    named: bool
    edits: tuple[Edit, ...] = ()


Convert = Callable[[Path, Mapping[str, Any]], "Successor | str"]


def removed(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield every component that the target lacks, with what takes its place or why nothing does."""
    for name, component_id, settings in defined_components(config):
        kind = type_of(component_id)
        # Another step gives types that were renamed their name.
        current = target.catalogue.name_for(name, kind, target.version)
        if target.catalogue.find(name, current, target.distribution, target.version):
            continue
        gone = target.catalogue.removal(name, kind)
        if gone is None or parse_version(target.version) < parse_version(gone.gone):
            yield _missing(name, component_id, current, target)
            continue
        what = f"'{kind}' was removed in {gone.gone}"
        path: Path = (name, component_id)
        if (name, kind) in _DROPPED:
            yield Change(path, f"{component_id} removed", f"{what}. {gone.how}", _without(config, target, path))
            continue
        convert = _CONVERTERS.get((name, kind))
        result = convert(path, settings if isinstance(settings, dict) else {}) if convert else gone.how
        if isinstance(result, str):
            yield Unsolved(path, what, result)
        else:
            yield _converted(config, target, path, result, what)


def _missing(name: str, component_id: str, current: str, target: Target) -> Unsolved:
    others = target.catalogue.available_in(name, current, target.version)
    if others:
        why = f"Use one of the distributions that have it: {', '.join(others)}."
    else:
        why = f"No distribution of {target.version} has it."
    return Unsolved(
        (name, component_id), f"{target.distribution} {target.version} has no '{type_of(component_id)}'", why
    )


def _converted(config: Any, target: Target, path: Path, successor: Successor, what: str) -> Change | Unsolved:
    name, old = str(path[0]), str(path[1])
    kind = target.catalogue.name_for(name, successor.type, target.version)
    if not target.catalogue.find(name, kind, target.distribution, target.version):
        return Unsolved(path, what, f"{target.distribution} {target.version} has no '{kind}' to replace it.")
    own = old.partition("/")[2] or (type_of(old) if successor.named else "")
    new = f"{kind}/{own}" if own else kind
    if new in section(config, name):
        return Unsolved(path, what, f"'{new}' takes its place, and is there already: keep one of the two.")
    edits = renaming_edits(config, target.catalogue, {(name, old): new})[name, old]
    return Change(path, f"{old} → {new}", f"{what}.", (*edits, *successor.edits))


def _without(config: Any, target: Target, path: Path) -> tuple[Edit, ...]:
    """Return the edits that remove a component and every mention of it."""
    mentions = [Drop(use) for use, key in component_uses(config, target.catalogue) if key == path]
    return (Replace(path), *mentions)


def _logging(path: Path, settings: Mapping[str, Any]) -> Successor | str:
    edits = tuple(Replace((*path, key), verbosity_of(settings, key)) for key in LEVELS if key in settings)
    return Successor("debug", False, edits)


def _by_port(kind: str, port: str) -> Convert:
    def convert(_path: Path, settings: Mapping[str, Any]) -> Successor | str:
        endpoint = str(settings.get("endpoint") or "")
        match = _PORT.search(endpoint)
        if match and match[1] == port:
            return Successor(kind, True)
        return f"Its successor {kind} speaks OTLP, mostly on port {port}; '{endpoint}' is not that. Find the right one."

    return convert


def _loki(path: Path, settings: Mapping[str, Any]) -> Successor | str:
    other = sorted(str(key) for key in settings if key not in _HTTP)
    if other:
        return f"Loki takes OTLP below its path /otlp, but what {', '.join(other)} did has to be done otherwise."
    match = _PUSH.match(str(settings.get("endpoint") or ""))
    if not match:
        return "Loki takes OTLP below its path /otlp, but the endpoint is not a URL that ends in /loki/api/v1/push."
    dropped = [Replace((*path, key)) for key in _LOKI_ONLY if key in settings]
    return Successor("otlp_http", True, (Put((*path, "endpoint"), f"{match[1]}/otlp"), *dropped))


def _same(kind: str) -> Convert:
    return lambda _path, _settings: Successor(kind, False)


_DROPPED = {("extensions", "memory_ballast")}
_CONVERTERS: dict[tuple[str, str], Convert] = {
    ("exporters", "logging"): _logging,
    ("exporters", "loki"): _loki,
    ("exporters", "jaeger"): _by_port("otlp_grpc", "4317"),
    ("exporters", "jaeger_thrift"): _by_port("otlp_http", "4318"),
    ("exporters", "opencensus"): _by_port("otlp_grpc", "4317"),
    ("exporters", "stackdriver"): _same("googlecloud"),
}


# Receivers that hold templates of other receivers below this key.
_TEMPLATES = ("receiver_creator", "receivers")


def renamed(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield every component whose type has another name in the target version."""
    wanted: dict[Id, str] = {}
    for name, component_id, _settings in defined_components(config):
        new = with_type(component_id, target.catalogue.name_for(name, type_of(component_id), target.version))
        if new == component_id:
            continue
        if new in section(config, name):
            yield Unsolved(
                (name, component_id), f"'{component_id}' is called '{new}' now", f"'{new}' is there already."
            )
        else:
            wanted[name, component_id] = new
    for (name, old), edits in renaming_edits(config, target.catalogue, wanted).items():
        what = f"{old} → {wanted[name, old]}"
        yield Change((name, old), what, _why(name, type_of(old), target), tuple(edits))


def templates(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield the types of receivers that a receiver_creator starts, where the target has another name for them."""
    kind, key = _TEMPLATES
    for creator, settings in section(config, "receivers").items():
        for old in section(settings, key) if type_of(creator) == kind else ():
            new = with_type(str(old), target.catalogue.name_for("receivers", type_of(old), target.version))
            if new != old and new not in section(settings, key):
                path = ("receivers", creator, key, old)
                yield Change(path, f"{old} → {new}", _why("receivers", type_of(old), target), (RenameKey(path, new),))


def _why(name: str, kind: str, target: Target) -> str:
    rename = target.catalogue.rename(name, kind)
    if rename is None:
        return ""
    if parse_version(target.version) < parse_version(rename.since):
        return f"The name {rename.new} came with {rename.since}; {target.version} does not know it."
    return f"Renamed in {rename.since}."


# Settings first, while components still have the names that the user knows; then successors, by the names that the
# target has for them; then all other names.
STEPS: tuple[Step, ...] = (
    bare_variables,
    telemetry_address,
    batcher,
    overflow,
    batches,
    actions,
    ballast,
    verbosity,
    start_time,
    keep_alives,
    elasticsearch_documents,
    per_signal,
    removed,
    renamed,
    templates,
)
