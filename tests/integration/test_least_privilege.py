# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The derived policy is enough for the real Collector, and without any one of its actions something is refused.

The Collector has the credentials of a session of the role, got by a token of its service account. The AWS of the
testbed checks each signature, and asks the role's policies for action, resource and region, which moto's own does not.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.derive_needs import derive_needs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.backend_search import BackendEvidence
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_payloads import create_probe_id
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_senders import create_sender
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.probe import TelemetryProbe
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.probe_options import SIGNALS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.otlp_target import HTTP, OtlpTarget

from tests.testbed.aws.world import AwsError
from tests.testbed.eks.identities import Caller

from .least_privilege import (
    ROLE,
    SECONDS,
    WORKSPACE,
    Cloud,
    awaited,
    cloud,
    collector,
    policy_of,
    post,
    telemetry,
    without,
)
from .test_real_collector import program

__all__ = ["program"]

REFUSED = "AccessDeniedException"
# What applications ask X-Ray for through the receiver's proxy, and what the exporter tells once a minute.
PROXIED = {
    "GetSamplingRules": "/GetSamplingRules",
    "GetSamplingTargets": "/SamplingTargets",
    "GetSamplingStatisticSummaries": "/SamplingStatisticSummaries",
    "PutTelemetryRecords": "/TelemetryRecords",
}
# Whose failure the Collector then reports.
EXPORTERS = {
    "aps:RemoteWrite": "prometheusremotewrite",
    "cloudwatch:PutMetricData": "otlp_http/metrics",
    **{
        f"logs:{name}": "awsemf" for name in ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "PutRetentionPolicy")
    },
    "xray:PutSpans": "otlp_http/spans",
    "xray:PutTraceSegments": "awsxray",
}
# Actions that are no call of their own: AWS asks for them with another one.
IMPLIED = {"logs:TagResource": "logs:CreateLogGroup"}


class Running(NamedTuple):
    """The Collector before AWS."""

    aws: Cloud
    policy: dict[str, Any]
    process: Any
    log: Path
    otlp: str
    proxy: str


def free() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def exporters_of(url: str) -> dict[str, Any]:
    """Return every exporter to AWS that the testbed's Collector has."""
    headers = {"x-aws-log-group": "/app", "x-aws-log-stream": "one"}
    signed: dict[str, tuple[str, dict[str, Any]]] = {
        "otlp_http/spans": ("xray", {"traces_endpoint": f"{url}/v1/traces"}),
        "otlp_http/logs": ("logs", {"logs_endpoint": f"{url}/v1/logs", "headers": headers}),
        "otlp_http/metrics": ("monitoring", {"metrics_endpoint": f"{url}/v1/metrics"}),
        "prometheusremotewrite": ("aps", {"endpoint": f"{url}/workspaces/{WORKSPACE}/api/v1/remote_write"}),
    }
    once = {"retry_on_failure": {"enabled": False}}
    found = {
        name: {**settings, **once, "auth": {"authenticator": f"sigv4auth/{service}"}}
        for name, (service, settings) in signed.items()
    }
    native: dict[str, Any] = {"endpoint": url, "region": "us-east-1"}
    group = {"log_group_name": "/metrics/{ClusterName}", "log_stream_name": "one", "log_retention": 7}
    group |= {"tags": {"team": "a"}, "resource_to_telemetry_conversion": {"enabled": True}}
    return found | {"awsxray": native, "awsemf": native | group}


def config_of(url: str, otlp: int, proxy: int, udp: int) -> dict[str, Any]:
    """Return a config that sends to AWS by all of them."""
    signers = {name: {"service": service, "region": "us-east-1"} for name, service in SERVICES.items()}
    asking = {"endpoint": f"127.0.0.1:{proxy}", "aws_endpoint": url, "region": "us-east-1"}
    uses = {
        "traces": ["awsxray", "otlp_http/spans"],
        "metrics": ["awsemf", "prometheusremotewrite", "otlp_http/metrics"],
        "logs": ["otlp_http/logs"],
    }
    pipelines = {signal: {"receivers": ["otlp"], "exporters": names} for signal, names in uses.items()}
    pipelines["traces"]["receivers"] = ["otlp", "awsxray"]
    return {
        "receivers": {
            "otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{otlp}"}}},
            "awsxray": {"endpoint": f"127.0.0.1:{udp}", "proxy_server": asking},
        },
        "exporters": exporters_of(url),
        "extensions": signers,
        "service": {
            "extensions": list(signers),
            "pipelines": pipelines,
            "telemetry": {"metrics": {"level": "none"}},
        },
    }


SERVICES = {f"sigv4auth/{service}": service for service in ("xray", "logs", "aps", "monitoring")}
# The config's policy is known before it runs, and so what there is to be taken away.
ACTIONS = derive_needs(config_of("http://127.0.0.1:1", 2, 3, 4), {}).iam_actions


