# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector's config with other ends: a test sends to its receivers and reads what reaches its exporters.

Processors, connectors and their order stay as they are. What else changes is a row of a table here, and every change
is listed. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import normpath
from typing import Any
from urllib.parse import quote

from ..config.paths import ROLES, SECTIONS, Path, at, dotted, leaves
from ..config.pipelines import signal_of
from ..errors import Problem
from ..traits import kind_of, takes_turns
from . import outreach, scrapes

# Settings of a kept component that only make a test wait. Sources: the README of each component in contrib, and
# processor/batchprocessor. A Collector that stops sends what batch and tail_sampling hold; groupbytrace loses it.
WAITS: dict[tuple[str, str], dict[str, Any]] = {
    ("processors", "groupbytrace"): {"wait_duration": "1s"},
    ("processors", "interval"): {"interval": "500ms"},
    ("connectors", "spanmetrics"): {"metrics_flush_interval": "500ms"},
    ("connectors", "servicegraph"): {
        "metrics_flush_interval": "300ms",
        "store": {"ttl": "1s"},
        "store_expiration_loop": "100ms",
    },
}
FLUSHES = {"groupbytrace": 2, "interval": 3, "spanmetrics": 3, "servicegraph": 6}
"""How often each of them sends until every exporter has all.

The first point of a new series is 0, and the last may have reached only some of the exporters. servicegraph counts a
call whose other side does not come after `ttl`.
"""
TAP = "what file_log read"
"""The name under which the test gets what file_log reads, before any processor."""
_TAP_PIPELINE = "logs/what_file_log_read"
# Detectors that ask a cloud or a cluster. Source: internal/ of processor/resourcedetectionprocessor, 0.160.
_ONLINE_DETECTORS = {
    "akamai", "aks", "alibaba_ecs", "azure", "azureappservice", "azurecontainerapps", "consul", "digitalocean",
    "docker", "ec2", "ecs", "eks", "elastic_beanstalk", "elasticbeanstalk", "gcp", "hetzner", "ibmcloud_classic",
    "ibmcloud_vpc", "k8s_api", "k8snode", "kubeadm", "linode", "nova", "openshift", "oraclecloud", "scaleway",
    "tencent_cvm", "upcloud", "vultr",
}  # fmt: skip
_DETECTION, _K8S_ATTRIBUTES, _FILE_LOG = "resourcedetection", "k8sattributes", "filelog"


@dataclass(frozen=True)
class Ends:
    """What the test listens on and connects to: addresses on loopback, and the folder that stands for `/`."""

    sink: str
    ports: Mapping[str, int]
    root: str
    otlp_http: str = "otlp_http"
    """The name of the exporter in the version of the Collector."""
    pages: Sequence[scrapes.Page] = ()
    """What receivers of type prometheus scrape; the others become OTLP."""
    pace: int = scrapes.PACE
    """Seconds between scrapes."""
    replays: bool = False
    """Whether every receiver gets by OTLP what it got before."""

    def reads(self, receiver: str) -> bool:
        """Return whether a receiver stays, and reads what the test puts there."""
        if self.replays:
            return False
        return kind_of(receiver) == _FILE_LOG or any(page.receiver == receiver for page in self.pages)


@dataclass(frozen=True)
class Harness:
    """The config of the test, its differences from the user's, and where a test may send."""

    config: dict[str, Any]
    changes: tuple[str, ...]
    receivers: Mapping[str, tuple[str, ...]]
    """Signals that each receiver feeds."""
    exporters: tuple[str, ...]
    reading: tuple[str, ...] = ()
    """Receivers that read what the test puts there; nothing is sent to them."""
    flushes: int = 0
    """How often components send until everything has left the pipelines; 0 if the Collector's stop sends the rest."""
    uses_cluster: bool = False
    sinks: Mapping[str, str] = field(default_factory=dict)
    """The user's exporter of each exporter of the test."""


