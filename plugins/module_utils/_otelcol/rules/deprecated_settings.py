# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on settings that a version of the Collector moved or removed. Private.

A move is a row of the table MOVES, such as the setting `batcher` of exporters, which became `sending_queue.batch`.
migrate/moved_settings.py moves the settings of configs.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.otlp.batcher: warning [moved-setting] 'batcher' is deprecated since 0.123.0. Write
    `sending_queue.batch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..config.collector_versions import parse_version
from ..config.paths import Path, mapping_at, value_at
from ..traits import EXPORTERS, Trait, kind_of, types_with_traits
from .configured_components import configured_components
from .rule_definitions import Fault, define_rules
from .subject import Subject, once_per_subject

# In place of a version: no version refuses the setting.
_NEVER_REFUSED = ""


@dataclass(frozen=True)
class MovedSetting:
    """A setting of components, or of the service, that moved or was removed."""

    section: str
    kinds: tuple[str, ...]
    """The types of components without underscores; an empty text for the service."""
    path: Path
    """Leads to the setting in the settings of the component."""
    deprecated_since: str
    """The version that deprecates it, or removes it without a deprecation; then both versions are the same."""
    refused_since: str
    """The first version that refuses it, or `_NEVER_REFUSED`."""
    fix: str


# Exporters that have all settings of exporterhelper.
_EXPORTERS_WITH_HELPER = types_with_traits(EXPORTERS, Trait.SPEAKS_GRPC, Trait.SPEAKS_HTTP)
_HTTP = types_with_traits(EXPORTERS, Trait.SPEAKS_HTTP)
_ADDRESS: Path = ("telemetry", "metrics", "address")
_QUEUE = "sending_queue"
_SERVER: Path = ("protocols", "http")
# The fixes of rows below.
_FIX_WITH_READERS = "Write `readers: [{pull: {exporter: {prometheus: {host, port}}}}]`; since 0.123 it is ignored."
_FIX_BELOW_KEEPALIVE = "Write it below `keepalive`."
_FIX_KEEPALIVE_OFF = "Write `keepalive: {enabled: false}` where connections are not kept."
_FIX_WITH_QUEUE = "Write `sending_queue: {batch: …}`, and `num_consumers` for the number of workers."
_FIX_OF_DYNAMIC_INDEX = (
    "Remove it: it does nothing. Attributes choose the index of each document, unless an index is given."
)
_FIX_OF_MATCH_ONCE = (
    "Remove it: only the first match counts. For several matches, list several routing connectors in the pipeline."
)

# Sources: CHANGELOG.md and the tags of the Collector at the version in each row; config/confighttp at 0.160 and 0.165;
# contrib's jaegerreceiver/config.go and routingconnector/README.md. A row has the section, the types, the path of the
# setting, the versions that deprecate and refuse it, and the fix.
MOVES = (
    MovedSetting(
        "exporters", _EXPORTERS_WITH_HELPER, ("batcher",), "0.123.0", "0.130.0", "Write `sending_queue.batch`."
    ),
    MovedSetting(
        "exporters", _EXPORTERS_WITH_HELPER, (_QUEUE, "blocking"), "0.123.0", "0.129.0", "Write `block_on_overflow`."
    ),
    MovedSetting("exporters", ("debug",), ("loglevel",), "0.86.0", "0.86.0", "Write `verbosity`."),
    MovedSetting(
        "receivers", ("jaeger",), ("remote_sampling",), "0.61.0", "0.61.0", "Use extension `jaegerremotesampling`."
    ),
    MovedSetting("connectors", ("routing",), ("match_once",), "0.116.0", "0.120.0", _FIX_OF_MATCH_ONCE),
    MovedSetting("exporters", _HTTP, ("idle_conn_timeout",), "0.160.0", "0.165.0", _FIX_BELOW_KEEPALIVE),
    MovedSetting("exporters", _HTTP, ("max_idle_conns",), "0.160.0", "0.165.0", _FIX_BELOW_KEEPALIVE),
    MovedSetting("exporters", _HTTP, ("max_idle_conns_per_host",), "0.160.0", "0.165.0", _FIX_BELOW_KEEPALIVE),
    MovedSetting("exporters", _HTTP, ("disable_keep_alives",), "0.160.0", "0.165.0", _FIX_KEEPALIVE_OFF),
    MovedSetting("receivers", ("otlp",), (*_SERVER, "idle_timeout"), "0.160.0", "0.165.0", _FIX_BELOW_KEEPALIVE),
    MovedSetting("receivers", ("otlp",), (*_SERVER, "keep_alives_enabled"), "0.160.0", "0.165.0", _FIX_KEEPALIVE_OFF),
    MovedSetting("exporters", ("elasticsearch",), ("flush",), "0.162.0", "0.162.0", _FIX_WITH_QUEUE),
    MovedSetting("exporters", ("elasticsearch",), ("num_workers",), "0.162.0", "0.162.0", _FIX_WITH_QUEUE),
    *(
        MovedSetting(
            "exporters",
            ("elasticsearch",),
            (f"{signal}_dynamic_index",),
            "0.122.0",
            _NEVER_REFUSED,
            _FIX_OF_DYNAMIC_INDEX,
        )
        for signal in ("logs", "metrics", "traces")
    ),
    MovedSetting("service", ("",), _ADDRESS, "0.111.0", "0.128.0", _FIX_WITH_READERS),
)
_MOVES_BY_TYPE: dict[tuple[str, str], list[MovedSetting]] = {}
for _move in MOVES:
    for _kind in _move.kinds:
        _MOVES_BY_TYPE.setdefault((_move.section, _kind), []).append(_move)


def removed_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that this version removed and rejects."""
    for path, move in find_used_moves(subject):
        if is_refused_by_version(move, subject):
            yield Fault(path, f"'{path[-1]}' is gone since {move.refused_since}", move.fix)


def moved_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that this version deprecates; a later version rejects or ignores them."""
    for path, move in find_used_moves(subject):
        if not is_refused_by_version(move, subject):
            yield Fault(path, f"'{path[-1]}' is deprecated since {move.deprecated_since}", move.fix)


def is_refused_by_version(move: MovedSetting, subject: Subject) -> bool:
    """Whether the subject's version rejects the setting."""
    if not move.refused_since or subject.target is None:
        return False
    return parse_version(subject.target.version) >= parse_version(move.refused_since)


def find_used_moves(subject: Subject) -> Iterator[tuple[Path, MovedSetting]]:
    """Yield every setting of the table that the config uses and its version deprecates or removed."""
    if subject.target is None:
        return
    version = parse_version(subject.target.version)
    for path, move in find_movable_settings(subject):
        if version >= parse_version(move.deprecated_since):
            yield path, move


@once_per_subject
def find_movable_settings(subject: Subject) -> Iterator[tuple[Path, MovedSetting]]:
    """Yield every setting of the table that the config uses, whatever its version."""
    yield from _find_given_moves(("service",), mapping_at(subject.config, "service"), ("service", ""))
    for component in configured_components(subject):
        table_key = (component.section, kind_of(component.type))
        yield from _find_given_moves(component.config_path, component.settings, table_key)


def _find_given_moves(path: Path, settings: Any, table_key: tuple[str, str]) -> Iterator[tuple[Path, MovedSetting]]:
    """Yield the settings of one component that are in a row of the table, which has a section and a type."""
    for move in _MOVES_BY_TYPE.get(table_key, ()):
        container = value_at(settings, move.path[:-1])
        if isinstance(container, dict) and move.path[-1] in container:
            yield (*path, *move.path), move


RULES = (
    # `otelcol validate` refuses removed settings, and takes deprecated ones.
    *define_rules("error", removed_setting, shared=True),
    *define_rules("warning", moved_setting),
)