@pytest.fixture(scope="module")
def running(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The Collector with the derived policy and no more."""
    otlp, proxy, udp = free(), free(), free()
    with cloud() as aws:
        credentials = aws.role()
        logs = aws.client("logs")
        logs.create_log_group(logGroupName="/app")
        logs.create_log_stream(logGroupName="/app", logStreamName="one")
        config = config_of(aws.url, otlp, proxy, udp)
        policy = policy_of(config)
        aws.allow(policy)
        with collector(program, config, tmp_path_factory.mktemp("collector"), credentials) as (process, log):
            ends = (f"http://127.0.0.1:{otlp}", f"http://127.0.0.1:{proxy}")
            yield Running(aws, policy, process, log, *ends)


def called(run: Running, action: str) -> str:
    """Return the operation of an action, after everything that may lead to it was set going."""
    operation = action.partition(":")[2]
    if operation in PROXIED:
        post(f"{run.proxy}{PROXIED[operation]}", {"TelemetryRecords": []})
    else:
        telemetry(run.otlp)
    return operation


def failed(log: Path, start: int, exporter: str) -> bool:
    """Return whether an exporter has reported an error since then."""
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode().splitlines()
    return any("\terror\t" in line and f'"otelcol.component.id": "{exporter}"' in line for line in lines)


def test_every_action_is_proven_in_one_way() -> None:
    assert set(ACTIONS) == set(EXPORTERS) | {f"xray:{name}" for name in PROXIED} | set(IMPLIED)


def test_the_policy_has_what_the_table_has(running: Running) -> None:
    found = {action for statement in running.policy["Statement"] for action in statement["Action"]}
    assert found == set(ACTIONS)
    assert {action.partition(":")[0] for action in found} == {"aps", "cloudwatch", "logs", "xray"}


@pytest.mark.parametrize("action", [action for action in ACTIONS if action not in IMPLIED])
def test_with_the_derived_policy_it_works_and_without_one_action_it_is_refused(running: Running, action: str) -> None:
    running.aws.allow(running.policy)
    start = len(running.aws.front.received)
    operation = called(running, action)
    awaited(lambda: running.aws.seen(operation, start, ""), running.process, running.log)
    assert not running.aws.seen(operation, start, REFUSED)

    running.aws.allow(without(running.policy, action))
    start, told = len(running.aws.front.received), running.log.stat().st_size
    operation = called(running, action)
    awaited(lambda: running.aws.seen(operation, start, REFUSED), running.process, running.log)
    assert not running.aws.seen(operation, start, "")
    if action in EXPORTERS:
        awaited(lambda: failed(running.log, told, EXPORTERS[action]), running.process, running.log)


@pytest.mark.parametrize("action", IMPLIED)
def test_what_is_no_call_of_its_own_has_a_page_that_says_so(action: str) -> None:
    config = config_of("http://127.0.0.1:1", 2, 3, 4)
    (grant,) = [grant for grant in derive_needs(config, {}).aws_grants if action in grant.actions]
    print(f"{action} is asked for with {IMPLIED[action]}: {grant.source_page}")
    assert grant.source_page.startswith("https://docs.aws.amazon.com/service-authorization/")


# Where each exporter puts a signal, as module otlp_probe is told to look for it.
PLACES: tuple[dict[str, Any], ...] = (
    {"kind": "xray"},
    {"kind": "cloudwatch", "signals": ["traces", "metrics"], "attributes": {"service.name": "shop"}},
    {"kind": "cloudwatch", "signals": ["metrics"], "log_group": "/metrics/undefined"},
    {"kind": "cloudwatch", "signals": ["logs"], "log_group": "/app", "attributes": {"service.name": "shop"}},
)


def test_a_probe_is_found_where_each_exporter_puts_it(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    running.aws.allow(running.policy)
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), running.aws.identities.person, strict=True):
        monkeypatch.setenv(name, value)
    common = {"region": "us-east-1", "url": running.aws.url}
    send = create_sender(OtlpTarget.from_endpoint(running.otlp, HTTP, {}, {}))
    probe_id = create_probe_id()
    evidence = BackendEvidence([common | place for place in PLACES], probe_id, "shop")
    signals = TelemetryProbe(send, evidence, probe_id, "shop", SECONDS).run(SIGNALS)["signals"]
    print({signal: (found["seconds"], found["seen"]) for signal, found in signals.items()})
    assert all(found["arrived"] for found in signals.values())
    wrong = [common | place | {"attributes": {"service.name": "other"}} for place in PLACES]
    lost = BackendEvidence(wrong, probe_id, "shop")
    assert lost.look(SIGNALS) == {}
    assert all("attribute service.name is not 'other'" in lost.hint(signal) for signal in SIGNALS)


ELSEWHERE = (
    ("aps:RemoteWrite", "arn:aws:aps:us-east-1:123456789012:workspace/ws-2", "us-east-1"),
    ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/other:log-stream:one", "us-east-1"),
    ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/app:log-stream:two", "us-east-1"),
    ("xray:PutTraceSegments", "*", "eu-west-1"),
    ("s3:PutObject", "arn:aws:s3:::bucket/key", "us-east-1"),
)


@pytest.mark.parametrize(("action", "resource", "region"), ELSEWHERE)
def test_elsewhere_it_may_do_nothing(running: Running, action: str, resource: str, region: str) -> None:
    running.aws.allow(running.policy)
    caller = Caller("someone", f"arn:aws:iam::123456789012:role/{ROLE}")
    with pytest.raises(AwsError):
        running.aws.identities.authorize(caller, action, resource, region)
