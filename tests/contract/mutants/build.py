# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutators of what a build knows: types, signals, connectors and settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.version_ranges import is_in_ranges
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import iter_leaves
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

from .edits import NEW, Mutator, added, built, components, edited, joined, pipelines, plus, put, rename

ELSEWHERE = {"receivers": "processors", "processors": "exporters", "exporters": "processors", "extensions": "receivers"}
OTLP = {"endpoint": "gateway:4317"}
HTTP = {"endpoint": "https://otlp.example.com"}
_TIMES = ("check_interval", "timeout", "collection_interval")


def unknown_component(subject: Subject) -> Iterator[Subject]:
    for name, component_id, _settings in components(subject):
        kind, slash, rest = component_id.partition("/")
        yield rename(subject, (name, component_id), f"{kind}x{slash}{rest}")
    yield plus(subject, "exporters", "awsxray", {}, **built("core", "0.158.0"))


def wrong_class(subject: Subject) -> Iterator[Subject]:
    catalogue = subject.target.catalogue if subject.target else None
    for name, component_id, settings in components(subject, *ELSEWHERE):
        kind, other = component_id.split("/")[0], ELSEWHERE[name]
        if catalogue and not catalogue.is_known(other, kind):
            yield put(subject, (other, f"{kind}/{NEW}"), settings)


def newer_name(subject: Subject) -> Iterator[Subject]:
    old = built("contrib", "0.115.0")
    yield plus(subject, "processors", "k8s_attributes", {}, **old)
    yield plus(subject, "exporters", "otlp_http", HTTP, **old)
    yield plus(subject, "receivers", "file_log", {}, "logs", **built("redhat", "0.135.0"))


def older_name(subject: Subject) -> Iterator[Subject]:
    """Yield configs with an older name; one that has some already keeps its one finding."""
    old = {item.new_name: item.old_name for item in _builds.load_catalogue().renames}
    if any(component_id.partition("/")[0] in old.values() for _name, component_id, _settings in components(subject)):
        return
    for name, kind in (("processors", "k8sattributes"), ("exporters", "otlphttp"), ("exporters", "otlp")):
        yield put(subject, (name, f"{kind}/{NEW}"), HTTP)
    for name, component_id, _settings in components(subject):
        kind, slash, rest = component_id.partition("/")
        if kind in old:
            yield rename(subject, (name, component_id), f"{old[kind]}{slash}{rest}")


def unused_component(subject: Subject) -> Iterator[Subject]:
    for name, kind in (("receivers", "nop"), ("processors", "batch"), ("exporters", "nop"), ("connectors", "forward")):
        yield put(subject, (name, f"{kind}/{NEW}"), None)
    for _path, roles in pipelines(subject):
        for processor in roles.get("processors") or ():
            yield edited(subject, lambda config, one=processor: _retire(config, one))


def _retire(config: Any, processor: str) -> None:
    for roles in config["service"]["pipelines"].values():
        roles["processors"] = [one for one in roles.get("processors") or () if one != processor]


def one_sided_connector(subject: Subject) -> Iterator[Subject]:
    for path, roles in pipelines(subject):
        for role in ("receivers", "exporters"):
            made = put(subject, ("connectors", f"forward/{NEW}"), None)
            yield put(made, (*path, role), [*(roles[role] or ()), f"forward/{NEW}"])


def unsupported_connection(subject: Subject) -> Iterator[Subject]:
    for kind, ends in (
        ("span_metrics", ("metrics", "metrics")),
        ("span_metrics", ("traces", "logs")),
        ("count", ("traces", "logs")),
        ("forward", ("traces", "metrics")),
    ):
        yield joined(subject, kind, None, ends)


def connector_cycle(subject: Subject) -> Iterator[Subject]:
    for path, _roles in pipelines(subject):

        def back(config: Any, key: Any = path[-1]) -> None:
            roles = config["service"]["pipelines"][key]
            roles["receivers"] = [*roles["receivers"], f"forward/{NEW}"]
            roles["exporters"] = [*roles["exporters"], f"forward/{NEW}"]

        yield edited(put(subject, ("connectors", f"forward/{NEW}"), None), back)


def removed_setting(subject: Subject) -> Iterator[Subject]:
    yield plus(subject, "exporters", "otlp_grpc", {**OTLP, "batcher": {"enabled": True}})
    yield plus(subject, "exporters", "otlp_http", {**HTTP, "sending_queue": {"blocking": True}})
    yield plus(subject, "exporters", "debug", {"loglevel": "debug"})
    yield put(subject, ("service", "telemetry", "metrics", "address"), "0.0.0.0:8888")


