# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits that mutators are made of: each returns a new subject and leaves its base as it is."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Path, mapping_at, value_at
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Deployment, Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._build_request import BuildRequest

Json = dict[str, Any]
Mutator = Callable[[Subject], Iterator[Subject]]
SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
ROLES = ("receivers", "processors", "exporters")
NEW = "mutant"
_PACKED = "packed config"


def edited(subject: Subject, change: Callable[[Json], object], **around: Any) -> Subject:
    """Return the subject with a changed copy of its config, and with other surroundings."""
    config = pickle.loads(packed(subject))
    change(config)
    return replace(subject, config=config, **around)


def packed(subject: Subject) -> bytes:
    """Return the config of a subject as bytes, of which `pickle` makes a copy more quickly than `deepcopy`.

    The bytes stay with the subject: hundreds of mutants are made of a base, and none changes it.
    """
    if _PACKED not in subject.__dict__:
        subject.__dict__[_PACKED] = pickle.dumps(subject.config)
    found: bytes = subject.__dict__[_PACKED]
    return found


def put(subject: Subject, path: Path, value: Any, **around: Any) -> Subject:
    """Return the subject with a value at a path; mappings on the way are made."""

    def change(config: Any) -> None:
        here = config
        for key in path[:-1]:
            if isinstance(here, dict) and here.get(key) is None:
                here[key] = {}
            here = here[key]
        here[path[-1]] = value

    return edited(subject, change, **around)


def drop(subject: Subject, *paths: Path, **around: Any) -> Subject:
    """Return the subject without what stands at these paths."""

    def change(config: Any) -> None:
        for path in paths:
            parent = value_at(config, path[:-1])
            if isinstance(parent, (dict, list)) and value_at(config, path, ...) is not ...:
                del parent[path[-1]]

    return edited(subject, change, **around)


def rename(subject: Subject, path: Path, name: Any) -> Subject:
    """Return the subject with another key at the end of a path, in the same place among its neighbours."""

    def change(config: Any) -> None:
        around = value_at(config, path[:-1])
        pairs = [(name if key == path[-1] else key, value) for key, value in around.items()]
        around.clear()
        around.update(pairs)

    return edited(subject, change)


def plus(
    subject: Subject, name: str, kind: str, settings: Any = None, signal: str = "traces", **around: Any
) -> Subject:
    """Return the subject with one more component, started by a pipeline of the signal (its last, or a new one)."""
    found = f"{kind}/{NEW}"

    def change(config: Json) -> None:
        config[name] = {**(config.get(name) or {}), found: {} if settings is None else settings}
        service = config.setdefault("service", {})
        if name == "extensions":
            service["extensions"] = [*(service.get("extensions") or ()), found]
        else:
            pipeline = _pipeline(config, signal)
            pipeline[name] = [*(pipeline.get(name) or ()), found]

    return edited(subject, change, **around)


def _pipeline(config: Json, signal: str) -> Json:
    """Return a pipeline of a signal to add to."""
    pipelines: Json = config["service"].setdefault("pipelines", {})
    for key, pipeline in reversed(pipelines.items()):
        if key.split("/")[0] == signal:
            return dict.setdefault(pipelines, key, pipeline)
    nop = f"nop/{NEW}"
    for role in ("receivers", "exporters"):
        config[role] = {**(config.get(role) or {}), nop: None}
    pipelines[f"{signal}/{NEW}"] = {"receivers": [nop], "exporters": [nop]}
    return pipelines[f"{signal}/{NEW}"]


def joined(subject: Subject, kind: str, settings: Any, ends: tuple[str, str]) -> Subject:
    """Return the subject with a connector from the last pipeline of a signal to a new one of another."""
    of, to = ends
    made = plus(subject, "exporters", "nop", None, to)
    made = put(made, ("connectors", f"{kind}/{NEW}"), settings)

    def change(config: Json) -> None:
        source = _pipeline(config, of)
        source["exporters"] = [*source["exporters"], f"{kind}/{NEW}"]
        config["service"]["pipelines"][f"{to}/joined"] = {"receivers": [f"{kind}/{NEW}"], "exporters": [f"nop/{NEW}"]}

    return edited(made, change)


def components(subject: Subject, *names: str) -> Iterator[tuple[str, str, Any]]:
    """Yield section, id and settings of every component."""
    for name in names or SECTIONS:
        for component_id, settings in mapping_at(subject.config, name).items():
            yield name, component_id, settings


def pipelines(subject: Subject) -> Iterator[tuple[Path, Json]]:
    """Yield path and roles of every pipeline."""
    for key, roles in mapping_at(subject.config, "service", "pipelines").items():
        yield ("service", "pipelines", key), roles


def placed(subject: Subject, **changes: Any) -> Deployment:
    """Return where the subject runs, changed."""
    return replace(subject.deployment or Deployment("deployment"), **changes)


def built(distribution: str, version: str) -> Json:
    """Return a build as a change of a subject's surroundings."""
    return {"target": _builds.resolve_build(BuildRequest(distribution, version), "")}


def added(rows: Iterable[tuple[Any, ...]]) -> Mutator:
    """Return the mutator that adds one component after the other: section, type, settings and signal."""
    listed = list(rows)

    def mutate(subject: Subject) -> Iterator[Subject]:
        for row in listed:
            yield plus(subject, *row)

    return mutate


def added_where(changes: Json, rows: Iterable[tuple[Any, ...]]) -> Mutator:
    """Return the mutator that adds components to a collector which runs in another way."""
    listed = list(rows)

    def mutate(subject: Subject) -> Iterator[Subject]:
        for row in listed:
            yield plus(subject, *row, deployment=placed(subject, **changes))

    return mutate


def http_exporter(**settings: Any) -> tuple[str, str, Json]:
    """Return an exporter over HTTP, as `plus` takes it."""
    return ("exporters", "otlp_http", {"endpoint": "https://otlp.example.com", **settings})


def grpc_exporter(**settings: Any) -> tuple[str, str, Json]:
    """Return an exporter over gRPC, as `plus` takes it."""
    return ("exporters", "otlp_grpc", {"endpoint": "otlp.example.com:4317", **settings})
