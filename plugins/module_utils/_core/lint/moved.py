# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on settings that came, moved or went with a version. Private."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, at, section
from ..config.renames import parse_version
from .components import configured
from .finding import Fault, rule
from .subject import Subject


@dataclass(frozen=True)
class Move:
    """A setting of components (`*`: of every one in the section) that has a better place, or none.

    `since` is the version that deprecates it, `gone` the first that refuses it (empty: none does).
    """

    section: str
    kinds: tuple[str, ...]
    path: Path
    since: str
    gone: str
    instead: str


# Exporters that take the settings of exporterhelper as they are.
_HELPED = ("otlp", "otlp_grpc", "otlphttp", "otlp_http")
_ADDRESS: Path = ("telemetry", "metrics", "address")
_QUEUE = "sending_queue"
_READERS = "Write `readers: [{pull: {exporter: {prometheus: {host, port}}}}]`; since 0.123 it is ignored."

# Sources: CHANGELOG.md and the tags of the Collector at the version in each row; contrib's jaegerreceiver/config.go.
MOVES = (
    Move("exporters", _HELPED, ("batcher",), "0.123.0", "0.130.0", "Write `sending_queue.batch`."),
    Move("exporters", _HELPED, (_QUEUE, "blocking"), "0.123.0", "0.129.0", "Write `block_on_overflow`."),
    Move("exporters", ("debug",), ("loglevel",), "0.86.0", "0.86.0", "Write `verbosity`."),
    Move("receivers", ("jaeger",), ("remote_sampling",), "0.61.0", "0.61.0", "Use extension `jaegerremotesampling`."),
    Move("service", (), _ADDRESS, "0.111.0", "0.128.0", _READERS),
)


def removed_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that this version no longer has, and refuses."""
    for path, move in moves(subject):
        if gone(move, subject):
            yield Fault(path, f"'{path[-1]}' is gone since {move.gone}", move.instead)


def moved_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that this version deprecates; a later one refuses or ignores them."""
    for path, move in moves(subject):
        if not gone(move, subject):
            yield Fault(path, f"'{path[-1]}' is deprecated since {move.since}", move.instead)


def moves(subject: Subject) -> Iterator[tuple[Path, Move]]:
    """Yield every setting of the table that stands in the config and is deprecated or gone in its version."""
    version = parse_version(subject.target.version) if subject.target else ()
    for path, settings, kind, name in _places(subject.config) if version else ():
        for move in MOVES:
            fits = move.section == name and (not move.kinds or kind in move.kinds)
            if fits and _has(settings, move.path) and version >= parse_version(move.since):
                yield (*path, *move.path), move


def gone(move: Move, subject: Subject) -> bool:
    """Whether the subject's version refuses the setting."""
    return bool(move.gone and subject.target and parse_version(subject.target.version) >= parse_version(move.gone))


def _places(config: Any) -> Iterator[tuple[Path, Any, str, str]]:
    yield ("service",), section(config, "service"), "", "service"
    for name, component_id, kind, settings in configured(config):
        yield (name, component_id), settings, kind, name


def _has(settings: Any, path: Path) -> bool:
    around = at(settings, path[:-1])
    return isinstance(around, dict) and path[-1] in around


RULES = (
    rule("error", removed_setting, shared=True),
    rule("warning", moved_setting),
)
