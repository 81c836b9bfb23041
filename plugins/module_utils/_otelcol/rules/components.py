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
from typing import Any, NamedTuple, TypeVar

from ..catalogue.component_types import Component
from ..catalogue.rows import SECTIONS
from ..config.layers import parse_version
from ..config.paths import ROLES, Path, at, items, section
from ..errors import may_suggest
from ..traits import EXPORTERS, Trait, kind_of, types_that
from .subject import Fault, Subject, once, rules, shared_rules
from .view import Build, build_of


class ConfiguredComponent(NamedTuple):
    """A component of a config: its section, its id, its type as the id spells it, and its settings."""

    section: str
    id: str
    kind: str
    settings: Any

    @property
    def path(self) -> tuple[str, str]:
        """Where it stands in the config."""
        return self.section, self.id


class ListedComponent(NamedTuple):
    """A component in a pipeline: where it stands, the signal of the pipeline, its role there, and its id."""

    path: Path
    signal: str
    role: str
    id: str


def component_type(component_id: object) -> str:
    """Return the type of a component id as it is spelled; an empty string for an invalid id."""
    return component_id.partition("/")[0].strip() if isinstance(component_id, str) else ""


@once
def configured_components(subject: Subject) -> Iterator[ConfiguredComponent]:
    """Yield every component of the config with a valid id, whether a pipeline uses it or not."""
    for name in SECTIONS:
        for component_id, settings in section(subject.config, name).items():
            kind = component_type(component_id)
            if kind:
                yield ConfiguredComponent(name, component_id, kind, settings)


TELEMETRY = ("service", "telemetry")
_SIGNALS = ("traces", "metrics", "logs", "profiles")
_LONGEST, _MOST = 4096, 4096  # characters of settings, and how many of them are remembered
_Answer = TypeVar("_Answer")


@once
def _remembering(subject: Subject) -> Iterator[tuple[ConfiguredComponent, dict[Any, Any]]]:
    """Yield every component, and the Collector's own telemetry as one, with what functions found in its settings."""
    if subject.target is None:
        return
    remembered = build_of(subject.target).remembered
    telemetry = ConfiguredComponent(*TELEMETRY, TELEMETRY[1], at(subject.config, TELEMETRY))
    for component in (*configured_components(subject), telemetry):
        settings_text = repr(component.settings)
        if len(remembered) >= _MOST:
            remembered.clear()
        if len(settings_text) > _LONGEST:
            yield component, {}
        else:
            yield component, remembered.setdefault((component.section, component.id, settings_text), {})


def remembered_by_settings(
    find: Callable[[Build, str, str, str, Any], Iterable[_Answer]],
) -> Callable[[Subject], Iterator[tuple[tuple[str, str], _Answer]]]:
    """Let configs share what a function finds in settings, for most settings are those of other configs too.

    Its answer follows from what it gets, and nothing else: the build, a section, an id, its type and the settings.
    """

    @wraps(find)
    def find_or_recall(subject: Subject) -> Iterator[tuple[tuple[str, str], _Answer]]:
        if subject.target is None:
            return
        build = build_of(subject.target)
        for component, known_answers in _remembering(subject):
            answers = known_answers.get(find)
            if answers is None:
                answers = tuple(find(build, *component))
                if may_suggest():  # else they lack suggestions, which later ones may have
                    known_answers[find] = answers
            for answer in answers:
                yield component.path, answer

    return find_or_recall


@once
def listed_components(subject: Subject) -> Iterator[ListedComponent]:
    """Yield every component in a pipeline."""
    for pipeline, roles in section(subject.config, "service", "pipelines").items():
        for role in ROLES:
            for index, component_id in enumerate(items(roles, role)):
                if isinstance(component_id, str):
                    path = ("service", "pipelines", pipeline, role, index)
                    yield ListedComponent(path, component_type(pipeline), role, component_id)


@once
def used_components(subject: Subject) -> Iterator[ListedComponent]:
    """Yield the same without connectors."""
    for component in listed_components(subject):
        is_connector = component.role != "processors" and component.id in subject.connectors
        if not is_connector:
            yield component


def older_name(subject: Subject) -> Iterator[Fault]:
    """Yield the first older name of a component that the build still accepts, with all others of the config.

    The Collector logs a line about each of them at start.
    """
    renamed = _once_each(_renamed_components(subject))
    if not renamed:
        return
    first, *others = renamed
    since = f" since {first.since}" if first.since else ""
    more = "".join(f"; '{other.older}' is '{other.newer}'" for other in others)
    fix = f"Write `{first.newer}`."
    if others:
        fix = "Write the newer names; module pipeline_migrate does it."
    yield Fault(first.path, f"'{first.older}' is called '{first.newer}'{since}{more}", fix)


@dataclass(frozen=True)
class RenamedComponent:
    """A component under its older name: where it stands, both names of its type, and the version of the newer one."""

    path: Path
    older: str
    newer: str
    since: str