def fed_receivers(config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return for each receiver in a pipeline the signals that it feeds; connectors are none."""
    connectors = config.get("connectors") or {}
    signals_of: dict[str, dict[str, None]] = {}
    for name, pipeline in _pipelines(config):
        for component_id in pipeline.get("receivers") or ():
            if component_id not in connectors:
                signals_of.setdefault(str(component_id), {})[signal_of(name)] = None
    return {receiver: tuple(signals) for receiver, signals in signals_of.items()}


def _pipelines(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the pipelines with their names. Raises Problem for a config without any, or of another shape."""
    service = config.get("service")
    pipelines = service.get("pipelines") if isinstance(service, Mapping) else None
    if not isinstance(pipelines, Mapping) or not pipelines:
        raise Problem("the config has no pipelines", where="service.pipelines", fix="Give a whole config.")
    _check_shapes(config, pipelines)
    for name, pipeline in pipelines.items():
        yield str(name), pipeline if isinstance(pipeline, Mapping) else {}


def _check_shapes(config: Mapping[str, Any], pipelines: Mapping[str, Any]) -> None:
    """Raise Problem for a section that is no mapping, or a part of a pipeline that is no list."""
    for name in SECTIONS:
        _check_shape(config, (name,), Mapping, "mapping")
    for name in pipelines:
        path = ("service", "pipelines", name)
        _check_shape(config, path, Mapping, "mapping")
        for role in ROLES:
            _check_shape(config, (*path, role), list, "list")
            _check_ids(config, (*path, role))


def _check_shape(config: Mapping[str, Any], path: Path, shape: type, word: str) -> None:
    """Raise Problem for a part of the config that has another shape."""
    value = at(config, path)
    if value is not None and not isinstance(value, shape):
        raise Problem(f"this part of the config is no {word}", where=dotted(path), fix=f"Write a {word} here.")


def _check_ids(config: Mapping[str, Any], path: Path) -> None:
    """Raise Problem for an item of a list of ids that is no text, such as the mapping of `- otlp:`."""
    for number, component_id in enumerate(at(config, path) or ()):
        if not isinstance(component_id, str):
            wrong = "this item is no id of a component"
            raise Problem(wrong, where=dotted((*path, number)), fix="Write the id alone, such as `- otlp`.")


def build_harness(config: Mapping[str, Any], ends: Ends, traced: bool = False) -> Harness:
    """Return the config with the ends of a test. Raises Problem for one that cannot be tested.

    If it is traced, what leaves each processor is sent to the test too, under the name that `stage_name` returns.
    """
    outreach.check_outreach(config, {})
    receivers = fed_receivers(config)
    processors = _used("processors", config)
    connectors = config.get("connectors") or {}
    reading = tuple(receiver for receiver in receivers if ends.reads(receiver))
    sources = _numbered("otlp", receivers)
    for receiver in reading:
        sources[receiver] = receiver
    sinks = _numbered(ends.otlp_http, _exporters(config))
    kept_kinds = [kind_of(component_id) for component_id in (*processors, *connectors)]
    flushes = sum(FLUSHES.get(kind, 0) for kind in kept_kinds)  # several may send to one exporter
    changes: list[str] = []
    result: dict[str, Any] = {
        "receivers": _receivers(sources, config, ends, flushes > 0, changes),
        "processors": _kept_section("processors", processors, config, changes),
        "connectors": _kept_section("connectors", connectors, config, changes),
        "exporters": {sink: _sink(exporter, ends) for exporter, sink in sinks.items()},
        "service": {"telemetry": {"metrics": {"level": "none"}, "logs": {"level": "info"}}},
    }
    changes += _changed_ends(config, sinks)
    result["service"]["pipelines"] = _rewired(config, sources, sinks)
    _tap(result, [receiver for receiver in reading if kind_of(receiver) == _FILE_LOG], ends)
    if traced:
        _trace(result, ends)
    return Harness(
        config={name: value for name, value in result.items() if value},
        changes=tuple(changes),
        receivers=receivers,
        exporters=tuple(sinks),
        reading=reading,
        flushes=flushes,
        uses_cluster=_K8S_ATTRIBUTES in kept_kinds,
        sinks={sink: exporter for exporter, sink in sinks.items()},
    )


def _changed_ends(config: Mapping[str, Any], exporters: Iterable[str]) -> Iterator[str]:
    """Yield what a test changes in all exporters and extensions."""
    for exporter in exporters:
        yield f"exporters.{exporter}: an OTLP sink on loopback"
    for extension in config.get("extensions") or ():
        yield f"extensions.{extension}: left out"


def _exporters(config: Mapping[str, Any]) -> list[str]:
    """Return the exporters in pipelines; connectors are none."""
    connectors = config.get("connectors") or {}
    return [exporter for exporter in _used("exporters", config) if exporter not in connectors]


def _numbered(kind: str, component_ids: Iterable[str]) -> dict[str, str]:
    """Return for each component the id of the one that stands for it in the test."""
    return {component_id: f"{kind}/{number}_{_word(component_id)}" for number, component_id in enumerate(component_ids)}


def _rewired(
    config: Mapping[str, Any], sources: Mapping[str, str], sinks: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the pipelines with other ends; the processors between stay."""
    rewired = {}
    for name, pipeline in _pipelines(config):
        copy: dict[str, Any] = {}
        if pipeline.get("processors"):
            copy["processors"] = list(pipeline["processors"])
        copy["receivers"] = _replaced_ids(pipeline, "receivers", sources)
        copy["exporters"] = _replaced_ids(pipeline, "exporters", sinks)
        rewired[name] = copy
    return rewired


def _replaced_ids(pipeline: Mapping[str, Any], role: str, replacements: Mapping[str, str]) -> list[Any]:
    """Return the ids that a pipeline lists in a role, with others in place of some."""
    return [replacements.get(str(component_id), component_id) for component_id in pipeline.get(role) or ()]


def _tap(result: dict[str, Any], files: list[str], ends: Ends) -> None:
    """Send what file_log reads to the test too."""
    if files:
        sink = f"{ends.otlp_http}/tap"
        result["exporters"][sink] = _sink(TAP, ends)
        result["service"]["pipelines"][_TAP_PIPELINE] = {"receivers": files, "exporters": [sink]}


def stage_name(pipeline: str, number: int) -> str:
    """Return the name under which a traced pipeline sends what leaves its first processors."""
    return f"stage {number} of {pipeline}"


def _trace(result: dict[str, Any], ends: Ends) -> None:
    """Add for each pipeline, and each number of its processors, a pipeline that ends there.

    A connector that names pipelines sends to these too. One that takes turns would send them a part of the records.
    """
    pipelines = result["service"]["pipelines"]
    for index, (name, pipeline) in enumerate(list(pipelines.items())):
        if gets_a_part(pipeline):
            continue
        processors = pipeline.get("processors", [])
        for number in range(len(processors) + 1):
            stage = f"stage_{number}_of_{index}_{_word(name)}"
            sink, added = f"{ends.otlp_http}/{stage}", f"{signal_of(name)}/{stage}"
            result["exporters"][sink] = _sink(stage_name(name, number), ends)
            copy = {"receivers": pipeline["receivers"], "processors": processors[:number], "exporters": [sink]}
            pipelines[added] = {role: listed for role, listed in copy.items() if listed}
            result["connectors"] = listed_beside(result["connectors"], name, added)


def gets_a_part(pipeline: Mapping[str, Any]) -> bool:
    """Return whether a pipeline gets a part of the records of a connector, so that nothing can listen beside it."""
    return any(takes_turns(str(receiver)) for receiver in pipeline.get("receivers") or ())


def listed_beside(value: Any, name: str, added: str) -> Any:
    """Return settings whose lists that have a name have another name too."""
    if isinstance(value, Mapping):
        return {key: listed_beside(inner, name, added) for key, inner in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    listed = [listed_beside(inner, name, added) for inner in value]
    if name in value:
        listed.append(added)
    return listed


def _word(component_id: str) -> str:
    """Return an id as a part of another one."""
    return component_id.replace("/", "_")


def _used(role: str, config: Mapping[str, Any]) -> list[str]:
    """Return the ids that pipelines list in a role, each once, in their order."""
    used_ids: dict[str, None] = {}
    for _name, pipeline in _pipelines(config):
        for component_id in pipeline.get(role) or ():
            used_ids[str(component_id)] = None
    return list(used_ids)


def _receivers(
    sources: Mapping[str, str], config: Mapping[str, Any], ends: Ends, waits: bool, changes: list[str]
) -> dict[str, Any]:
    """Return the receivers of the test: those that read what it writes or serves, and OTLP in place of all others."""
    return {source: _receiver(receiver, config, ends, waits, changes) for receiver, source in sources.items()}


def _receiver(receiver: str, config: Mapping[str, Any], ends: Ends, waits: bool, changes: list[str]) -> dict[str, Any]:
    """Return the settings of the receiver that stands for one of the user's, and note what changes."""
    settings = _settings_of_receiver(receiver, config, ends)
    own_pages = [page for page in ends.pages if page.receiver == receiver]
    if own_pages:
        one_scrape_is_enough = not waits and all(len(page.texts) == 1 for page in ends.pages)
        pace = 0 if one_scrape_is_enough else ends.pace
        scraping = scrapes.scraping_receiver(settings, own_pages, ends.sink, ends.ports[receiver], pace)
        changes += [f"receivers.{receiver}: {change}" for change in scraping.changes]
        return scraping.settings
    if ends.reads(receiver):
        changes.append(f"receivers.{receiver}: reads below the folder of the test, from the beginning; no storage")
        return _reading_below(ends.root, settings)
    changes.append(f"receivers.{receiver}: OTLP on loopback")
    return _otlp_on_loopback(ends.ports[receiver], settings)


def _settings_of_receiver(receiver: str, config: Mapping[str, Any], ends: Ends) -> Mapping[str, Any]:
    """Return what the user sets of a receiver; an empty mapping for a variable in place of its settings.

    Raises Problem for settings of another shape, and for a variable if the test must know them.
    """
    path = ("receivers", receiver)
    settings = at(config, path) or {}
    if not isinstance(settings, str) or "${" not in settings:
        _check_shape(config, path, Mapping, "mapping")
        return settings
    if ends.reads(receiver):
        wrong = "the files that this receiver reads are not known"
        raise Problem(wrong, where=dotted(path), fix="Write its settings into the config.")
    return {}


def _reading_below(root: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of file_log that reads the files of the test, whole."""
    own = {key: value for key, value in settings.items() if key != "storage"}
    for key in ("include", "exclude"):
        if own.get(key):
            own[key] = _below(root, own[key])
    return {**own, "start_at": "beginning", "poll_interval": "50ms"}


def _otlp_on_loopback(port: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a receiver of OTLP; it hands on metadata if the user's receiver does."""
    server: dict[str, Any] = {"endpoint": f"127.0.0.1:{port}"}
    if any(path[-1] == "include_metadata" and value is True for path, value in leaves(settings)):
        server["include_metadata"] = True
    return {"protocols": {"http": server}}


def _below(root: str, paths: Any) -> list[str]:
    """Return patterns of paths below the folder of the test. The Collector takes a text for a list of one."""
    listed = paths if isinstance(paths, (list, tuple)) else [paths]
    return [f"{root}{normpath('/' + str(path).lstrip('/'))}" for path in listed]


def _kept_section(
    section: str, component_ids: Iterable[str], config: Mapping[str, Any], changes: list[str]
) -> dict[str, Any]:
    """Return a section with these components, and note what changes in them."""
    return {component_id: _kept(section, component_id, config, changes) for component_id in component_ids}


def _kept(section: str, component_id: str, config: Mapping[str, Any], changes: list[str]) -> Any:
    """Return a component as it is, but for what asks a cluster or a cloud, or only waits."""
    given = (config.get(section) or {}).get(component_id)
    settings = given if isinstance(given, Mapping) else {}
    changed = {}
    for key, value in _replaced(section, kind_of(component_id), settings).items():
        if settings.get(key) != value:
            changed[key] = value
            changes.append(f"{section}.{component_id}.{key}: {value}")
    return {**settings, **changed} if changed else given


def _replaced(section: str, kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a component of a kind has in every test."""
    if kind == _DETECTION:
        return _offline_detectors(settings.get("detectors"))
    if kind == _K8S_ATTRIBUTES:
        return {"auth_type": "kubeConfig", "wait_for_metadata": True}
    replaced = {}
    for key, value in WAITS.get((section, kind), {}).items():
        own = settings.get(key)
        replaced[key] = {**own, **value} if isinstance(own, dict) else value
    return replaced


def _offline_detectors(given: Any) -> dict[str, Any]:
    """Return the setting `detectors` without those that ask a cloud or a cluster.

    The Collector takes a text for a list, with commas between its items. What nobody can read stays.
    """
    if isinstance(given, str) and "${" not in given:
        given = given.split(",")
    if given is not None and not isinstance(given, list):
        return {}
    offline = [name for name in given or () if not (isinstance(name, str) and name in _ONLINE_DETECTORS)]
    return {"detectors": offline or ["env"]}


def _sink(exporter: str, ends: Ends) -> dict[str, Any]:
    """Return the settings of an exporter by which the test gets what another one would."""
    return {
        "endpoint": f"{ends.sink}/{quote(exporter, safe='')}",
        "encoding": "json",
        "compression": "none",
        "sending_queue": {"enabled": False},
        "retry_on_failure": {"enabled": False},
    }


def receiver_of_signal(harness: Harness, signal: str, named: str, where: str) -> str:
    """Return the receiver that gets a signal. Raises Problem if none can, or if several could and none is named."""
    able = []
    for receiver, signals in harness.receivers.items():
        if signal in signals and receiver not in harness.reading:
            able.append(receiver)
    if named:
        if named in able:
            return named
        wrong = f"the receiver '{named}' does not feed a pipeline of {signal}"
        raise Problem(wrong, where=where, fix=f"Receivers that do: {_listed(able)}.")
    if not able:
        fix = "Add a pipeline, or remove this part of the test."
        raise Problem(f"no receiver takes {signal}", where=where, fix=fix)
    preferred = [receiver for receiver in able if kind_of(receiver) == "otlp"] or able
    if len(preferred) > 1:
        wrong = f"several receivers take {signal}: {_listed(preferred)}"
        raise Problem(wrong, where=where, fix="Name one with `to`.")
    return preferred[0]


def _listed(names: Iterable[str]) -> str:
    """Return names as a message lists them."""
    return ", ".join(sorted(names)) or "none"
