# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that moved, and ways of writing that the target no longer takes. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..config.layers import parse_version
from ..config.paths import Path, at, leaves, section
from ..config.pipelines import PipelineGraph
from ..rules.build_facts import Target
from .data_edits import Add, Change, Edit, RenameKey, Replace, Substitute, Unsolved, Wrap, defined_components, type_of

# The version of the Collector from which on each of these holds. Source: its changelogs.
BRACES_ONLY = "0.104.0"
BALLAST_GONE = "0.109.0"
READERS = "0.111.0"
BATCHER_GONE = "0.130.0"
OVERFLOW = "0.129.0"
PER_SIGNAL = "0.124.0"
TOPICS = "0.142.0"
START_TIME_GONE = "0.143.0"
KEEP_ALIVE = "0.160.0"

# How configs spell the level of the logging exporter, and the verbosity of the debug exporter for each.
LEVELS = ("loglevel", "logLevel")
_VERBOSITY = {"debug": "detailed", "info": "normal"}

# Settings of connections that are kept, those that say whether they are, and what says that they are not.
_KEPT = ("idle_conn_timeout", "max_idle_conns", "max_idle_conns_per_host", "idle_timeout")
_NOT_KEPT = {"disable_keep_alives": True, "keep_alives_enabled": False}

_ENDPOINT = re.compile(r"(?P<host>.*):(?P<port>\d+|\$\{[^{}]+\})\Z")
# A dollar that no other dollar escapes, and a name without braces; names of variables are upper case by custom, and
# what is not may be a pattern's group or the end of one.
_BARE = re.compile(r"(?<![\\$])((?:\$\$)*)\$([A-Z][A-Z0-9_]{2,})\b")
_BRACED = r"\1${env:\2}"
_BATCH_KEYS = {"min_size_items": "min_size", "max_size_items": "max_size"}
_BATCH = ("flush_timeout", "min_size", "max_size", "sizer")


_METRICS = ("service", "telemetry", "metrics")
_ADDRESS = (*_METRICS, "address")
_PER_SIGNAL_KEYS = ("topic", "encoding")
# The setting that has to be a list, by the type of the processor.
_LISTS_OF_ACTIONS = {"attributes": "actions", "resource": "attributes"}
_START_TIME_SWITCH = "use_start_time_metric"
_START_TIME_KEYS = (_START_TIME_SWITCH, "start_time_metric_regex")


def _from(target: Target, version: str) -> bool:
    """Whether the target is a version of the Collector, or a later one."""
    return parse_version(target.version) >= parse_version(version)


