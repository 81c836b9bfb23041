# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on component types: which types the Collector build has, and under which names.

Source of each: the Collector's otelcol/internal/configunmarshaler (`unknown type`) and service/internal/graph
(`telemetry type is not supported`), with the catalogue for what a build consists of. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from ..catalogue.component_types import Component
from ..catalogue.rows import SECTIONS
from ..config.layers import parse_version
from ..config.paths import Path, at, section
from ..errors import may_suggest
from ..traits import EXPORTERS, Trait, types_that
from ..traits import kind_of as plain_kind
from .subject import Fault, Subject, once, rules, shared_rules
from .view import Build, build_of


def kind_of(component_id: object) -> str:
    """Return the type of a component id; an empty string for an invalid id."""
    return component_id.partition("/")[0].strip() if isinstance(component_id, str) else ""


@once
def configured_components(subject: Subject) -> Iterator[tuple[str, str, str, Any]]:
    """Yield section, id, type and settings of every component."""
    for name in SECTIONS:
        for component_id, settings in section(subject.config, name).items():
            kind = kind_of(component_id)
            if kind:
                yield name, component_id, kind, settings


TELEMETRY = ("service", "telemetry")
_LONGEST, _MOST = 4096, 4096  # characters of settings, and how many of them are remembered
_Item = TypeVar("_Item")


@once
def _remembering(subject: Subject) -> Iterator[tuple[tuple[str, str, str, Any], dict[Any, Any]]]:
    """Yield every component, and the Collector's own telemetry as one, with what functions found in its settings."""
    if subject.target is None:
        return
    known = build_of(subject.target).remembered
    for place in (*configured_components(subject), (*TELEMETRY, TELEMETRY[1], at(subject.config, TELEMETRY))):
        key = (place[0], place[1], repr(place[3]))
        if len(known) >= _MOST:
            known.clear()
        yield place, known.setdefault(key, {}) if len(key[2]) <= _LONGEST else {}


def remembered_by_settings(
    find: Callable[[Build, str, str, str, Any], Iterable[_Item]],
) -> Callable[[Subject], Iterator[tuple[tuple[str, str], _Item]]]:
    """Let configs share what a function finds in settings, for most settings are those of other configs too.

    Its answer follows from what it gets, and nothing else: the build, a section, an id, its type and the settings.
    """

    @wraps(find)
    def found(subject: Subject) -> Iterator[tuple[tuple[str, str], _Item]]:
        for (name, component_id, kind, settings), answers in _remembering(subject):
            answer = answers.get(find)
            if answer is None and subject.target:
                answer = tuple(find(build_of(subject.target), name, component_id, kind, settings))
                if may_suggest():
                    answers[find] = answer
            for item in answer or ():
                yield (name, component_id), item

    return found


@once
def listed_components(subject: Subject) -> Iterator[tuple[Path, str, str, str]]:
    """Yield path, signal, role and id of every component in a pipeline."""
    for pipeline, roles in section(subject.config, "service", "pipelines").items():
        for role in ("receivers", "processors", "exporters") if isinstance(roles, dict) else ():
            ids = roles.get(role)
            for index, item in enumerate(ids if isinstance(ids, list) else ()):
                if isinstance(item, str):
                    yield ("service", "pipelines", pipeline, role, index), kind_of(pipeline), role, item


@once
def used_components(subject: Subject) -> Iterator[tuple[Path, str, str, str]]:
    """Yield the same without connectors."""
    return (item for item in listed_components(subject) if item[2] == "processors" or item[3] not in subject.connectors)


def older_name(subject: Subject) -> Iterator[Fault]:
    """Yield the first older name of a component that the build still accepts, with all others of the config.

    The Collector logs a line about each of them at start.
    """
    build = build_of(subject.target) if subject.target else None
    renamed = list(_renamed(subject, build)) if build else []
    if not renamed:
        return
    first, *others = _once_each(renamed)
    since = f" since {first.since}" if first.since else ""
    more = "".join(f"; '{one.older}' is '{one.newer}'" for one in others)
    message = f"'{first.older}' is called '{first.newer}'{since}{more}"
    fix = f"Write `{first.newer}`." if not others else "Write the newer names; module pipeline_migrate does it."
    yield Fault(first.path, message, fix)


