# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutators of shape, wiring and expansion: no build and no surroundings are asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import iter_leaves
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _yaml

from .edits import NEW, ROLES, Mutator, components, drop, edited, joined, pipelines, plus, put, rename

_FEW = 4


def duplicate_key(subject: Subject) -> Iterator[Subject]:
    text = _yaml.dump(subject.config)
    for key in subject.config:
        document = _yaml.load(f"{text}{key}: {{}}\n", "mutant")
        yield Subject(document.data, duplicate_keys=document.duplicates)


def not_a_mapping(subject: Subject) -> Iterator[Subject]:
    places = [(key,) for key in subject.config] + [("service", "pipelines"), ("service", "telemetry")]
    yield from (put(subject, path, value) for path in places for value in ([], "text", 5))
    yield from (put(subject, path, ["otlp"]) for path, _roles in pipelines(subject))


def not_a_list(subject: Subject) -> Iterator[Subject]:
    yield put(subject, ("service", "extensions"), "health_check")
    for path, roles in pipelines(subject):
        for role in roles:
            yield put(subject, (*path, role), "otlp")
            yield put(subject, (*path, role), [*(roles[role] or ()), {"otlp": None}])


def unknown_section(subject: Subject) -> Iterator[Subject]:
    yield from (rename(subject, (key,), key[:-1]) for key in subject.config)


def unknown_key(subject: Subject) -> Iterator[Subject]:
    yield put(subject, ("service", "pipeline"), {})
    for path, roles in pipelines(subject):
        yield from (rename(subject, (*path, role), role[:-1]) for role in roles)


def invalid_id(subject: Subject) -> Iterator[Subject]:
    for name, component_id, _settings in components(subject):
        for wrong in (f"{component_id}/", f"1{component_id}", f"{component_id} two"):
            if wrong.count("/") < 2:
                yield rename(subject, (name, component_id), wrong)


def invalid_pipeline_key(subject: Subject) -> Iterator[Subject]:
    for path, _roles in pipelines(subject):
        yield from (rename(subject, path, wrong) for wrong in ("trace", "traces/", "spans/one", "logs/a b"))


def no_components(subject: Subject) -> Iterator[Subject]:
    for role in ("receivers", "exporters"):
        yield drop(subject, (role,), ("connectors",))
        yield put(drop(subject, ("connectors",)), (role,), {})
        yield put(drop(subject, ("connectors",)), (role,), None)


def no_pipelines(subject: Subject) -> Iterator[Subject]:
    yield from (put(subject, ("service", "pipelines"), empty) for empty in ({}, None))
    for path, _roles in pipelines(subject):
        for role in ("receivers", "exporters"):
            yield drop(subject, (*path, role))
            yield put(subject, (*path, role), [])


def undefined_reference(subject: Subject) -> Iterator[Subject]:
    for path, roles in pipelines(subject):
        for role, ids in roles.items():
            for index, component_id in enumerate(ids or ()):
                yield put(subject, (*path, role, index), f"{component_id}x")
    for name, component_id, _settings in components(subject, *ROLES):
        if any(component_id in (roles.get(name) or ()) for _path, roles in pipelines(subject)):
            yield drop(subject, (name, component_id), ("connectors",))


def undefined_extension(subject: Subject) -> Iterator[Subject]:
    kept = {"endpoint": "gateway:4317", "sending_queue": {"storage": f"file_storage/{NEW}"}}
    signed = {"endpoint": "https://example.com", "auth": {"authenticator": f"basicauth/{NEW}"}}
    for kind, settings in (("otlp_grpc", kept), ("otlp_http", signed)):
        yield plus(subject, "exporters", kind, settings)
    # It is there, but the service does not start it.
    yield put(plus(subject, "exporters", "otlp_grpc", kept), ("extensions", f"file_storage/{NEW}"), {})


def undefined_pipeline(subject: Subject) -> Iterator[Subject]:
    for signal in ("traces", "metrics", "logs"):
        for wrong in (f"{signal}/nowhere", *(str(path[-1]) for path, _roles in pipelines(subject))):
            settings: dict[str, Any] = {"table": [{"condition": "true", "pipelines": [wrong]}]}
            yield joined(subject, "routing", settings, (signal, signal))


def duplicate_processor(subject: Subject) -> Iterator[Subject]:
    for path, roles in pipelines(subject):
        listed = roles.get("processors") or []
        yield from (put(subject, (*path, "processors"), [*listed, one]) for one in listed)


def ambiguous_id(subject: Subject) -> Iterator[Subject]:
    for _name, component_id, _settings in components(subject, "receivers", "exporters"):
        yield put(subject, ("connectors", component_id), {})


def idle_extension(subject: Subject) -> Iterator[Subject]:
    for kind in ("pprof", "zpages", "health_check"):
        yield put(subject, ("extensions", f"{kind}/{NEW}"), {})
    for _name, component_id, _settings in components(subject, "extensions"):
        yield edited(subject, lambda config, one=component_id: config["service"]["extensions"].remove(one))


def texts(*written: str) -> Mutator:
    """Return the mutator that writes such texts in place of what a config says."""

    def mutate(subject: Subject) -> Iterator[Subject]:
        found = [
            path
            for path, value in iter_leaves(subject.config)
            if isinstance(value, str) and path[0] != "service" and not isinstance(path[-1], int)
        ]
        yield from (put(subject, path, text) for path in found[:_FEW] for text in written)

    return mutate


MUTATORS: dict[str, Mutator] = {
    "duplicate-key": duplicate_key,
    "not-a-mapping": not_a_mapping,
    "not-a-list": not_a_list,
    "unknown-section": unknown_section,
    "unknown-key": unknown_key,
    "invalid-id": invalid_id,
    "invalid-pipeline-key": invalid_pipeline_key,
    "no-components": no_components,
    "no-pipelines": no_pipelines,
    "undefined-reference": undefined_reference,
    "undefined-extension": undefined_extension,
    "undefined-pipeline": undefined_pipeline,
    "duplicate-processor": duplicate_processor,
    "ambiguous-id": ambiguous_id,
    "idle-extension": idle_extension,
    "invalid-expansion": texts("${env:1ST}", "${env:A B}", "a-${not a scheme:x}"),
    "unknown-scheme": texts("${vault:secret/a}", "${evn:HOST}:4317"),
    "bare-variable": texts("$ENDPOINT", "https://$HOST:4318"),
}