def _renamed_components(subject: Subject) -> Iterator[RenamedComponent]:
    """Yield the components of a config under older names that the build accepts."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    for component in configured_components(subject):
        known = build.find(component.section, component.kind)
        if known and known.renamed:
            rename = build.catalogue.rename(component.section, component.kind)
            since = rename.since if rename else ""
            yield RenamedComponent(component.path, component.kind, known.renamed, since)


def _once_each(components: Iterable[RenamedComponent]) -> list[RenamedComponent]:
    """Return the first component of each type."""
    first_ones: dict[tuple[str, str], RenamedComponent] = {}
    for component in components:
        first_ones.setdefault((str(component.path[0]), component.older), component)
    return list(first_ones.values())


class KnownUse(NamedTuple):
    """A component of a known type in a pipeline: its role and signal there, and why its signals may be others."""

    path: Path
    role: str
    signal: str
    component: Component
    doubt: str


def unsupported_signal(subject: Subject) -> Iterator[Fault]:
    """Yield components in pipelines of a signal that they do not support; the Collector does not start."""
    for use in _known_uses(subject):
        signals = use.component.signals
        if signals is None or use.signal in signals:
            continue
        note = f" ({use.doubt})" if use.doubt else ""
        message = f"{use.role} of type '{use.component.name}' do not take {use.signal}{note}"
        known = ", ".join(sorted(signals))
        fix = f"It takes {known}." if known else "It takes no signal."
        yield Fault(use.path, message, fix, severity="warning" if use.doubt else "")


def unstable_signal(subject: Subject) -> Iterator[Fault]:
    """Yield components whose support of a pipeline's signal is in development or alpha; settings may change."""
    for use in _known_uses(subject):
        level = (use.component.stability or {}).get(use.signal)
        if level in ("development", "alpha"):
            message = f"'{use.component.name}' is {level} for {use.signal}"
            yield Fault(use.path, message, "Expect changes with every version.")


@once
def _known_uses(subject: Subject) -> Iterator[KnownUse]:
    """Yield the components in pipelines whose types the build knows, without connectors."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    for listed in used_components(subject):
        known = build.find(listed.role, component_type(listed.id))
        if known and listed.signal in _SIGNALS:
            doubt = build.doubt_of_signals(known)
            yield KnownUse(listed.path, listed.role, listed.signal, known, doubt)


def _refused_types(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the types that the build refuses for the reason of one rule."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    for component in configured_components(subject):
        verdict = build.verdict(component.section, component.kind)
        if verdict and verdict.rule == rule_id:
            yield Fault(component.path, verdict.message, verdict.fix, severity=verdict.severity)


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
    for path, move in used_moves(subject):
        if is_gone(move, subject):
            yield Fault(path, f"'{path[-1]}' is gone since {move.gone}", move.instead)


def moved_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that this version deprecates; a later version rejects or ignores them."""
    for path, move in used_moves(subject):
        if not is_gone(move, subject):
            yield Fault(path, f"'{path[-1]}' is deprecated since {move.since}", move.instead)


def used_moves(subject: Subject) -> Iterator[tuple[Path, Move]]:
    """Yield every setting of the table that the config uses and its version deprecates or removed."""
    if subject.target is None:
        return
    version = parse_version(subject.target.version)
    for path, move in movable_settings(subject):
        if version >= parse_version(move.since):
            yield path, move


@once
def movable_settings(subject: Subject) -> Iterator[tuple[Path, Move]]:
    """Yield every setting of the table that the config uses, whatever its version."""
    yield from _given_moves(("service",), section(subject.config, "service"), ("service", ""))
    for component in configured_components(subject):
        row = (component.section, kind_of(component.kind))
        yield from _given_moves(component.path, component.settings, row)


def _given_moves(path: Path, settings: Any, row: tuple[str, str]) -> Iterator[tuple[Path, Move]]:
    """Yield the settings of one component that are in a row of the table, which has a section and a type."""
    for move in _MOVES_OF.get(row, ()):
        around = at(settings, move.path[:-1])
        if isinstance(around, dict) and move.path[-1] in around:
            yield (*path, *move.path), move


def is_gone(move: Move, subject: Subject) -> bool:
    """Whether the subject's version rejects the setting."""
    if not move.gone or subject.target is None:
        return False
    return parse_version(subject.target.version) >= parse_version(move.gone)


_REASONS = {
    "unknown-component": "Yield types that the build does not have; the Collector stops with `unknown type`.",
    "wrong-class": "Yield types in the wrong section: no build has them there, but in another section.",
    "newer-name": "Yield names that a later version introduced; this version knows only the older name.",
    "removed-component": "Yield types, or older names of types, that the version no longer has.",
}
RULES = (
    *shared_rules(_refused_types, _REASONS),
    *rules("info", older_name),
    *rules("error", unsupported_signal, shared=True),
    *rules("info", unstable_signal),
    *rules("error", removed_setting, shared=True),
    *rules("warning", moved_setting),
)
