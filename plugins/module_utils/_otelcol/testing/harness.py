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

    def reads(self, item: str) -> bool:
        """Return whether a receiver stays, and reads what the test puts there."""
        if self.replays:
            return False
        return kind_of(item) == _FILE_LOG or item in {page.receiver for page in self.pages}


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
    own, found = config.get("connectors") or {}, dict[str, dict[str, None]]()
    for name, pipeline in _pipelines(config):
        for item in pipeline.get("receivers") or ():
            if item not in own:
                found.setdefault(str(item), {})[name.partition("/")[0]] = None
    return {item: tuple(signals) for item, signals in found.items()}


def _pipelines(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    service = config.get("service")
    pipelines = service.get("pipelines") if isinstance(service, Mapping) else None
    if not isinstance(pipelines, Mapping) or not pipelines:
        raise Problem("the config has no pipelines", where="service.pipelines", fix="Give a whole config.")
    _check_shapes(config, pipelines)
    for name, pipeline in pipelines.items():
        yield str(name), pipeline if isinstance(pipeline, Mapping) else {}


def _check_shapes(config: Mapping[str, Any], pipelines: Mapping[str, Any]) -> None:
    wanted: list[tuple[Path, type, str]] = [((name,), Mapping, "mapping") for name in SECTIONS]
    wanted += [(("service", "pipelines", name, role), list, "list") for name in pipelines for role in ROLES]
    for path, shape, word in wanted:
        value = at(config, path)
        if value is not None and not isinstance(value, shape):
            raise Problem(f"this part of the config is no {word}", where=dotted(path), fix=f"Write a {word} here.")


def build_harness(config: Mapping[str, Any], ends: Ends, traced: bool = False) -> Harness:
    """Return the config with the ends of a test. Raises Problem for one that cannot be tested.

    If it is traced, what leaves each processor is sent to the test too, under the name that `stage_name` returns.
    """
    outreach.check_outreach(config, {})
    feeding, connectors = fed_receivers(config), config.get("connectors") or {}
    reading = tuple(filter(ends.reads, feeding))
    sources = {**_numbered("otlp", feeding), **dict(zip(reading, reading, strict=True))}
    sinks = _numbered(ends.otlp_http, _exporters(config))
    kept = [kind_of(item) for item in (*_used("processors", config), *connectors)]
    flushes = sum(FLUSHES.get(kind, 0) for kind in kept)  # several may send to one exporter
    changes: list[str] = []
    result: dict[str, Any] = {
        "receivers": _receivers(sources, config, ends, flushes > 0, changes),
        "processors": _kept_section("processors", _used("processors", config), config, changes),
        "connectors": _kept_section("connectors", connectors, config, changes),
        "exporters": {sink: _sink(item, ends) for item, sink in sinks.items()},
        "service": {"telemetry": {"metrics": {"level": "none"}, "logs": {"level": "info"}}},
    }
    changes += [f"exporters.{item}: an OTLP sink on loopback" for item in sinks]
    changes += [f"extensions.{item}: left out" for item in config.get("extensions") or ()]
    result["service"]["pipelines"] = _rewired(config, sources, sinks)
    _tap(result, [item for item in reading if kind_of(item) == _FILE_LOG], ends)
    if traced:
        _trace(result, ends)
    whole = {section: value for section, value in result.items() if value}
    named = {sink: item for item, sink in sinks.items()}
    return Harness(whole, tuple(changes), feeding, tuple(sinks), reading, flushes, _K8S_ATTRIBUTES in kept, named)


def _exporters(config: Mapping[str, Any]) -> list[str]:
    """Return the exporters in pipelines; connectors are none."""
    connectors = config.get("connectors") or {}
    return [item for item in _used("exporters", config) if item not in connectors]


def _numbered(kind: str, ids: Iterable[str]) -> dict[str, str]:
    """Return for each component the id of the one that stands for it in the test."""
    return {item: f"{kind}/{number}_{_word(item)}" for number, item in enumerate(ids)}


def _rewired(
    config: Mapping[str, Any], sources: Mapping[str, str], sinks: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the pipelines with other ends; the processors between stay."""
    return {
        name: {
            **({"processors": list(pipeline["processors"])} if pipeline.get("processors") else {}),
            "receivers": [sources.get(str(item), item) for item in pipeline.get("receivers") or ()],
            "exporters": [sinks.get(str(item), item) for item in pipeline.get("exporters") or ()],
        }
        for name, pipeline in _pipelines(config)
    }


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
    for name, pipeline in list(pipelines.items()):
        if gets_a_part(pipeline):
            continue
        processors = pipeline.get("processors", [])
        for number in range(len(processors) + 1):
            sink = f"{ends.otlp_http}/stage_{number}_of_{_word(name)}"
            result["exporters"][sink] = _sink(stage_name(name, number), ends)
            copy = {"receivers": pipeline["receivers"], "processors": processors[:number], "exporters": [sink]}
            added = f"{name.partition('/')[0]}/stage_{number}_of_{_word(name)}"
            pipelines[added] = {key: part for key, part in copy.items() if part}
            result["connectors"] = listed_beside(result["connectors"], name, added)


def gets_a_part(pipeline: Mapping[str, Any]) -> bool:
    """Return whether a pipeline gets a part of the records of a connector, so that nothing can listen beside it."""
    return any(takes_turns(str(item)) for item in pipeline.get("receivers") or ())


def listed_beside(value: Any, name: str, added: str) -> Any:
    """Return settings whose lists that have a name have another name too."""
    if isinstance(value, Mapping):
        return {key: listed_beside(item, name, added) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [*(listed_beside(item, name, added) for item in value), *([added] if name in value else ())]
    return value


def _word(item: str) -> str:
    return item.replace("/", "_")


def _used(section: str, config: Mapping[str, Any]) -> list[str]:
    named = {str(item): None for _name, pipeline in _pipelines(config) for item in pipeline.get(section) or ()}
    return list(named)


def _receivers(
    sources: Mapping[str, str], config: Mapping[str, Any], ends: Ends, waits: bool, changes: list[str]
) -> dict[str, Any]:
    """Return the receivers of the test: those that read what it writes or serves, and OTLP in place of all others."""
    return {source: _receiver(item, config, ends, waits, changes) for item, source in sources.items()}


def _receiver(item: str, config: Mapping[str, Any], ends: Ends, waits: bool, changes: list[str]) -> dict[str, Any]:
    settings = (config.get("receivers") or {}).get(item) or {}
    own_pages = [page for page in ends.pages if page.receiver == item]
    if own_pages:
        once = not waits and all(len(page.texts) == 1 for page in ends.pages)
        scraping = scrapes.scraping_receiver(settings, own_pages, ends.sink, ends.ports[item], 0 if once else ends.pace)
        changes += [f"receivers.{item}: {change}" for change in scraping.changes]
        return scraping.settings
    if ends.reads(item):
        changes.append(f"receivers.{item}: reads below the folder of the test, from the beginning; no storage")
        return _reading_below(ends.root, settings)
    changes.append(f"receivers.{item}: OTLP on loopback")
    return _otlp_on_loopback(ends.ports[item], settings)


def _reading_below(root: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of file_log that reads the files of the test, whole."""
    kept = {key: value for key, value in settings.items() if key != "storage"}
    paths = {key: _below(root, kept[key]) for key in ("include", "exclude") if kept.get(key)}
    return {**kept, **paths, "start_at": "beginning", "poll_interval": "50ms"}


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


def _kept_section(section: str, ids: Iterable[str], config: Mapping[str, Any], changes: list[str]) -> dict[str, Any]:
    return {item: _kept(section, item, config, changes) for item in ids}


def _kept(section: str, item: str, config: Mapping[str, Any], changes: list[str]) -> Any:
    """Return a component as it is, but for what asks a cluster or a cloud, or only waits."""
    given = (config.get(section) or {}).get(item)
    settings = given if isinstance(given, Mapping) else {}
    replaced = _replaced(section, kind_of(item), settings)
    replaced = {key: value for key, value in replaced.items() if settings.get(key) != value}
    changes += [f"{section}.{item}.{key}: {value}" for key, value in replaced.items()]
    return {**settings, **replaced} if replaced else given


def _replaced(section: str, kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a component of a kind has in every test."""
    if kind == _DETECTION:
        offline = [name for name in settings.get("detectors") or () if name not in _ONLINE_DETECTORS]
        return {"detectors": offline or ["env"]}
    if kind == _K8S_ATTRIBUTES:
        return {"auth_type": "kubeConfig", "wait_for_metadata": True}
    replaced = {}
    for key, value in WAITS.get((section, kind), {}).items():
        own = settings.get(key)
        replaced[key] = {**own, **value} if isinstance(own, dict) else value
    return replaced


def _sink(item: str, ends: Ends) -> dict[str, Any]:
    return {
        "endpoint": f"{ends.sink}/{quote(item, safe='')}",
        "encoding": "json",
        "compression": "none",
        "sending_queue": {"enabled": False},
        "retry_on_failure": {"enabled": False},
    }


def receiver_of_signal(harness: Harness, signal: str, asked: str, where: str) -> str:
    """Return the receiver that gets a signal. Raises Problem if none can, or if several could and none is named."""
    able = [item for item, signals in harness.receivers.items() if signal in signals and item not in harness.reading]
    if asked:
        if asked in able:
            return asked
        wrong = f"the receiver '{asked}' does not feed a pipeline of {signal}"
        raise Problem(wrong, where=where, fix=f"Receivers that do: {_listed(able)}.")
    preferred = [item for item in able if kind_of(item) == "otlp"] or able
    if len(preferred) == 1:
        return preferred[0]
    wrong = f"no receiver takes {signal}" if not able else f"several receivers take {signal}: {_listed(preferred)}"
    fix = "Add a pipeline, or remove this part of the test." if not able else "Name one with `to`."
    raise Problem(wrong, where=where, fix=fix)


def _listed(items: Iterable[str]) -> str:
    return ", ".join(sorted(items)) or "none"