def bare_variables(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield `$NAME` in texts; only `${env:NAME}` is replaced by the variable since 0.104."""
    if not _from(target, BRACES_ONLY):
        return
    for path, value in leaves(config):
        found = _BARE.findall(value) if isinstance(value, str) else []
        if found:
            names = dict.fromkeys(name for _escaped_dollars, name in found)
            what = ", ".join(f"${name} → ${{env:{name}}}" for name in names)
            why = f"A variable without braces is plain text since {BRACES_ONLY}."
            yield Change(path, what, why, (Substitute(path, _BARE, _BRACED),))


def telemetry_address(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield service.telemetry.metrics.address, which became a reader."""
    address = at(config, _ADDRESS)
    if address is None or not _from(target, READERS):
        return
    why = "The Collector ignores the address since 0.123; it takes readers."
    endpoint = _ENDPOINT.match(str(address))
    if at(config, (*_METRICS, "readers")):
        yield Change(_ADDRESS, "address removed", f"{why} There are some already.", (Replace(_ADDRESS),))
    elif endpoint is None:
        yield Unsolved(_ADDRESS, "address is ignored", f"'{address}' is not a host and port; write a reader.")
    else:
        entry = ("readers", [_reader(endpoint["host"], endpoint["port"])])
        yield Change(_ADDRESS, "address → readers", why, (Replace(_ADDRESS, (entry,)),))


def _reader(host: str, port: str) -> dict[str, Any]:
    """Return the reader that answers at a host and a port, which is a number or a variable."""
    number_or_variable = int(port) if port.isdigit() else port
    prometheus = {"host": host or "0.0.0.0", "port": number_or_variable}
    return {"pull": {"exporter": {"prometheus": prometheus}}}


def batcher(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield `batcher` of exporters, which became `sending_queue.batch`."""
    if not _from(target, BATCHER_GONE):
        return
    for name, settings in section(config, "exporters").items():
        own = at(settings, ("batcher",))
        if isinstance(own, dict):
            yield _without_batcher(("exporters", name, "batcher"), own, settings)


def _without_batcher(path: Path, own: dict[str, Any], settings: dict[str, Any]) -> Change | Unsolved:
    """Return what becomes of the batcher of an exporter with these settings."""
    why = f"Removed in {BATCHER_GONE}; the queue makes the batches."
    if own.get("enabled") is False:
        return Change(path, "batcher removed", f"{why} It was off.", (Replace(path),))
    if not _takes_batches(at(settings, ("sending_queue",))):
        choice = "sending_queue is off, or has a `batch` of its own: choose one."
        return Unsolved(path, "batcher was removed", choice)
    if set(own) - {"enabled", *_BATCH, *_BATCH_KEYS}:
        lost = "It has settings without a counterpart in sending_queue.batch."
        return Unsolved(path, "batcher was removed", lost)
    return Change(path, "batcher → sending_queue.batch", why, _batched(path, own, settings))


def _takes_batches(queue: Any) -> bool:
    """Whether a sending_queue, which may be missing, is on and has no batches of its own."""
    if queue and not isinstance(queue, dict):
        return False
    return at(queue, ("batch",)) is None and at(queue, ("enabled",)) is not False


def _batched(path: Path, own: dict[str, Any], settings: dict[str, Any]) -> tuple[Edit, ...]:
    """Return the edits that move a batcher into the sending_queue beside it, which they make if there is none."""
    batch = {_BATCH_KEYS.get(key, key): value for key, value in own.items() if key != "enabled"}
    queue_path: Path = (*path[:-1], "sending_queue")
    new_queue = ("sending_queue", {"batch": batch})
    if "sending_queue" not in settings:
        return (Replace(path, (new_queue,)),)
    if settings["sending_queue"]:
        return Replace(path), Add((*queue_path, "batch"), batch)
    return Replace(path), Replace(queue_path, (new_queue,))


def overflow(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield `blocking` of queues, called `block_on_overflow` since 0.129, in either direction."""
    names = ("blocking", "block_on_overflow")
    old, new = names if _from(target, OVERFLOW) else names[::-1]
    for name, settings in section(config, "exporters").items():
        queue = section(settings, "sending_queue")
        path: Path = ("exporters", name, "sending_queue", old)
        if old in queue and new not in queue:
            yield Change(path, f"{old} → {new}", f"Renamed in {OVERFLOW}.", (RenameKey(path, new),))


def actions(config: Any, _target: Target) -> Iterator[Change | Unsolved]:
    """Yield `actions` that are a mapping, where the processor wants a list."""
    for role, component_id, settings in defined_components(config):
        key = _LISTS_OF_ACTIONS.get(type_of(component_id), "") if role == "processors" else ""
        value = at(settings, (key,)) if key else None
        if not isinstance(value, dict) or not value:
            continue
        path: Path = (role, component_id, key)
        if "action" in value:
            yield Change(path, f"{key} is a list", "The processor refuses a mapping.", (Wrap(path),))
        else:
            why = "This mapping is not an action: write one item with `action` each."
            yield Unsolved(path, f"{key} must be a list", why)


def verbosity(config: Any, _target: Target) -> Iterator[Change | Unsolved]:
    """Yield the level of debug exporters, which is called `verbosity`; the Collector refuses the old key."""
    for name, settings in section(config, "exporters").items():
        if type_of(name) != "debug" or not isinstance(settings, dict):
            continue
        for key in LEVELS:
            if key in settings:
                path: Path = ("exporters", name, key)
                why = "The exporter debug never had this key of exporter logging."
                yield Change(path, f"{key} → verbosity", why, (Replace(path, verbosity_of(settings, key)),))


def verbosity_of(settings: Mapping[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    """Return the entry that a level becomes; none if another one says it already."""
    first_level = next(level for level in LEVELS if level in settings)
    if "verbosity" in settings or first_level != key:
        return ()
    level = str(settings[key]).lower()
    return (("verbosity", _VERBOSITY.get(level, "basic")),)


def start_time(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield how a prometheus receiver adjusted start times, for which there is a processor now."""
    if not _from(target, START_TIME_GONE):
        return
    for name, settings in section(config, "receivers").items():
        used = [key for key in _START_TIME_KEYS if at(settings, (key,)) is not None]
        if not used or type_of(name) != "prometheus":
            continue
        path: Path = ("receivers", name, used[0])
        if at(settings, (_START_TIME_SWITCH,)):
            why = "Remove it, and add processor metric_start_time with `strategy: start_time_metric` to its pipelines."
            yield Unsolved(path, f"{used[0]} was removed", why)
        else:
            edits = tuple(Replace(("receivers", name, key)) for key in used)
            yield Change(path, f"{', '.join(used)} removed", "It was off, and the Collector refuses the key.", edits)


def keep_alives(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield the settings of kept connections of OTLP over HTTP, which are below `keepalive` since 0.160."""
    if not _from(target, KEEP_ALIVE):
        return
    for path, settings in _over_http(config):
        used = [key for key in (*_KEPT, *_NOT_KEPT) if key in settings]
        if not used:
            continue
        if "keepalive" in settings:
            why = "There is a `keepalive` already: write one."
            yield Unsolved((*path, used[0]), f"{', '.join(used)} moved", why)
        else:
            yield _with_keep_alive(path, settings, used)


def _with_keep_alive(path: Path, settings: Mapping[str, Any], used: list[str]) -> Change:
    """Return the change that moves the used keys below `keepalive`, which is off if one of them turned it off."""
    first, *others = used
    moved: dict[str, Any] = {key: settings[key] for key in used if key in _KEPT}
    if any(settings.get(key) is value for key, value in _NOT_KEPT.items()):
        moved = {"enabled": False}
    entries = (("keepalive", moved),) if moved else ()
    what = f"{', '.join(used)} → keepalive" if moved else f"{first} removed"
    why = f"Below `keepalive` since {KEEP_ALIVE}; 0.165.0 refuses {', '.join(used)}."
    edits = (Replace((*path, first), entries), *(Replace((*path, key)) for key in others))
    return Change((*path, first), what, why, edits)


def _over_http(config: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield path and settings of each client and server of OTLP over HTTP."""
    for role, name, _settings in defined_components(config):
        component = (role, type_of(name))
        if component in (("exporters", "otlp_http"), ("exporters", "otlphttp")):
            yield (role, name), section(config, role, name)
        elif component == ("receivers", "otlp"):
            yield (role, name, "protocols", "http"), section(config, role, name, "protocols", "http")


def per_signal(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield `topic` and `encoding` of kafka, which each signal has for itself now."""
    if not _from(target, PER_SIGNAL):
        return
    for role, component_id, settings in defined_components(config):
        if type_of(component_id) != "kafka" or role not in ("receivers", "exporters"):
            continue
        shared = {key: settings[key] for key in _PER_SIGNAL_KEYS if at(settings, (key,)) is not None}
        if not shared:
            continue
        signals = set(PipelineGraph.of(config).signals_by_id(role).get(component_id, ()))
        has_own_settings = bool(signals & set(settings))
        if not signals or has_own_settings:
            first, *_others = shared
            why = "No pipeline uses it, or a signal has its own already: write them below each signal."
            yield Unsolved((role, component_id, first), f"{' and '.join(shared)} moved", why)
        else:
            has_topics = role == "receivers" and _from(target, TOPICS)
            yield _divided((role, component_id), shared, sorted(signals), has_topics=has_topics)


def _divided(component: Path, shared: Mapping[str, Any], signals: list[str], *, has_topics: bool) -> Change:
    """Return the change that gives each signal what a component has for all; a receiver has a list of topics now."""
    own = dict(shared)
    if has_topics and "topic" in own:
        own["topics"] = [own.pop("topic")]
    first, *others = shared
    entries = tuple((signal, dict(own)) for signal in signals)
    edits = (Replace((*component, first), entries), *(Replace((*component, key)) for key in others))
    what = f"{', '.join(shared)} → {', '.join(signals)}"
    return Change((*component, first), what, f"Moved in {PER_SIGNAL}.", edits)


def ballast(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield what memory_limiter knew of a ballast."""
    if not _from(target, BALLAST_GONE):
        return
    for name in section(config, "processors"):
        path: Path = ("processors", name, "ballast_size_mib")
        if type_of(name) == "memory_limiter" and at(config, path) is not None:
            yield Change(path, "ballast_size_mib removed", f"No ballast since {BALLAST_GONE}.", (Replace(path),))
