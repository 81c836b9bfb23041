# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says of its collectors: addresses, warnings, what cannot be tested; and claims that are none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._findings import JudgementOptions
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._rendered import render_collectors
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._summary import MOST_SHOWN, NEXT_STEPS

from tests.support.cases import cases

from .helpers import rendered, request

GATEWAY: dict[str, Any] = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
NODE = {"name": "node", "mode": "daemonset", "allow": ["root"], "recipes": ["pod_logs", "debug_output"]}
QUEUE = {"extensions": {"file_storage": {"directory": "/var/lib/otelcol/queue"}}}
KEEPS = {"config": {**QUEUE, "service": {"extensions+": ["file_storage"]}}}
PORTS = "port 4317 (otlp), 4318 (otlp-http)"
INGRESS = {"host": "otlp.example.com"}


@cases(
    "options, line",
    ({}, f"Deployment telemetry/gateway at gateway.telemetry.svc, {PORTS}"),
    ({"service": {"enabled": False}}, f"Deployment telemetry/gateway at its pods, {PORTS}"),
    ({"mode": "daemonset"}, f"DaemonSet telemetry/gateway at each node, {PORTS}"),
    (
        {"mode": "daemonset", "service": {"enabled": True}},
        f"DaemonSet telemetry/gateway at gateway.telemetry.svc and each node, {PORTS}",
    ),
    (
        {"mode": "sidecar", "backend": "operator"},
        f"OpenTelemetryCollector telemetry/gateway at localhost of each pod that has it, {PORTS}",
    ),
    (
        {"ingress": INGRESS},
        f"Deployment telemetry/gateway at gateway.telemetry.svc, {PORTS}; from outside otlp.example.com",
    ),
    ({"recipes": ["cluster_metrics", "debug_output"]}, "Deployment telemetry/gateway takes no data from clients"),
)
def test_a_collector_is_shown_with_its_addresses(options: dict[str, Any], line: str) -> None:
    assert rendered({**GATEWAY, **options})["summary"][0] == line


def test_the_summary_of_many_collectors_is_short_and_has_no_secret() -> None:
    backend = {"otlp_forward": {"endpoint": "https://me:horse@otlp.example.com:4317"}}
    many = [
        {**GATEWAY, "name": f"gateway-{index}", "recipes": ["otlp_ingest", backend]} for index in range(MOST_SHOWN + 2)
    ]
    summary = render_collectors(request(*many), JudgementOptions(), lambda _warning: None, fail_on="never")["summary"]
    assert summary[MOST_SHOWN] == "and 2 more"
    assert tuple(summary[-len(NEXT_STEPS) :]) == NEXT_STEPS
    assert len(summary) <= MOST_SHOWN + 5
    assert "horse" not in str(summary)


@cases(
    "collector, reason",
    (NODE, "it has no OTLP receiver over HTTP"),
    ({**GATEWAY, "mode": "sidecar", "backend": "operator"}, "it runs in the pods of applications, on localhost"),
    (
        {**GATEWAY, "recipes": [{"otlp_ingest": {"tls_secret": "a"}}, "debug_output"]},
        "its OTLP receiver over HTTP requires TLS",
    ),
    (
        {**GATEWAY, "recipes": [{"baseline": {"metrics_level": "none"}}, "otlp_ingest", "debug_output"]},
        "it does not serve its own metrics, in which the data would be counted",
    ),
)
def test_what_cannot_be_tested_has_a_reason(collector: dict[str, Any], reason: str) -> None:
    result = rendered(collector)
    assert result["untested"] == [{"name": collector["name"], "reason": reason}]
    assert result["probes"] == []