def moved_setting(subject: Subject) -> Iterator[Subject]:
    yield plus(subject, "exporters", "otlp", {**OTLP, "batcher": {}}, **built("contrib", "0.125.0"))
    queue = {**HTTP, "sending_queue": {"blocking": True}}
    yield plus(subject, "exporters", "otlphttp", queue, **built("contrib", "0.125.0"))
    address = ("service", "telemetry", "metrics", "address")
    yield put(subject, address, ":8888", **built("contrib", "0.115.0"))


def _described(subject: Subject) -> Iterator[tuple[str, str, Any]]:
    for name, component_id, settings in components(subject):
        version = subject.target.version if subject.target else ""
        row = (
            subject.target.catalogue.find_fields(name, component_id.split("/")[0], version) if subject.target else None
        )
        if (
            row
            and is_in_ranges(row["exact"], version)
            and isinstance(row["fields"], dict)
            and "..." not in row["fields"]
            and "*" not in row["fields"]
        ):
            yield name, component_id, settings


def unknown_field(subject: Subject) -> Iterator[Subject]:
    for name, component_id, settings in _described(subject):
        if isinstance(settings, dict) or settings is None:
            yield put(subject, (name, component_id, "nosuch_setting"), 1)
    yield put(subject, ("service", "telemetry", "trace"), {})


def wrong_type(subject: Subject) -> Iterator[Subject]:
    yield from (put(subject, (name, found), []) for name, found, _settings in _described(subject))
    yield plus(subject, "exporters", "otlp_grpc", {"endpoint": 4317})
    yield plus(subject, "exporters", "otlp_grpc", {**OTLP, "tls": {"insecure": "yes"}})
    yield plus(subject, "processors", "attributes", {"actions": {"key": "a", "action": "delete"}})


def invalid_duration(subject: Subject) -> Iterator[Subject]:
    described = {(name, found) for name, found, _settings in _described(subject)}
    for path, value in iter_leaves(subject.config):
        if path[:2] in described and path[2:] in [(key,) for key in _TIMES] and str(value)[-1:].isalpha():
            yield put(subject, path, str(value).rstrip("ms"))
            yield put(subject, path, "1 day")
    yield plus(subject, "processors", "batch", {"timeout": "5"})
    yield plus(subject, "exporters", "otlp_grpc", {**OTLP, "timeout": "1d"})


def unknown_value(subject: Subject) -> Iterator[Subject]:
    yield plus(subject, "exporters", "debug", {"verbosity": "verbose"})
    yield plus(subject, "processors", "attributes", {"actions": [{"key": "a", "action": "replace"}]})
    yield put(subject, ("service", "telemetry", "metrics", "level"), "everything")


def missing_field(subject: Subject) -> Iterator[Subject]:
    for name, component_id, _settings in components(subject, "exporters", "receivers"):
        if component_id.split("/")[0] in ("otlp_grpc", "otlp_http", "otlp"):
            yield put(subject, (name, component_id), {})
    yield plus(subject, "processors", "resource", {})
    yield plus(subject, "receivers", "prometheus", {}, "metrics")


MUTATORS: dict[str, Mutator] = {
    "unknown-component": unknown_component,
    "wrong-class": wrong_class,
    "newer-name": newer_name,
    "removed-component": added(
        [
            ("exporters", "logging", {}),
            ("exporters", "loki", {}, "logs"),
            ("exporters", "jaeger", {}),
            ("processors", "spanmetrics", {}),
            ("extensions", "memory_ballast", {}),
        ]
    ),
    "older-name": older_name,
    "unsupported-signal": added(
        [
            ("exporters", "awsemf", {}, "traces"),
            ("exporters", "awsxray", {}, "metrics"),
            ("exporters", "prometheus", {"endpoint": "localhost:8889"}, "logs"),
            ("receivers", "file_log", {}, "metrics"),
            ("processors", "tail_sampling", {}, "logs"),
        ]
    ),
    "unstable-signal": added(
        [("exporters", "debug", {}, "traces"), ("exporters", "debug", {}, "metrics"), ("exporters", "file", {}, "logs")]
    ),
    "unused-component": unused_component,
    "one-sided-connector": one_sided_connector,
    "unsupported-connection": unsupported_connection,
    "connector-cycle": connector_cycle,
    "removed-setting": removed_setting,
    "moved-setting": moved_setting,
    "unknown-field": unknown_field,
    "wrong-type": wrong_type,
    "invalid-duration": invalid_duration,
    "unknown-value": unknown_value,
    "missing-field": missing_field,
}
