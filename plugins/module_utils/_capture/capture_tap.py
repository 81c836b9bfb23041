# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector's config gets on top to write down what its receivers get, and why it must not. Private.

The Collector merges the config of the capture over its own one, which stays as it is, with its references to secrets.
Each signal gets a pipeline of its own beside the others, so what is captured also goes on to the backends. Processor
batch in it takes a request and answers at once: a file that cannot be written fails no request, and no client sends
one again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import ROLES, Path, at, dotted, items, section
from .._otelcol.config.pipelines import signal_of
from .._otelcol.errors import Problem
from .._otelcol.otlp_requests import LISTS
from .._otelcol.traits import CONNECTORS, EXPORTERS, EXTENSIONS, PROCESSORS, RECEIVERS, Trait, traits_of

STATE = "state"
"""The consent to capture at a collector that decides by records that it saw before."""
_ID = "o11y_capture"
_FILE, _BATCH = f"file/{_ID}", f"batch/{_ID}"
# What stands in for the receivers of a pipeline that has none left: nobody can reach it, and it gets nothing.
_IDLE = f"otlp/{_ID}"
_FLUSH = "500ms"
# A line of the file has at most so many records, so that a bound is met closely.
_BATCHES = {"timeout": _FLUSH, "send_batch_size": 512, "send_batch_max_size": 512}
_PIPELINES = ("service", "pipelines")
# The parts of a config by which a capture decides, and what they are.
_PARTS: dict[Path, type] = {
    **{(kinds,): dict for kinds in (RECEIVERS, PROCESSORS, EXPORTERS, CONNECTORS, EXTENSIONS, "service")},
    _PIPELINES: dict,
    ("service", EXTENSIONS): list,
}
_STORAGE = ("sending_queue", "storage")


@dataclass(frozen=True)
class Tap:
    """The config on top, the signals and receivers whose data it writes down, and the receivers that do not run."""

    overlay: dict[str, Any]
    signals: tuple[str, ...]
    receivers: tuple[str, ...]
    left_out: tuple[str, ...]


