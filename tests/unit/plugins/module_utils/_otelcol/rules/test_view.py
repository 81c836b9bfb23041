# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.addresses import (
    hosts_overlap,
    is_internal_host,
    parse_destination,
    split_host_and_port,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import limit_suggestions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.network_policies import Policies
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import build_of
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import run_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import (
    Deployment,
    Ingress,
    Subject,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.type_refusals import find_type_refusal
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.traits import kind_of
from hypothesis import given
from hypothesis import strategies as st

from ...helpers import LISTENERS, cases
from ...strategies import anything, configs, mappings, mostly, settings, telemetry
from .cases import completed, target

TYPES = [
    *("otlp", "zipkin", "statsd", "prometheus", "filelog", "host_metrics", "journald", "kubelet_stats", "k8s_cluster"),
    *("memory_limiter", "batch", "k8s_attributes", "resource_detection", "tail_sampling", "awsemf", "otlphttp"),
    *("prometheusremotewrite", "debug", "spanmetrics", "health_check", "pprof", "file_storage", "sigv4auth"),
]
modes = st.sampled_from(["daemonset", "deployment", "statefulset", "sidecar"])
deployments = st.builds(
    Deployment,
    mode=modes,
    replicas=st.none() | st.integers(0, 3),
    is_autoscaled=st.booleans(),
    memory_limit_mib=st.none() | st.integers(0, 999),
    uses_host_network=st.booleans(),
    mount_paths=st.none() | st.just(("/conf",)),
    exposed_ports=st.none() | st.just(frozenset({(4317, "TCP")})),
    granted_rules=st.none() | st.just(()),
    is_probed=st.booleans(),
    has_target_allocator=st.booleans(),
    by_operator=st.booleans(),
    ingress=st.none() | anything.map(lambda rules: Ingress(Policies([{"spec": {"ingress": rules}}], {}, "Ingress"))),
)


@st.composite
def started(draw: st.DrawFn) -> Any:
    """Configs in which components of any settings are really started."""
    parts = mappings(st.sampled_from(TYPES), mostly(settings))
    sections = {name: draw(parts) for name in ("receivers", "processors", "exporters", "connectors", "extensions")}
    signal = draw(st.sampled_from(["traces", "metrics"]))
    return completed({**sections, "signal": signal, "service": {"telemetry": draw(telemetry)}})


@given(configs | started(), st.none() | deployments, st.booleans())
def test_nothing_crashes_the_rules_wherever_it_runs(config: Any, deployment: Any, known: bool) -> None:
    subject = Subject(
        config,
        variable_names=frozenset(),
        deployment=deployment,
        listeners=LISTENERS,
        target=target() if known else None,
    )
    for finding in run_rules(RULES, subject):
        assert str(finding)


def test_a_type_that_no_build_has_is_compared_with_those_of_the_build_once() -> None:
    build = build_of(target("contrib 0.150.3"))  # a version that the catalogue does not know, and no future one
    with limit_suggestions(10_000) as limit:
        refusal = find_type_refusal(build, "receivers", "filelgo")
    assert refusal
    assert "did you mean" in refusal.message
    assert 10_000 - limit.remaining == len(build.list_types("receivers"))


@given(anything)
def test_addresses_may_be_anything(value: Any) -> None:
    host, port = split_host_and_port(value)
    assert port is None or 0 < port < 65536
    assert hosts_overlap(host, host)
    assert all(isinstance(part, str) for part in parse_destination(value))
    assert is_internal_host(host) in (True, False)


@cases(
    "endpoint, expected",
    ("gateway:4317", ("", "gateway")),
    ("http://user:pass@Host.example:1/x", ("http", "host.example")),
    ("dns:///a.b.svc:4317", ("dns", "a.b.svc")),
    ("https://[::1]:4318", ("https", "::1")),
    ("${env:HOST}:4317", ("", "")),
    ("http://${env:HOST}:4318", ("http", "")),
    ("unix:///run/x.sock", ("unix", "")),
    (4317, ("", "")),
)
def test_where_something_is_sent(endpoint: Any, expected: tuple[str, str]) -> None:
    assert parse_destination(endpoint) == expected


def test_old_and_new_names_are_one_kind() -> None:
    for old, new in (("k8sattributes", "k8s_attributes/x"), ("filelog/a", "file_log"), ("spanmetrics", "span_metrics")):
        assert kind_of(old) == kind_of(new)


def test_only_what_is_started_is_a_part() -> None:
    config = {**completed({}), "receivers": {"otlp": {}, "zipkin": {}}, "extensions": {"pprof": {}}}
    assert [part.id for part in Subject(config).view.started_components] == ["otlp", "debug"]


def test_a_subject_is_taken_apart_once() -> None:
    subject = Subject(completed({}))
    assert subject.view is subject.view
    assert subject == Subject(subject.config, subject.locate)


def test_time_grows_with_the_config_and_not_faster() -> None:
    def seconds(count: int) -> float:
        receivers = {f"zipkin/{number}": {"endpoint": f"10.0.{number % 250}.1:{number + 1}"} for number in range(count)}
        subjects = [
            Subject(completed({"receivers": receivers}), listeners=LISTENERS, target=target()) for _ in range(3)
        ]
        begin = time.process_time()
        for subject in subjects:
            run_rules(RULES, subject)
        return time.process_time() - begin

    seconds(10)
    assert min(seconds(2000) for _ in range(2)) < 40 * min(seconds(200) for _ in range(3))
