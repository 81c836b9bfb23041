# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that moved, and spellings that the target no longer takes. Private.

Each public function is a step of a migration, see steps.py: it yields a `ConfigChange` or an `Unsolved` for each place
that the target version would refuse or ignore (data_edits.py). For a target of 0.130 or later, `move_batcher` yields of

    exporters: {otlp: {batcher: {min_size_items: 100}}}

    ConfigChange(("exporters", "otlp", "batcher"), "batcher → sending_queue.batch", "Removed in 0.130.0; …",
        (Replace(("exporters", "otlp", "batcher"), (("sending_queue", {"batch": {"min_size": 100}}),)),))
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..config.collector_versions import parse_version
from ..config.component_ids import trim_id
from ..config.paths import Path, iter_leaves, mapping_at, value_at
from ..config.pipelines import PipelineGraph
from ..rules.build_facts import TargetBuild
from ..rules.expansion import BRACES_ONLY
from .component_mentions import FoundComponent, list_components, type_of
from .data_edits import Add, ConfigChange, Edit, RenameKey, Replace, Substitute, Unsolved, Wrap

# The version of the Collector from which on each of these holds. Each step says what it means. Source: its changelogs.
BALLAST_GONE = "0.109.0"
READERS_SINCE = "0.111.0"
BATCHER_GONE = "0.130.0"
OVERFLOW_SINCE = "0.129.0"
PER_SIGNAL_SINCE = "0.124.0"
TOPICS_SINCE = "0.142.0"
START_TIME_GONE = "0.143.0"
KEEP_ALIVE_SINCE = "0.160.0"

# How configs spell the level of the logging exporter.
LEVELS = ("loglevel", "logLevel")
# The verbosity of the debug exporter for a level of the logging exporter; that of other levels is `basic`.
_VERBOSITY = {"debug": "detailed", "info": "normal"}

# Settings of connections that are kept open between requests.
_KEPT_CONNECTION_KEYS = ("idle_conn_timeout", "max_idle_conns", "max_idle_conns_per_host", "idle_timeout")
# Settings that say whether connections are kept, with the value that says that they are not.
_UNKEPT_CONNECTION_KEYS = {"disable_keep_alives": True, "keep_alives_enabled": False}

# A host and a port, which may be a variable: `0.0.0.0:${env:PORT}`.
_ENDPOINT = re.compile(r"(?P<host>.*):(?P<port>\d+|\$\{[^{}]+\})\Z")
# A dollar that no other dollar escapes, and a name without braces, such as `$POD_IP`. Only names in upper case count,
# which names of variables have by custom: `$name` or `$1` in a pattern may be one of its groups, or end it.
_BARE_VARIABLE = re.compile(r"(?<![\\$])((?:\$\$)*)\$([A-Z][A-Z0-9_]{2,})\b")
_BRACED_VARIABLE = r"\1${env:\2}"
# Settings of a batcher that have another name in `sending_queue.batch`, and those that have the same name.
_RENAMED_BATCH_KEYS = {"min_size_items": "min_size", "max_size_items": "max_size"}
_BATCH_KEYS = ("flush_timeout", "min_size", "max_size", "sizer")
# Where the Collector's own metrics are configured, and the address that became a reader.
_METRICS_PATH = ("service", "telemetry", "metrics")
_ADDRESS_PATH = (*_METRICS_PATH, "address")
# The settings of kafka that each signal has for itself now.
_PER_SIGNAL_KEYS = ("topic", "encoding")
# The setting that has to be a list, by the type of the processor.
_LISTS_OF_ACTIONS = {"attributes": "actions", "resource": "attributes"}
# Whether a prometheus receiver adjusts start times, and by which metric.
_START_TIME_SWITCH = "use_start_time_metric"
_START_TIME_KEYS = (_START_TIME_SWITCH, "start_time_metric_regex")


