# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast of planted telemetry has the figures of a backend that counts what real Collectors send."""

from __future__ import annotations

import gzip
import html
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.records import SIGNAL_BY_RECORD_KIND
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.written_records import (
    build_otlp_request,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import (
    collector_calls,
    collector_run,
    collector_runtime,
)

from tests.support import plays
from tests.support.servers import serve_answers

from .test_coverage import binary  # noqa: F401 - a fixture

SERVICES, TENANTS = ("cart", "checkout", "payment"), ("a", "b", "c", "d", "e")
ROUNDS, SPANS_OF_ROUND, LOGS_OF_ROUND, ROUTES = 20, 50, 48, 20
HEALTH_CHECKS, DEBUG_LOGS = 19, 12
"""Of the spans and log records of one service in a round."""
ATTRIBUTES = {f"attribute.{number}": f"value of {number}" for number in range(27)}
TEMPLATES = [f"step {number} of the order took {{}} ms" for number in range(12)]
TEMPLATE = "step <*> of the <*> <*> <*> ms"
"""What the forecast calls each of them: `order` and `took` are no common words."""
NEAR = 0.01
SECONDS = 60


def resource(service: str, turn: int) -> dict[str, str]:
    tenant = TENANTS[(turn + SERVICES.index(service)) % len(TENANTS)]
    return {"service.name": service, "k8s.namespace.name": "shop", "tenant": tenant}


def spans(service: str, turn: int) -> Iterator[dict[str, Any]]:
    for number in range(SPANS_OF_ROUND):
        path = "/health" if number < HEALTH_CHECKS else f"/orders/{number % 7}"
        about = {"trace": f"{service}-{turn}-{number // 5}", "id": f"{service}-{turn}-{number}"}
        yield {**about, "attributes": {"url.path": path, **ATTRIBUTES}, "resource": resource(service, turn)}


def logs(service: str, turn: int) -> Iterator[dict[str, Any]]:
    for number in range(LOGS_OF_ROUND):
        severity = "debug" if number < DEBUG_LOGS else "info"
        body = TEMPLATES[number % len(TEMPLATES)].format(turn * number)
        yield {
            "body": body,
            "severity": severity,
            "attributes": {"user.id": str(number)},
            "resource": resource(service, 0),
        }


def points(service: str, turn: int) -> Iterator[dict[str, Any]]:
    for number in range(ROUTES):
        labels = {"http.route": f"/{number}", "user.id": str(number)}
        yield {"name": "requests", "value": turn, "attributes": labels, "resource": resource(service, 0)}


PLANTED = {"spans": spans, "metrics": points, "logs": logs}


def planted_requests() -> Iterator[tuple[str, dict[str, Any]]]:
    for turn in range(ROUNDS):
        for service in SERVICES:
            for short, plant in PLANTED.items():
                yield SIGNAL_BY_RECORD_KIND[short], build_otlp_request(short, plant(service, turn), "planted")


# No batch ends by time, so that the bytes do not depend on how busy the machine is.
QUEUE = {"sizer": "bytes", "queue_size": 100_000_000, "batch": {"min_size": 100_000, "flush_timeout": "60s"}}
DROPPING = {
    "filter": {
        "error_mode": "ignore",
        "traces": {"span": ['span.attributes["url.path"] == "/health"']},
        "logs": {"log_record": ["log.severity_number < SEVERITY_NUMBER_INFO"]},
    },
    "transform": {
        "error_mode": "ignore",
        "metric_statements": ['delete_key(datapoint.attributes, "http.route")'],
        "log_statements": ['delete_key(log.attributes, "user.id")'],
    },
}


def config(processors: Mapping[str, Any], endpoint: str = "http://backend:4318", port: int = 4318) -> dict[str, Any]:
    pipeline = {"receivers": ["otlp"], "processors": list(processors), "exporters": ["otlp_http/backend"]}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": dict(processors),
        "exporters": {"otlp_http/backend": {"endpoint": endpoint, "sending_queue": QUEUE}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": dict.fromkeys(SIGNAL_BY_RECORD_KIND.values(), pipeline),
        },
    }