@dataclass(frozen=True)
class RenamedComponent:
    """A component under its older name: where it stands, both names of its type, and the version of the newer one."""

    path: Path
    older: str
    newer: str
    since: str


def _renamed(subject: Subject, build: Build) -> Iterator[RenamedComponent]:
    for name, component_id, kind, _settings in configured_components(subject):
        found = build.find(name, kind)
        if found and found.renamed:
            renamed = build.catalogue.rename(name, kind)
            yield RenamedComponent((name, component_id), kind, found.renamed, renamed.since if renamed else "")


def _once_each(components: Iterable[RenamedComponent]) -> list[RenamedComponent]:
    """Return the first component of each type."""
    found: dict[tuple[str, str], RenamedComponent] = {}
    for one in components:
        found.setdefault((str(one.path[0]), one.older), one)
    return list(found.values())


def unsupported_signal(subject: Subject) -> Iterator[Fault]:
    """Yield components in pipelines of a signal that they do not support; the Collector does not start."""
    for path, signal, found, doubt in _in_pipelines(subject):
        if found.signals is not None and signal not in found.signals:
            known = ", ".join(sorted(found.signals))
            note = f" ({doubt})" if doubt else ""
            message = f"{path[3]} of type '{found.name}' do not take {signal}{note}"
            fix = f"It takes {known}." if known else "It takes no signal."
            yield Fault(path, message, fix, severity="warning" if doubt else "")


def unstable_signal(subject: Subject) -> Iterator[Fault]:
    """Yield components whose support of a pipeline's signal is in development or alpha; settings may change."""
    for path, signal, found, _doubt in _in_pipelines(subject):
        level = (found.stability or {}).get(signal)
        if level in ("development", "alpha"):
            yield Fault(path, f"'{found.name}' is {level} for {signal}", "Expect changes with every version.")


@once
def _in_pipelines(subject: Subject) -> Iterator[tuple[Path, str, Component, str]]:
    if subject.target is None:
        return
    build = build_of(subject.target)
    for path, signal, role, component_id in used_components(subject):
        found = build.find(role, kind_of(component_id))
        if found and signal in ("traces", "metrics", "logs", "profiles"):
            yield path, signal, found, build.doubt_of_signals(found)


def _refused(subject: Subject, rule_id: str) -> Iterator[Fault]:
    if subject.target is None:
        return
    build = build_of(subject.target)
    for name, component_id, kind, _settings in configured_components(subject):
        verdict = build.verdict(name, kind)
        if verdict and verdict.rule == rule_id:
            yield Fault((name, component_id), verdict.message, verdict.fix, severity=verdict.severity)


@dataclass(frozen=True)
class Move:
    """A setting of components, or of the service, that moved or was removed. Kinds are without underscores.

    `since` is the version that deprecates it, `gone` the first that refuses it (empty: none does).
    """

    section: str
    kinds: tuple[str, ...]
    path: Path
    since: str
    gone: str
    instead: str


# Exporters that have all settings of exporterhelper.
_HELPED = types_that(EXPORTERS, Trait.SPEAKS_GRPC, Trait.SPEAKS_HTTP)
_ADDRESS: Path = ("telemetry", "metrics", "address")
_QUEUE = "sending_queue"
_READERS = "Write `readers: [{pull: {exporter: {prometheus: {host, port}}}}]`; since 0.123 it is ignored."
_HTTP = types_that(EXPORTERS, Trait.SPEAKS_HTTP)
_SERVER: Path = ("protocols", "http")
_BELOW, _OFF = "Write it below `keepalive`.", "Write `keepalive: {enabled: false}` where connections are not kept."
_BATCHED = "Write `sending_queue: {batch: …}`, and `num_consumers` for the number of workers."
_ALWAYS_DYNAMIC = "Remove it: it does nothing. Attributes choose the index of each document, unless an index is given."
_FIRST = "Remove it: only the first match counts. For several matches, list several routing connectors in the pipeline."