def brace_bare_variables(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield `$NAME` in texts; only `${env:NAME}` is replaced by the variable since 0.104.

    endpoint: $POD_IP:4317    →    endpoint: ${env:POD_IP}:4317
    """
    if not _is_from_version(target, BRACES_ONLY):
        return
    for path, value in iter_leaves(config):
        matches = _BARE_VARIABLE.findall(value) if isinstance(value, str) else []
        if matches:
            names = dict.fromkeys(name for _escaped_dollars, name in matches)
            what = ", ".join(f"${name} → ${{env:{name}}}" for name in names)
            why = f"A variable without braces is plain text since {BRACES_ONLY}."
            yield ConfigChange(path, what, why, (Substitute(path, _BARE_VARIABLE, _BRACED_VARIABLE),))


def move_telemetry_address(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield service.telemetry.metrics.address, which became a reader.

    address: 0.0.0.0:8888    →    readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]
    """
    address = value_at(config, _ADDRESS_PATH)
    if address is None or not _is_from_version(target, READERS_SINCE):
        return
    why = "The Collector ignores the address since 0.123; it takes readers."
    endpoint = _ENDPOINT.match(str(address))
    if value_at(config, (*_METRICS_PATH, "readers")):
        yield ConfigChange(
            _ADDRESS_PATH, "address removed", f"{why} There are some already.", (Replace(_ADDRESS_PATH),)
        )
    elif endpoint is None:
        yield Unsolved(_ADDRESS_PATH, "address is ignored", f"'{address}' is not a host and port; write a reader.")
    else:
        entry = ("readers", [_build_reader(endpoint["host"], endpoint["port"])])
        yield ConfigChange(_ADDRESS_PATH, "address → readers", why, (Replace(_ADDRESS_PATH, (entry,)),))


def _build_reader(host: str, port: str) -> dict[str, Any]:
    """Return the reader that answers at a host and a port, which is a number or a variable."""
    number_or_variable = int(port) if port.isdigit() else port
    prometheus = {"host": host or "0.0.0.0", "port": number_or_variable}
    return {"pull": {"exporter": {"prometheus": prometheus}}}


def move_batcher(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield `batcher` of exporters, which became `sending_queue.batch`.

    batcher: {min_size_items: 100}    →    sending_queue: {batch: {min_size: 100}}
    """
    if not _is_from_version(target, BATCHER_GONE):
        return
    for exporter_id, settings in mapping_at(config, "exporters").items():
        batcher_settings = value_at(settings, ("batcher",))
        if isinstance(batcher_settings, dict):
            yield _replace_batcher(("exporters", exporter_id, "batcher"), batcher_settings, settings)


def _replace_batcher(path: Path, batcher_settings: dict[str, Any], settings: dict[str, Any]) -> ConfigChange | Unsolved:
    """Return what becomes of the batcher of an exporter with these settings."""
    why = f"Removed in {BATCHER_GONE}; the queue makes the batches."
    if batcher_settings.get("enabled") is False:
        return ConfigChange(path, "batcher removed", f"{why} It was off.", (Replace(path),))
    if not _may_take_batches(value_at(settings, ("sending_queue",))):
        choice_reason = "sending_queue is off, or has a `batch` of its own: choose one."
        return Unsolved(path, "batcher was removed", choice_reason)
    if set(batcher_settings) - {"enabled", *_BATCH_KEYS, *_RENAMED_BATCH_KEYS}:
        lost_reason = "It has settings without a counterpart in sending_queue.batch."
        return Unsolved(path, "batcher was removed", lost_reason)
    return ConfigChange(path, "batcher → sending_queue.batch", why, _move_into_queue(path, batcher_settings, settings))


def _may_take_batches(queue: Any) -> bool:
    """Whether a sending_queue, which may be missing, is on and has no batches of its own."""
    if queue and not isinstance(queue, dict):
        return False
    return value_at(queue, ("batch",)) is None and value_at(queue, ("enabled",)) is not False


def _move_into_queue(path: Path, batcher_settings: dict[str, Any], settings: dict[str, Any]) -> tuple[Edit, ...]:
    """Return the edits that move a batcher into the sending_queue beside it, which they make if there is none."""
    batch = {_RENAMED_BATCH_KEYS.get(key, key): value for key, value in batcher_settings.items() if key != "enabled"}
    queue_path: Path = (*path[:-1], "sending_queue")
    new_queue = ("sending_queue", {"batch": batch})
    if "sending_queue" not in settings:
        return (Replace(path, (new_queue,)),)
    if settings["sending_queue"]:
        return Replace(path), Add((*queue_path, "batch"), batch)
    return Replace(path), Replace(queue_path, (new_queue,))


def rename_overflow(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield `blocking` of queues, called `block_on_overflow` since 0.129. An older target gets the old name back.

    sending_queue: {blocking: true}    ↔    sending_queue: {block_on_overflow: true}
    """
    old_key, new_key = "blocking", "block_on_overflow"
    if not _is_from_version(target, OVERFLOW_SINCE):
        old_key, new_key = new_key, old_key
    for exporter_id, settings in mapping_at(config, "exporters").items():
        queue = mapping_at(settings, "sending_queue")
        path: Path = ("exporters", exporter_id, "sending_queue", old_key)
        if old_key in queue and new_key not in queue:
            yield ConfigChange(
                path, f"{old_key} → {new_key}", f"Renamed in {OVERFLOW_SINCE}.", (RenameKey(path, new_key),)
            )


def wrap_actions(config: Any, _target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield `actions` that are a mapping, where the processor wants a list.

    actions: {key: env, action: delete}    →    actions: [{key: env, action: delete}]
    """
    for section_name, component_id, settings in list_components(config):
        key = _LISTS_OF_ACTIONS.get(type_of(component_id))
        if section_name != "processors" or key is None:
            continue
        value = value_at(settings, (key,))
        if not isinstance(value, dict) or not value:
            continue
        path: Path = (section_name, component_id, key)
        if "action" in value:
            yield ConfigChange(path, f"{key} is a list", "The processor refuses a mapping.", (Wrap(path),))
        else:
            why = "This mapping is not an action: write one item with `action` each."
            yield Unsolved(path, f"{key} must be a list", why)


def rename_verbosity(config: Any, _target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield the level of debug exporters, which is called `verbosity`; the Collector refuses the old key.

    debug: {loglevel: info}    →    debug: {verbosity: normal}
    """
    for exporter_id, settings in mapping_at(config, "exporters").items():
        if type_of(exporter_id) != "debug" or not isinstance(settings, dict):
            continue
        for key in LEVELS:
            if key in settings:
                path: Path = ("exporters", exporter_id, key)
                why = "The exporter debug never had this key of exporter logging."
                yield ConfigChange(path, f"{key} → verbosity", why, (Replace(path, convert_level(settings, key)),))


def convert_level(settings: Mapping[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    """Return the entry that the level at a key becomes, such as `(("verbosity", "normal"),)`.

    There is none if the settings have a verbosity already, or if `loglevel` says it and the key is `logLevel`.
    """
    first_level = next(level for level in LEVELS if level in settings)
    if "verbosity" in settings or first_level != key:
        return ()
    level = str(settings[key]).lower()
    return (("verbosity", _VERBOSITY.get(level, "basic")),)


def remove_start_time(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield how a prometheus receiver adjusted start times, for which there is a processor now.

    prometheus: {use_start_time_metric: false, config: {…}}    →    prometheus: {config: {…}}
    """
    if not _is_from_version(target, START_TIME_GONE):
        return
    for receiver_id, settings in mapping_at(config, "receivers").items():
        used_keys = [key for key in _START_TIME_KEYS if value_at(settings, (key,)) is not None]
        if not used_keys or type_of(receiver_id) != "prometheus":
            continue
        path: Path = ("receivers", receiver_id, used_keys[0])
        if value_at(settings, (_START_TIME_SWITCH,)):
            why = "Remove it, and add processor metric_start_time with `strategy: start_time_metric` to its pipelines."
            yield Unsolved(path, f"{used_keys[0]} was removed", why)
        else:
            edits = tuple(Replace(("receivers", receiver_id, key)) for key in used_keys)
            yield ConfigChange(
                path, f"{', '.join(used_keys)} removed", "It was off, and the Collector refuses the key.", edits
            )


def move_keep_alives(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield the settings of kept connections of OTLP over HTTP, which are below `keepalive` since 0.160.

    idle_conn_timeout: 30s        →    keepalive: {idle_conn_timeout: 30s}
    disable_keep_alives: true     →    keepalive: {enabled: false}
    """
    if not _is_from_version(target, KEEP_ALIVE_SINCE):
        return
    for path, settings in _find_otlp_http_settings(config):
        used_keys = [key for key in (*_KEPT_CONNECTION_KEYS, *_UNKEPT_CONNECTION_KEYS) if key in settings]
        if not used_keys:
            continue
        if "keepalive" in settings:
            why = "There is a `keepalive` already: write one."
            yield Unsolved((*path, used_keys[0]), f"{', '.join(used_keys)} moved", why)
        else:
            yield _move_below_keepalive(path, settings, used_keys)


def _move_below_keepalive(path: Path, settings: Mapping[str, Any], used_keys: list[str]) -> ConfigChange:
    """Return the change that moves the used keys below `keepalive`, which is off if one of them turned it off."""
    first_key, *other_keys = used_keys
    keepalive_settings: dict[str, Any] = {key: settings[key] for key in used_keys if key in _KEPT_CONNECTION_KEYS}
    if any(settings.get(key) is value for key, value in _UNKEPT_CONNECTION_KEYS.items()):
        keepalive_settings = {"enabled": False}
    entries = (("keepalive", keepalive_settings),) if keepalive_settings else ()
    what = f"{', '.join(used_keys)} → keepalive" if keepalive_settings else f"{first_key} removed"
    why = f"Below `keepalive` since {KEEP_ALIVE_SINCE}; 0.165.0 refuses {', '.join(used_keys)}."
    edits = (Replace((*path, first_key), entries), *(Replace((*path, key)) for key in other_keys))
    return ConfigChange((*path, first_key), what, why, edits)


def _find_otlp_http_settings(config: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield path and settings of each client and server of OTLP over HTTP."""
    for section_name, component_id, _settings in list_components(config):
        section_and_type = (section_name, type_of(component_id))
        if section_and_type in (("exporters", "otlp_http"), ("exporters", "otlphttp")):
            yield (section_name, component_id), mapping_at(config, section_name, component_id)
        elif section_and_type == ("receivers", "otlp"):
            keys = (section_name, component_id, "protocols", "http")
            yield keys, mapping_at(config, *keys)


def move_to_signals(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield `topic` and `encoding` of kafka, which each signal has for itself now.

    topic: shop, in a pipeline of traces    →    traces: {topic: shop}
    """
    if not _is_from_version(target, PER_SIGNAL_SINCE):
        return
    for section_name, component_id, settings in _find_kafka_clients(config):
        shared_settings = {key: settings[key] for key in _PER_SIGNAL_KEYS if value_at(settings, (key,)) is not None}
        if not shared_settings:
            continue
        signals = set(PipelineGraph.of(config).find_signals_by_id(section_name).get(trim_id(component_id), ()))
        component_path: Path = (section_name, component_id)
        if signals and signals.isdisjoint(settings):
            has_topics = section_name == "receivers" and _is_from_version(target, TOPICS_SINCE)
            yield _divide_by_signal(component_path, shared_settings, sorted(signals), has_topics=has_topics)
        else:
            yield _leave_undivided(component_path, list(shared_settings))


def _find_kafka_clients(config: Any) -> Iterator[FoundComponent]:
    """Yield each receiver and exporter of kafka."""
    for component in list_components(config):
        if component.section in ("receivers", "exporters") and component.type == "kafka":
            yield component


def _divide_by_signal(
    component_path: Path, shared_settings: Mapping[str, Any], signals: list[str], *, has_topics: bool
) -> ConfigChange:
    """Return the change that gives each signal what a component has for all; a receiver has a list of topics now."""
    signal_settings = dict(shared_settings)
    if has_topics and "topic" in signal_settings:
        signal_settings["topics"] = [signal_settings.pop("topic")]
    first_key, *other_keys = shared_settings
    entries = tuple((signal, dict(signal_settings)) for signal in signals)
    edits = (Replace((*component_path, first_key), entries), *(Replace((*component_path, key)) for key in other_keys))
    what = f"{', '.join(shared_settings)} → {', '.join(signals)}"
    return ConfigChange((*component_path, first_key), what, f"Moved in {PER_SIGNAL_SINCE}.", edits)


def _leave_undivided(component_path: Path, shared_keys: list[str]) -> Unsolved:
    """Return why a person has to move the settings that a component has for all signals."""
    why = "No pipeline uses it, or a signal has its own already: write them below each signal."
    return Unsolved((*component_path, shared_keys[0]), f"{' and '.join(shared_keys)} moved", why)


def remove_ballast(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield what memory_limiter knew of a ballast: memory that the Collector once held for nothing.

    memory_limiter: {limit_mib: 400, ballast_size_mib: 100}    →    memory_limiter: {limit_mib: 400}
    """
    if not _is_from_version(target, BALLAST_GONE):
        return
    for processor_id in mapping_at(config, "processors"):
        path: Path = ("processors", processor_id, "ballast_size_mib")
        if type_of(processor_id) == "memory_limiter" and value_at(config, path) is not None:
            yield ConfigChange(path, "ballast_size_mib removed", f"No ballast since {BALLAST_GONE}.", (Replace(path),))


def _is_from_version(target: TargetBuild, version: str) -> bool:
    """Whether the target is a version of the Collector, or a later one."""
    return parse_version(target.version) >= parse_version(version)