def sent_bytes(program: str, processors: Mapping[str, Any]) -> Counter[str]:
    """Return the bytes that a backend gets of each signal from a real Collector with its real exporter."""
    got = Counter[str]()

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> RawAnswer:
        got[handler.path.rpartition("/")[2]] += len(body)
        return RawAnswer(200, {}, b"")

    with serve_answers(answer) as url, collector_runtime.open_runtime(is_isolated=False) as place:
        port = collector_runtime.find_free_port(place)
        command = collector_run.CollectorCommand(program, yaml.safe_dump(config(processors, url, port)), {})
        with (
            collector_run.run_collector(place, command, SECONDS),
            collector_calls.OtlpSender(place, SECONDS) as sender,
        ):
            for signal, request in planted_requests():
                body = json.dumps(request).encode()
                headers = {"Content-Type": "application/json"}
                sender.send_call(collector_calls.Call(port, f"/v1/{signal}", "POST", body, headers))
    return got


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("capture")
    lines = "".join(json.dumps(request) + "\n" for _signal, request in planted_requests())
    (folder / "all.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    for name, processors in (("before", {}), ("after", DROPPING)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(config(processors)), encoding="utf-8")
    return folder


def forecast(capture: Path, program: str, **options: Any) -> tuple[int, str]:
    files = {f"forecast_{name}": str(capture / f"{name}.yaml") for name in ("before", "after")}
    given = {"forecast_capture": str(capture), "forecast_binary": program, **files, **options}
    done = plays.run_playbook("playbooks/forecast.yml", "-e", json.dumps(given))
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_a_forecast_has_the_figures_of_a_backend(capture: Path, binary: str) -> None:  # noqa: F811
    before, after = sent_bytes(binary, {}), sent_bytes(binary, DROPPING)
    tasks = [
        {
            "o11y.opentelemetry.pipeline_forecast": {
                "capture": str(capture),
                "before": str(capture / "before.yaml"),
                "after": str(capture / "after.yaml"),
                "binary": binary,
                "tenant_attribute": "tenant",
            },
            "register": "told",
        },
        {
            "ansible.builtin.copy": {
                "content": "{{ told | to_json }}",
                "dest": str(capture / "told.txt"),
                "mode": "0600",
            }
        },
    ]
    play = {"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": tasks}
    (capture / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    done = plays.run_playbook("-i", "localhost,", str(capture / "play.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((capture / "told.txt").read_text(encoding="utf-8"))
    changes = {change["signal"]: change for change in told["changes"]}
    rounds = ROUNDS * len(SERVICES)
    kept = {
        "traces": (rounds * SPANS_OF_ROUND, rounds * (SPANS_OF_ROUND - HEALTH_CHECKS)),
        "logs": (rounds * LOGS_OF_ROUND, rounds * (LOGS_OF_ROUND - DEBUG_LOGS)),
        "metrics": (rounds * ROUTES, rounds * ROUTES),
    }
    assert {name: (row["before"]["items"], row["after"]["items"]) for name, row in changes.items()} == kept
    for signal, row in changes.items():
        assert row["before"]["bytes"] == pytest.approx(before[signal], rel=NEAR)
        assert row["after"]["bytes"] == pytest.approx(after[signal], rel=NEAR)
    series = changes["metrics"]
    assert series["before"]["series"] == series["after"]["series"] == len(SERVICES) * ROUTES
    assert changes["logs"]["lost_attributes"] == ["user.id"]
    debug_logs = {"name": TEMPLATE, "severity": "debug", "items": ROUNDS * DEBUG_LOGS, "attributes": []}
    assert changes["logs"]["only_before"]["items"] == rounds * DEBUG_LOGS
    assert changes["logs"]["only_before"]["kinds"] == [{**debug_logs, "service": service} for service in SERVICES]
    assert changes["logs"]["only_after"]["kinds"] == changes["metrics"]["only_before"]["kinds"] == []
    assert series["lost_attributes"] == ["http.route"]
    assert {move["tenant"] for move in changes["traces"]["largest_changes"]} <= set(TENANTS)


def test_a_limit_that_is_passed_stops_the_run_and_reports_are_written(capture: Path, binary: str) -> None:  # noqa: F811
    reports = {f"forecast_{name}_path": str(capture / name) for name in ("markdown", "output", "html")}
    limits = {"items": "-50%", "lost_attributes": ["user.id"]}
    status, said = forecast(capture, binary, forecast_limits=limits, **reports)
    assert status == 2, said
    assert "limit: otlp_http/backend: logs: attribute user.id is lost" in said
    assert "after.yaml passes 1 limit" in said
    assert "| `otlp_http/backend` | traces | 3,000 → 1,860 (-38.0 %" in (capture / "markdown").read_text(
        encoding="utf-8"
    )
    page = (capture / "html").read_text(encoding="utf-8")
    assert page.index("Largest changes") < page.index("attribute user.id is lost") < page.index("cart in shop")
    assert (capture / "output").read_text(encoding="utf-8").count("<failure") == 1


def test_an_attribute_that_one_service_loses_is_lost(capture: Path, tmp_path: Path, binary: str) -> None:  # noqa: F811
    statement = 'delete_key(resource.attributes, "service.name") where resource.attributes["service.name"] == "cart"'
    after = tmp_path / "after.yaml"
    after.write_text(yaml.safe_dump(config({"transform": {"trace_statements": [statement]}})), encoding="utf-8")
    page = tmp_path / "page.html"
    limits = {"lost_attributes": ["service.name"]}
    given = {"forecast_after": str(after), "forecast_limits": limits, "forecast_html_path": str(page)}
    status, said = forecast(capture, binary, **given)
    assert status == 2, said
    lost = "service.name of the resource on 1,000 items"
    assert f"lost attributes: {lost}" in said and lost in page.read_text(encoding="utf-8"), said
    assert "attribute service.name of the resource is lost on 1,000 of 3,000 items" in said, said


def test_what_one_side_alone_has_is_named_in_all_reports(capture: Path, tmp_path: Path, binary: str) -> None:  # noqa: F811
    points = [{"name": "requests", "attributes": {"http.route": f"/{route}", "pod": "a"}} for route in range(6)]
    points += [{"name": "queue.size", "attributes": {"pod": "a"}}] * 3
    logs_of_cart = [*logs("cart", 1)][: DEBUG_LOGS + 1]
    lines = tmp_path / "planted.jsonl"
    planted = {"metrics": points, "logs": logs_of_cart}
    lines.write_text(
        "".join(json.dumps(build_otlp_request(*one, "planted")) + "\n" for one in planted.items()), encoding="utf-8"
    )
    summed = {
        "context": "metric",
        "statements": ['aggregate_on_attributes("sum", ["pod"]) where metric.name == "requests"'],
    }
    after = config(
        {
            "filter": {
                "metrics": {"metric": ['metric.name == "queue.size"']},
                "logs": {"log_record": ["log.severity_number < SEVERITY_NUMBER_INFO"]},
            },
            "transform": {
                "metric_statements": [summed],
                "log_statements": ['set(log.body, "request failed")'],
            },
        }
    )
    (tmp_path / "after.yaml").write_text(yaml.safe_dump(after), encoding="utf-8")
    reports = {f"forecast_{name}_path": str(tmp_path / name) for name in ("markdown", "html")}
    changed = str(tmp_path / "after.yaml")
    status, said = forecast(capture, binary, forecast_capture=str(lines), forecast_after=changed, **reports)
    assert status == 0, said
    named = [
        f"12 of {TEMPLATE} (debug, cart)",
        f"1 of {TEMPLATE} (info, cart)",
        "5 of requests, which loses http.route",
        "3 of queue.size",
    ]
    markdown = (tmp_path / "markdown").read_text(encoding="utf-8")
    for kind in named:
        assert f"only before: {kind}" in said, said
        assert f"`only before: {kind}`" in markdown, markdown
    assert "only after: 1 of request failed (info, cart)" in said, said
    page = html.unescape((tmp_path / "html").read_text(encoding="utf-8"))
    for kind in ("requests, which loses http.route", f"{TEMPLATE} (debug, cart)", "request failed (info, cart)"):
        assert kind in page, kind


def test_prices_of_the_user_make_the_cost_of_a_month(capture: Path, binary: str) -> None:  # noqa: F811
    prices = {"million_spans": 1.0}
    status, said = forecast(capture, binary, forecast_prices=prices, forecast_rates={"traces": 1000})
    assert status == 0, said
    assert "cost per month: 2,629.75 → 1,630.44 (-999.30)" in said


def test_a_change_that_removes_a_pipeline_loses_all_of_it(capture: Path, binary: str) -> None:  # noqa: F811
    without_logs = config({})
    del without_logs["service"]["pipelines"]["logs"]
    (capture / "without-logs.yaml").write_text(yaml.safe_dump(without_logs), encoding="utf-8")
    limits = {"lost_attributes": ["user.id"]}
    status, said = forecast(capture, binary, forecast_after=str(capture / "without-logs.yaml"), forecast_limits=limits)
    assert status == 2, said
    assert f"{ROUNDS * len(SERVICES) * LOGS_OF_ROUND:,} → 0 log records (-100.0 %)" in said
    assert "limit: otlp_http/backend: logs: attribute user.id is lost" in said


SECRET = "the user lives at Elm Street"
NO_OTLP = {"resourceSpans": [None]}
REFUSED = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": SECRET}, "timeUnixNano": {}}]}]}]}


@pytest.mark.parametrize(
    ("request_of_others", "said_of_it"),
    [
        (NO_OTLP, "this line of a capture is JSON, but not of OTLP"),
        (REFUSED, "the Collector refuses this request of the capture"),
    ],
    ids=["no OTLP", "refused"],
)
def test_a_line_that_cannot_be_replayed_is_named_and_not_shown(
    capture: Path,
    tmp_path: Path,
    binary: str,  # noqa: F811
    request_of_others: dict[str, Any],
    said_of_it: str,
) -> None:
    lines = tmp_path / "others.jsonl"
    lines.write_text(json.dumps(request_of_others) + "\n", encoding="utf-8")
    status, said = forecast(capture, binary, forecast_capture=str(lines))
    assert status == 2, said
    assert f"{said_of_it} (at {lines}:1)" in said, said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        (("traces",), "note: the capture has no metrics, logs, so the forecast says nothing of them"),
        ((), "is empty. Capture again while clients send."),
    ],
    ids=["no metrics and logs", "nothing"],
)
def test_signals_without_records_are_told(
    capture: Path,
    tmp_path: Path,
    binary: str,  # noqa: F811
    signals: tuple[str, ...],
    said: str,
) -> None:
    requests = [request for signal, request in planted_requests() if signal in signals][:3]
    empty = [{"resourceLogs": []}, {"resourceMetrics": [{"scopeMetrics": []}]}]
    lines = tmp_path / "others.jsonl"
    lines.write_text("".join(json.dumps(one) + "\n" for one in (*requests, *empty)), encoding="utf-8")
    status, printed = forecast(capture, binary, forecast_capture=str(lines))
    assert (status == 0) == bool(signals), printed
    assert said in printed, printed


def test_what_is_named_and_matches_nothing_is_told(capture: Path, tmp_path: Path, binary: str) -> None:  # noqa: F811
    lines = tmp_path / "logs.jsonl"
    requests = [request for signal, request in planted_requests() if signal == "logs"]
    lines.write_text(json.dumps(requests[0]) + "\n", encoding="utf-8")
    named = {
        "forecast_limits": {"series": "100k"},
        "forecast_prices": {"million_points": 1.0},
        "forecast_rates": {"traces": 5},
        "forecast_receivers": {"logs": "kafka"},
        "forecast_tenant_attribute": "customer",
    }
    status, said = forecast(capture, binary, forecast_capture=str(lines), **named)
    assert status == 0, said
    for told in (
        "so no limit of series can be passed",
        "so million_points counts nothing",
        "rates: the capture has no traces",
        "no config has a receiver kafka",
        "no resource has customer, so there are no figures of tenants",
    ):
        assert told in said, said


def test_series_that_appear_and_end_are_told(capture: Path, tmp_path: Path, binary: str) -> None:  # noqa: F811
    minutes_of = {"/steady": range(6), "/old": range(3), "/new": range(3, 6)}
    lines = tmp_path / "metrics.jsonl"
    with lines.open("w", encoding="utf-8") as file:
        for route, minutes in minutes_of.items():
            for minute in minutes:
                point = {"name": "requests", "attributes": {"http.route": route}}
                file.write(json.dumps(build_otlp_request("metrics", [point], "planted", minute)) + "\n")
    page = tmp_path / "page.html"
    status, said = forecast(capture, binary, forecast_capture=str(lines), forecast_html_path=str(page))
    assert status == 0, said
    assert "3 → 1 series (-66.7 %, 1 → 0 appear, 1 → 0 end)" in said, said
    assert "3 → 1, 1 → 0 appear, 1 → 0 end" in page.read_text(encoding="utf-8")
