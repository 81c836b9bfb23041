# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all mutators: those beside the cases of their rules, and those of several topics in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.collector_versions import parse_version
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from . import around, build, cloud, flow, wiring
from .edits import NEW, Mutator, added, built, grpc_exporter, http_exporter, plus

CASES = "tests.unit.plugins.module_utils._otelcol.rules"
AMP = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write"
XRAY = "https://xray.eu-west-1.amazonaws.com/v1/traces"
LOGS = "https://logs.eu-west-1.amazonaws.com/v1/logs"


def region_missing(subject: Subject) -> Iterator[Subject]:
    for kind, signal in (("awsxray", "traces"), ("awsemf", "metrics"), ("awscloudwatchlogs", "logs")):
        yield plus(subject, "exporters", kind, {}, signal, variable_names=frozenset({"AWS_DEFAULT_REGION"}))
    yield plus(subject, "receivers", "awsxray", {"proxy_server": {}}, variable_names=frozenset())


def random_trace_id(subject: Subject) -> Iterator[Subject]:
    for version in ("0.84.0", "0.85.0", "v0.79.1"):
        yield plus(subject, "exporters", "awsxray", {"region": "eu-west-1"}, **built("contrib", version))


def elasticsearch(subject: Subject, **settings: Any) -> Iterator[Subject]:
    """Yield the subject with an exporter that has these settings, for a build that maps documents as otel."""
    around = {} if subject.target else built("contrib", "0.158.0")
    if around or (subject.target and parse_version(subject.target.version) >= parse_version("0.145.0")):
        yield plus(subject, "exporters", "elasticsearch", {"endpoint": "http://es:9200", **settings}, "logs", **around)


def index_without_stream(subject: Subject) -> Iterator[Subject]:
    for key in ("logs_index", "traces_index"):
        yield from elasticsearch(subject, **{key: "app"})


def mapping_changed(subject: Subject) -> Iterator[Subject]:
    yield from elasticsearch(subject)


def mapping_mode_ignored(subject: Subject) -> Iterator[Subject]:
    yield from elasticsearch(subject, mapping={"mode": "none"})


def unread_index_attribute(subject: Subject) -> Iterator[Subject]:
    actions = [{"key": "elasticsearch.index.prefix", "value": "a", "action": "insert"}]
    for made in elasticsearch(subject):
        yield plus(made, "processors", "attributes", {"actions": actions}, "logs")


def signature_mismatch(subject: Subject) -> Iterator[Subject]:
    rows = [("xray", "eu-west-1", AMP), ("aps", "us-east-1", AMP), ("aps", "eu-west-1", XRAY), ("xray", "a", XRAY)]
    for service, region, endpoint in rows:
        kind, signal = ("prometheusremotewrite", "metrics") if endpoint == AMP else ("otlp_http", "traces")
        made = plus(subject, "extensions", "sigv4auth", {"service": service, "region": region})
        key = "endpoint" if endpoint == AMP else "traces_endpoint"
        settings = {key: endpoint, "auth": {"authenticator": f"sigv4auth/{NEW}"}}
        yield plus(made, "exporters", kind, settings, signal)


def nothing_retried(subject: Subject) -> Iterator[Subject]:
    yield plus(subject, *grpc_exporter(retry_on_failure={"enabled": False}))
    yield plus(subject, *http_exporter(sending_queue={"enabled": False}))
    queue = {"endpoint": "https://example.com", "remote_write_queue": {"enabled": False}}
    yield plus(subject, "exporters", "prometheusremotewrite", queue, "metrics")


def _beside_cases() -> dict[str, Mutator]:
    """Return the MUTATORS of every file of cases."""
    folder = Path(__file__).parents[3].joinpath(*CASES.split("."))
    tables = [import_module(f"{CASES}.{path.stem}") for path in folder.glob("*_cases.py")]
    return {rule: mutator for table in tables for rule, mutator in getattr(table, "MUTATORS", {}).items()}


MUTATORS: dict[str, Mutator] = {
    **wiring.MUTATORS,
    **build.MUTATORS,
    **flow.MUTATORS,
    **around.MUTATORS,
    **cloud.MUTATORS,
    **_beside_cases(),
    "placeholder": added(
        [
            http_exporter(endpoint="https://<your-host>:4318"),
            grpc_exporter(endpoint="<HOST>:4317"),
            http_exporter(headers={"x-tenant": "<tenant id>"}),
            ("exporters", "awsxray", {"region": "<region>"}),
        ]
    ),
    "nothing-retried": nothing_retried,
    "index-without-stream": index_without_stream,
    "mapping-changed": mapping_changed,
    "mapping-mode-ignored": mapping_mode_ignored,
    "unread-index-attribute": unread_index_attribute,
    "region-missing": region_missing,
    "signature-mismatch": signature_mismatch,
    "random-trace-id": random_trace_id,
    "signature-missing": added(
        [
            ("exporters", "otlp_http", {"traces_endpoint": XRAY}),
            ("exporters", "otlp_http", {"logs_endpoint": LOGS}, "logs"),
            ("exporters", "prometheusremotewrite", {"endpoint": AMP}, "metrics"),
        ]
    ),
}