def test_a_collector_gets_the_signals_that_it_takes() -> None:
    (probe,) = rendered({**GATEWAY, "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, "debug_output"]})["probes"]
    assert probe["signals"] == ["traces"]
    assert rendered(GATEWAY)["untested"] == []


def sampled(*processors: str, signal: str = "traces", **processor: Any) -> dict[str, Any]:
    pipelines = {signal: {"processors+": [*processors]}}
    return {**GATEWAY, "config": {"processors": processor, "service": {"pipelines": pipelines}}}


def test_a_sampler_gets_a_span_that_failed_and_the_time_to_decide() -> None:
    tail = {"tail_sampling": {"decision_wait": 60}}
    for recipe, seconds in (("tail_sampling", 30), (tail, 80)):
        (probe,) = rendered({**GATEWAY, "recipes": ["otlp_ingest", recipe, "debug_output"]})["probes"]
        assert (probe["span_status"], probe["timeout_seconds"]) == ("error", seconds)
        assert probe["signals"] == ["traces", "metrics", "logs"]
    (probe,) = rendered(GATEWAY)["probes"]
    assert probe.keys() == {"name", "via", "arrival", "signals"}


SLOW = {"policies": [{"name": "slow", "type": "latency", "latency": {"threshold_ms": 9}}]}
MAY_DROP = "its traces, which a sampler may drop"


@cases(
    "processor, settings",
    ("tail_sampling", SLOW),
    ("tail_sampling/b", {"policies": [{"name": "ok", "type": "status_code", "status_code": {"status_codes": ["OK"]}}]}),
    ("probabilistic_sampler", {"sampling_percentage": 10}),
)
def test_a_signal_of_which_a_sampler_may_drop_the_probe_is_not_tested(processor: str, settings: Any) -> None:
    result = rendered(sampled(processor, **{processor: settings}))
    assert [probe["signals"] for probe in result["probes"]] == [["metrics", "logs"]]
    assert result["untested"] == [{"name": "gateway", "reason": MAY_DROP}]
    only = {
        **sampled(processor, **{processor: settings}),
        "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, "debug_output"],
    }
    result = rendered(only)
    assert (result["probes"], result["untested"]) == (
        [],
        [{"name": "gateway", "reason": "its sampler may drop what is sent"}],
    )


@cases(
    "processor, settings",
    ("tail_sampling", {"policies": [{"name": "all", "type": "always_sample"}]}),
    ("probabilistic_sampler", {"sampling_percentage": 100}),
)
def test_a_sampler_that_keeps_all_is_tested(processor: str, settings: Any) -> None:
    result = rendered(sampled(processor, **{processor: settings}))
    assert (result["probes"][0]["signals"], result["untested"]) == (["traces", "metrics", "logs"], [])


def behind(*samplers: str, **settings: Any) -> dict[str, Any]:
    """Return a collector whose traces go through a connector to a pipeline with samplers."""
    pipelines = {
        "traces": {"exporters": ["forward"]},
        "traces/kept": {"receivers": ["forward"], "processors": [*samplers], "exporters": ["debug"]},
    }
    config = {"connectors": {"forward": None}, "processors": settings, "service": {"pipelines": pipelines}}
    return {**GATEWAY, "config": config}


def test_samplers_behind_a_connector_count_too() -> None:
    errors = {"policies": [{"name": "e", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]}
    (probe,) = rendered(behind("tail_sampling", tail_sampling=errors))["probes"]
    assert (probe["span_status"], probe["timeout_seconds"]) == ("error", 50), "tail_sampling waits for 30 s by default"
    assert rendered(behind("tail_sampling", tail_sampling=SLOW))["untested"] == [
        {"name": "gateway", "reason": MAY_DROP}
    ]
    assert rendered(behind())["untested"] == []


def test_the_way_of_the_data_is_that_of_the_exporters() -> None:
    forward = {"otlp_forward": {"name": "next", "endpoint": "gateway:4317", "insecure": True}}
    away = {"otlp_forward": {"name": "away", "endpoint": "elsewhere.example.com:4317"}}
    agent, sidecar = (
        {"name": "agent", "recipes": ["otlp_ingest", forward, away]},
        {**GATEWAY, "name": "s", "mode": "sidecar", "backend": "operator"},
    )
    first, last = rendered(agent, GATEWAY, sidecar)["hops"]
    every = ["logs", "metrics", "traces"]
    ways = {"otlp_grpc/away": [], "otlp_grpc/next": ["telemetry/gateway"]}
    assert first["exporters"] == {name: {"signals": every, "to": to} for name, to in ways.items()}
    assert (last["name"], last["exporters"], last["metrics_port"]) == ("telemetry/gateway", {}, 8888)


def unclaimed(*collectors: dict[str, Any], **defaults: Any) -> list[str]:
    found = rendered(*collectors, **defaults)["findings"]
    return [f"{one['severity']} {one['collector']}" for one in found if one["rule"] == "storage-unclaimed"]


def test_storage_that_claims_nothing_is_a_warning_unless_all_collectors_share_it() -> None:
    storage = {"storage": {"size": "2Gi"}}
    assert unclaimed({**GATEWAY, **storage}) == ["warning gateway"]
    assert unclaimed({**GATEWAY, **storage, "mode": "statefulset"}) == ["warning gateway"]
    assert unclaimed({**GATEWAY, **storage, **KEEPS, "mode": "statefulset"}) == []
    assert unclaimed(GATEWAY, **storage) == []


def test_one_collector_by_the_options_of_all_asks_for_storage_only_if_its_option_is_set() -> None:
    assert unclaimed(**GATEWAY, storage={"size": "2Gi"}) == ["warning gateway"]
    assert unclaimed(**GATEWAY, storage={}) == []


def test_a_collector_says_how_a_change_of_it_reaches_its_pods() -> None:
    changes = rendered(GATEWAY, {**NODE, "change": {"strategy": "canary", "share": 1, "judge": ["restarts"]}})[
        "changes"
    ]
    plain = {"strategy": "rolling", "share": "1", "observe_seconds": 60, "judge": [], "on_failure": "rollback"}
    assert changes["telemetry/gateway"] == plain
    node = changes["telemetry/node"]
    assert set(node) - set(plain) == {"config", "listeners"}
    assert {key: node[key] for key in plain} == {**plain, "strategy": "canary", "judge": ["restarts"]}
    assert "file_log" in node["config"]["receivers"]
    assert node["listeners"]


@cases(
    "change, says",
    ({"strategie": "canary"}, "has no option 'change.strategie'; did you mean 'strategy'"),
    ({"strategy": "blue"}, "value of strategy must be one of: rolling, canary"),
    ({"strategy": "canary", "share": [1]}, "option 'change.share' of collector 'gateway' must be text"),
    ({"strategy": "canary", "observe_seconds": "soon"}, "observe_seconds"),
    ({"strategy": "canary", "judge": ["restart"]}, "'restart' is not a check; did you mean 'restarts'"),
    ({"strategy": "canary", "judge": [5]}, "5 is neither a name nor a row"),
    (
        {"strategy": "canary", "judge": [{"id": "a", "find": "[", "text": "t"}]},
        r"(?s)invalid JMESPath.*at change.judge of collector 'gateway'",
    ),
    ("canary", "change"),
    (5, "option 'change' of collector 'gateway' must be a mapping"),
)
def test_a_wrong_change_is_refused(change: Any, says: str) -> None:
    with pytest.raises(Problem, match=says):
        rendered({**GATEWAY, "change": change})


def test_the_result_says_which_collectors_send_to_which() -> None:
    agent = {
        "name": "agent",
        "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": "gateway:4317", "insecure": True}}],
    }
    assert rendered(agent, GATEWAY)["flows"] == [{"sender": "telemetry/agent", "receiver": "telemetry/gateway"}]
    assert rendered(GATEWAY)["flows"] == []