# Sources: CHANGELOG.md and the tags of the Collector at the version in each row; config/confighttp at 0.160 and 0.165;
# contrib's jaegerreceiver/config.go and routingconnector/README.md.
MOVES = (
    Move("exporters", _HELPED, ("batcher",), "0.123.0", "0.130.0", "Write `sending_queue.batch`."),
    Move("exporters", _HELPED, (_QUEUE, "blocking"), "0.123.0", "0.129.0", "Write `block_on_overflow`."),
    Move("exporters", ("debug",), ("loglevel",), "0.86.0", "0.86.0", "Write `verbosity`."),
    Move("receivers", ("jaeger",), ("remote_sampling",), "0.61.0", "0.61.0", "Use extension `jaegerremotesampling`."),
    Move("connectors", ("routing",), ("match_once",), "0.116.0", "0.120.0", _FIRST),
    Move("exporters", _HTTP, ("idle_conn_timeout",), "0.160.0", "0.165.0", _BELOW),
    Move("exporters", _HTTP, ("max_idle_conns",), "0.160.0", "0.165.0", _BELOW),
    Move("exporters", _HTTP, ("max_idle_conns_per_host",), "0.160.0", "0.165.0", _BELOW),
    Move("exporters", _HTTP, ("disable_keep_alives",), "0.160.0", "0.165.0", _OFF),
    Move("receivers", ("otlp",), (*_SERVER, "idle_timeout"), "0.160.0", "0.165.0", _BELOW),
    Move("receivers", ("otlp",), (*_SERVER, "keep_alives_enabled"), "0.160.0", "0.165.0", _OFF),
    Move("exporters", ("elasticsearch",), ("flush",), "0.162.0", "0.162.0", _BATCHED),
    Move("exporters", ("elasticsearch",), ("num_workers",), "0.162.0", "0.162.0", _BATCHED),
    *(
        Move("exporters", ("elasticsearch",), (f"{signal}_dynamic_index",), "0.122.0", "", _ALWAYS_DYNAMIC)
        for signal in ("logs", "metrics", "traces")
    ),
    Move("service", ("",), _ADDRESS, "0.111.0", "0.128.0", _READERS),
)
_MOVES_OF: dict[tuple[str, str], list[Move]] = {}
for _move in MOVES:
    for _kind in _move.kinds:
        _MOVES_OF.setdefault((_move.section, _kind), []).append(_move)


def removed_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that this version removed and rejects."""
    for path, move in moves(subject):
        if gone(move, subject):
            yield Fault(path, f"'{path[-1]}' is gone since {move.gone}", move.instead)


def moved_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that this version deprecates; a later version rejects or ignores them."""
    for path, move in moves(subject):
        if not gone(move, subject):
            yield Fault(path, f"'{path[-1]}' is deprecated since {move.since}", move.instead)


def moves(subject: Subject) -> Iterator[tuple[Path, Move]]:
    """Yield every setting of the table that the config uses and its version deprecates or removed."""
    version = parse_version(subject.target.version) if subject.target else ()
    return (
        (path, move) for path, move in movable_settings(subject) if version and version >= parse_version(move.since)
    )


@once
def movable_settings(subject: Subject) -> Iterator[tuple[Path, Move]]:
    """Yield every setting of the table that the config uses, whatever its version."""
    for path, settings, kind, name in _places(subject):
        for move in _MOVES_OF.get((name, plain_kind(kind)), ()):
            if _has(settings, move.path):
                yield (*path, *move.path), move


def gone(move: Move, subject: Subject) -> bool:
    """Whether the subject's version rejects the setting."""
    return bool(move.gone and subject.target and parse_version(subject.target.version) >= parse_version(move.gone))


def _places(subject: Subject) -> Iterator[tuple[Path, Any, str, str]]:
    yield ("service",), section(subject.config, "service"), "", "service"
    for name, component_id, kind, settings in configured_components(subject):
        yield (name, component_id), settings, kind, name


def _has(settings: Any, path: Path) -> bool:
    around = at(settings, path[:-1])
    return isinstance(around, dict) and path[-1] in around


_REASONS = {
    "unknown-component": "Yield types that the build does not have; the Collector stops with `unknown type`.",
    "wrong-class": "Yield types in the wrong section: no build has them there, but in another section.",
    "newer-name": "Yield names that a later version introduced; this version knows only the older name.",
    "removed-component": "Yield types, or older names of types, that the version no longer has.",
}
RULES = (
    *shared_rules(_refused, _REASONS),
    *rules("info", older_name),
    *rules("error", unsupported_signal, shared=True),
    *rules("info", unstable_signal),
    *rules("error", removed_setting, shared=True),
    *rules("warning", moved_setting),
)