def tap(config: Mapping[str, Any], path: str, consents: Collection[str]) -> Tap:
    """Return the config on top that lets a collector write what it gets to the file `path` as OTLP JSON lines.

    Raises Problem if no receiver gets traces, metrics or logs from others, if a part of the config stands elsewhere,
    if the pod would keep a port shut, or if its records would be lost or counted otherwise.
    """
    _check_literal(config)
    pipelines = section(config, "service", "pipelines")
    used = list(dict.fromkeys(name for pipeline in pipelines.values() for name in _receivers(config, pipeline)))
    receivers = tuple(name for name in used if Trait.IS_SENT_TO in traits_of(RECEIVERS, name))
    left_out = tuple(name for name in used if name not in receivers)
    if not receivers:
        raise _without_receivers(left_out)
    _check_left_out(left_out)
    _check_ends(config)
    if STATE not in consents:
        _check_state(config)
    taps = _taps(config, receivers)
    if not taps:
        wrong = f"its receivers get no traces, metrics or logs: {', '.join(receivers)}"
        raise Problem(wrong, fix="A capture has no other signals. Capture another collector.")
    overlay = {
        "receivers": {_IDLE: {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "processors": {_BATCH: dict(_BATCHES)},
        "exporters": {_FILE: {"path": path, "flush_interval": _FLUSH}, **_without_storage(config)},
        "service": {
            "extensions": list(_extensions(config)),
            "pipelines": {**_reduced(config, left_out), **taps},
        },
    }
    return Tap(overlay, tuple(map(signal_of, taps)), receivers, left_out)


def _receivers(config: Mapping[str, Any], pipeline: Any) -> Iterator[str]:
    """Yield the receivers of a pipeline that are no connectors."""
    connectors = section(config, CONNECTORS)
    for name in items(pipeline, RECEIVERS):
        if isinstance(name, str) and name not in connectors:
            yield name


def _without_receivers(left_out: Iterable[str]) -> Problem:
    wrong = "no receiver of it gets data from others, so another pod of it would get nothing"
    names = ", ".join(left_out)
    fix = f"{names} read by themselves, and must not read twice. " if names else ""
    fix += "Let the collector write what it gets with exporter file, and capture the files with `capture_files`."
    return Problem(wrong, fix=fix)


def _check_left_out(left_out: Iterable[str]) -> None:
    """Raise Problem for a receiver whose port would be shut in a pod to which the Services send."""
    for name in left_out:
        if Trait.READS_BY_ITSELF not in traits_of(RECEIVERS, name):
            wrong = f"it is not known whether receiver {name} reads by itself: in the pod of the capture, its port"
            wrong += " would be shut, and requests would fail there"
            raise Problem(wrong, fix="Move the receiver into a collector of its own, or capture another collector.")


def _check_literal(config: Mapping[str, Any]) -> None:
    """Raise Problem for a part of the config that stands elsewhere, such as `${file:…}`: nobody knows what is in it."""
    for path in _elsewhere(config):
        wrong = f"`{dotted(path)}` of its config stands elsewhere, and cannot be read"
        raise Problem(wrong, fix="Write it into the config, or capture another collector.")
    lists = [("service", EXTENSIONS)]
    for name in section(config, *_PIPELINES):
        lists += [(*_PIPELINES, name, role) for role in ROLES]
    for path in lists:
        for number, component_id in enumerate(at(config, path) or ()):
            if not isinstance(component_id, str):
                wrong = f"`{dotted((*path, number))}` of its config is no id of a component"
                raise Problem(wrong, fix="Write the id alone, such as `- otlp`.")


def _elsewhere(config: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the paths of the parts by which a capture decides that are no literal mapping or list."""
    parts: dict[Path, type] = dict(_PARTS)
    for name in section(config, EXPORTERS):
        parts.update({(EXPORTERS, name): dict, (EXPORTERS, name, "sending_queue"): dict})
    for name in section(config, *_PIPELINES):
        parts[(*_PIPELINES, name)] = dict
        parts.update({(*_PIPELINES, name, role): list for role in ROLES})
    for path, shape in parts.items():
        part = at(config, path)
        if part is not None and not (isinstance(part, shape) and not _refers(part)):
            yield path


def _refers(names: Any) -> bool:
    """Whether a key of a mapping, or a part of a list, is a reference to a variable or a file."""
    return any(isinstance(name, str) and "${" in name for name in names)


def _started(config: Mapping[str, Any], role: str, kinds: str) -> list[str]:
    """Return the components of a section that pipelines use in a role."""
    known = section(config, kinds)
    pipelines = section(config, "service", "pipelines").values()
    return list(dict.fromkeys(name for one in pipelines for name in items(one, role) if name in known))


def _check_ends(config: Mapping[str, Any]) -> None:
    """Raise Problem for an exporter that keeps data in its pod: that of the capture ends, and its data with it."""
    for name in _started(config, EXPORTERS, EXPORTERS):
        if traits_of(EXPORTERS, name) & {Trait.WRITES_FILES, Trait.IS_SCRAPED}:
            wrong = f"exporter {name} keeps data in its pod, so what the pod of the capture gets would be lost"
            raise Problem(wrong, fix="Capture at a collector in front of it, or capture its files.")


def _check_state(config: Mapping[str, Any]) -> None:
    """Raise Problem for a component that decides by what it saw before: with one more pod, it decides otherwise."""
    found = [(PROCESSORS, name) for name in _started(config, PROCESSORS, PROCESSORS)]
    found += [(CONNECTORS, name) for name in _started(config, EXPORTERS, CONNECTORS)]
    for kinds, name in found:
        if Trait.KEEPS_STATE in traits_of(kinds, name):
            wrong = f"{name} decides by records that it saw before, and another pod takes a share of them"
            fix = (
                "Capture at a collector in front of it, or consent with `capture_allow: [state]`, see docs/capture.md."
            )
            raise Problem(wrong, fix=fix)


def _without_storage(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return exporters with a queue in memory: a pod that ends sends what is in it, and leaves what is on a volume."""
    exporters = section(config, EXPORTERS).items()
    return {name: {"sending_queue": {"storage": None}} for name, settings in exporters if at(settings, _STORAGE)}


def _extensions(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the extensions of the pod. A pod for a minute leads no election, and is no agent of a server."""
    for name in items(config, "service", EXTENSIONS):
        if not traits_of(EXTENSIONS, name) & {Trait.ELECTS, Trait.REPORTS_AGENT}:
            yield name


def _reduced(config: Mapping[str, Any], left_out: Collection[str]) -> dict[str, Any]:
    """Return the receivers of pipelines that lose some."""
    reduced = {}
    for name, pipeline in section(config, "service", "pipelines").items():
        given = items(pipeline, RECEIVERS)
        kept = [receiver for receiver in given if receiver not in left_out]
        if kept != given:
            reduced[name] = {RECEIVERS: kept or [_IDLE]}
    return reduced


def _taps(config: Mapping[str, Any], receivers: Collection[str]) -> dict[str, Any]:
    """Return the pipelines that write down what receivers get, one for each signal."""
    sources: dict[str, dict[str, None]] = {}
    for name, pipeline in section(config, "service", "pipelines").items():
        signal = signal_of(name)
        if signal in LISTS:
            taken = [receiver for receiver in items(pipeline, RECEIVERS) if receiver in receivers]
            sources.setdefault(signal, {}).update(dict.fromkeys(taken))
    ends = {PROCESSORS: [_BATCH], EXPORTERS: [_FILE]}
    return {f"{signal}/{_ID}": {RECEIVERS: list(names), **ends} for signal, names in sources.items() if names}
