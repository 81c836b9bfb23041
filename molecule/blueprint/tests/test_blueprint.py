"""Agents, autoscaled gateways and samplers: what applications send arrives whole, without noise and personal data."""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.request
from collections import Counter
from itertools import chain
from math import comb
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, node_ips, wait_until
from tests.support.printed import Resource, parse_resources
from tests.support.prometheus import newest_programs

COLLECTOR = "o11y.opentelemetry/collector"
TIERS = ("agent", "gateway", "sampler")
KINDS = {"fine": 1000, "failed": 10, "slow": 10}  # traces of each
REST = 0.05  # the share of fine traces that is kept
RARE = 1e-6
MAIL = "jane@example.com"
SECOND = 10**9


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, "telemetry")


@pytest.fixture
def backend(host: Host) -> Cluster:
    return Cluster(host, "observability")


def attributes(**given: str) -> list[dict[str, Any]]:
    return [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in given.items()]


def span(trace: str, name: str, seconds: float = 0.01, *, failed: bool = False, **given: str) -> dict[str, Any]:
    end = time.time_ns()
    times = {"startTimeUnixNano": str(end - int(seconds * SECOND)), "endTimeUnixNano": str(end)}
    status = {"status": {"code": 2}} if failed else {}
    made = {"traceId": trace, "spanId": secrets.token_hex(8), "name": name, "kind": 2, **times, **status}
    return {**made, "attributes": attributes(**given)}


def send(node: str, signal: str, records: list[dict[str, Any]], **resource: str) -> None:
    """Send spans, metrics or log records to the agent of a node."""
    outer, inner, key = {
        "traces": ("resourceSpans", "scopeSpans", "spans"),
        "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
        "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    }[signal]
    content = {outer: [{"resource": {"attributes": attributes(**resource)}, inner: [{key: records}]}]}
    request = urllib.request.Request(
        f"http://{node}:4318/v1/{signal}", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


def printed(backend: Cluster) -> list[Resource]:
    return list(parse_resources(backend.logs(f"{COLLECTOR}=backend")))


def spans_of(backend: Cluster, prefix: str) -> Counter[tuple[str, str]]:
    """Return how often the backend has each span, as trace and name, whose name has this prefix."""
    return Counter(one for resource in printed(backend) for one in resource.list_spans() if one[1].startswith(prefix))


def calls_of(backend: Cluster, prefix: str) -> Counter[str]:
    """Return how many spans of each name with this prefix the gateways have counted together."""
    last = {
        (found["span.name"], *sorted((resource.attributes | found).items())): int(value)
        for resource in printed(backend)
        for found, value in resource.list_points("traces.span.metrics.calls")
        if found.get("span.name", "").startswith(prefix)
    }
    counts: Counter[str] = Counter()
    for series, value in last.items():
        counts[str(series[0])] += value
    return counts


def scraped(cluster: Cluster, name: str) -> dict[str, list[str]]:
    """Return the own metrics of each pod of a collector, line by line."""
    pods = [pod["metadata"]["name"] for pod in cluster.pods(f"{COLLECTOR}={name}")]
    path = "/api/v1/namespaces/telemetry/pods/{}:8888/proxy/metrics"
    return {pod: cluster.host.check_output(f"kubectl get --raw {path.format(pod)}").splitlines() for pod in pods}


def total(lines: list[str], series: str) -> float:
    """Return the sum of the series that begin so."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(series))


def served(cluster: Cluster, name: str, series: str) -> dict[str, float]:
    """Return the sum of the series that begin so, of each pod of a collector."""
    return {pod: total(lines, series) for pod, lines in scraped(cluster, name).items()}


def flow(cluster: Cluster) -> list[float]:
    """Return how many spans gateways and samplers got, and how many traces samplers got, decided on, and kept."""
    decided = "otelcol_processor_tail_sampling_global_count_traces_sampled{"
    series = (
        ("gateway", "otelcol_receiver_accepted_spans{"),
        ("sampler", "otelcol_receiver_accepted_spans{"),
        ("sampler", "otelcol_processor_tail_sampling_new_trace_id_received"),
        ("sampler", decided),
        ("sampler", f'{decided}decision="sampled"'),
    )
    pages = {tier: [*chain(*scraped(cluster, tier).values())] for tier in ("gateway", "sampler")}
    return [total(pages[tier], name) for tier, name in series]


def send_traces(traces: dict[str, str], run: str) -> None:
    """Send a span of each trace to the agent of each node, in ten requests to each."""

    def of(trace: str, kind: str, part: int) -> dict[str, Any]:
        seconds = 3 if kind == "slow" and part == 0 else 0.01
        failed = kind == "failed" and part == 1
        return span(trace, f"{run}-{kind}-{part}", seconds, failed=failed, http__route=f"/{run}")

    for first in range(10):
        for part, node in enumerate(node_ips()):
            spans = [of(trace, kind, part) for trace, kind in [*traces.items()][first::10]]
            send(node, "traces", spans, service__name="shop")


def chance(count: int, of: int, share: float) -> float:
    """Return how likely a binomial distribution is as far from its mean, on the same side."""
    numbers = range(count + 1) if count < of * share else range(count, of + 1)
    return sum(comb(of, number) * share**number * (1 - share) ** (of - number) for number in numbers)


@pytest.mark.parametrize("name", ["gateway", "sampler"])
def test_a_tier_is_on_both_nodes_and_a_drain_takes_one_pod(cluster: Cluster, name: str) -> None:
    pods = cluster.pods(f"{COLLECTOR}={name}")
    assert len({pod["spec"]["nodeName"] for pod in pods}) == len(pods) == len(node_ips()) == 2
    # Without this, a pod that goes counts too: half of all rollouts end with both new ones on a node.
    spreads = [pod["spec"]["topologySpreadConstraints"][0] for pod in pods]
    assert [spread["matchLabelKeys"] for spread in spreads] == [["pod-template-hash"]] * 2
    assert cluster.get("poddisruptionbudget", name)["spec"]["maxUnavailable"] == 1
    assert cluster.get("networkpolicy", name)["spec"]["policyTypes"] == ["Ingress"]


def test_gateways_are_autoscaled_by_memory_and_samplers_are_not(cluster: Cluster) -> None:
    spec = cluster.get("horizontalpodautoscaler", "gateway")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert {item["resource"]["name"] for item in spec["metrics"]} == {"cpu", "memory"}
    assert cluster.host.run("kubectl -n telemetry get horizontalpodautoscaler sampler").rc == 1


def test_verify_sees_test_data_at_each_tier(host: Host) -> None:
    """The sampler keeps the span that is sent to it, for it failed."""
    run = host.run(f"ansible-playbook o11y.opentelemetry.verify -i {PROJECT}/inventories/blueprint")
    assert run.rc == 0, run.stdout
    assert "sampler: traces arrived" in run.stdout


@pytest.mark.parametrize("signal", ["Metrics", "Log"])
def test_the_backend_gets_what_each_pod_says_of_itself(cluster: Cluster, backend: Cluster, signal: str) -> None:
    pods = {pod["metadata"]["name"]: tier for tier in TIERS for pod in cluster.pods(f"{COLLECTOR}={tier}")}
    assert len(pods) == 6

    def said() -> dict[str, str]:
        own = [one.attributes for one in printed(backend) if one.signal == signal]
        return {one["k8s.pod.name"]: one["service.name"] for one in own if "service.instance.id" in one}

    wait_until(f"{signal} of {pods}", lambda: pods.items() <= said().items())


@pytest.mark.parametrize("name", TIERS)
def test_promtool_accepts_the_rules_and_pods_ask_to_be_scraped(cluster: Cluster, tmp_path: Path, name: str) -> None:
    programs = newest_programs()
    if programs is None:
        pytest.skip("the testbed has built no Prometheus: run `python -m tests.testbed install prometheus`")
    assert "panels" in "".join(cluster.get("configmap", f"{name}-dashboard")["data"].values())
    (content,) = cluster.get("configmap", f"{name}-rules")["data"].values()
    file = tmp_path / "rules.yml"
    file.write_text(content)
    checked = cluster.host.run(f"{programs}/promtool check rules {file}")
    assert checked.rc == 0, checked.stderr
    assert f"{len(json.loads(content)['groups'][0]['rules'])} rules found" in checked.stdout
    for pod in cluster.pods(f"{COLLECTOR}={name}"):
        asked = {
            key: value for key, value in pod["metadata"]["annotations"].items() if key.startswith("prometheus.io/")
        }
        assert asked == {"prometheus.io/scrape": "true", "prometheus.io/port": "8888", "prometheus.io/path": "/metrics"}


def test_traces_are_kept_whole_or_not_at_all_and_counted_before(cluster: Cluster, backend: Cluster) -> None:
    run = secrets.token_hex(4)
    traces = {secrets.token_hex(16): kind for kind, count in KINDS.items() for _ in range(count)}
    wait_until("a decision on each earlier trace", lambda: (now := flow(cluster))[2] == now[3])
    before = flow(cluster)
    send_traces(traces, run)
    sent = [2 * len(traces), 2 * len(traces), len(traces), len(traces)]

    def passed() -> list[float]:
        return [now - then for now, then in zip(flow(cluster), before, strict=True)]

    # The collectors' own spans are not among them.
    wait_until("a decision on each trace", lambda: passed()[:4] == sent)
    wait_until("each span of traces that are kept", lambda: spans_of(backend, run).total() == 2 * passed()[4])
    found = spans_of(backend, run)
    kept = {trace for trace, _name in found}
    assert found == Counter((trace, f"{run}-{traces[trace]}-{part}") for trace in kept for part in (0, 1))
    counts = Counter(traces[trace] for trace in kept)
    assert (counts["failed"], counts["slow"]) == (KINDS["failed"], KINDS["slow"])
    assert chance(counts["fine"], KINDS["fine"], REST) > RARE, counts
    calls = {f"{run}-{kind}-{part}": count for kind, count in KINDS.items() for part in (0, 1)}
    wait_until("the count of each span", lambda: calls_of(backend, run) == calls)


def test_each_gateway_and_each_sampler_has_its_share(cluster: Cluster) -> None:
    """The agents learn of all gateways within the age of a connection."""
    spans = "otelcol_receiver_accepted_spans{"
    before = served(cluster, "gateway", spans)

    def shared() -> bool:
        for node in node_ips():
            send(node, "traces", [span(secrets.token_hex(16), "share")], service__name="shop")
        return all(count > before[name] for name, count in served(cluster, "gateway", spans).items())

    wait_until("spans at every gateway", shared)
    assert all(served(cluster, "sampler", spans).values())


def test_noise_and_personal_data_stay_in_the_cluster(cluster: Cluster, backend: Cluster) -> None:
    """The gateways count what they drop."""
    run, trace, dropped = secrets.token_hex(4), secrets.token_hex(16), {"spans": 7, "logs": 5}
    series = {kind: f"otelcol_processor_filter_{kind}_filtered{{" for kind in dropped}
    before = {kind: sum(served(cluster, "gateway", name).values()) for kind, name in series.items()}
    noise = {"process__command_line": f"run-{run}"}
    failed = span(trace, f"{run}-order", failed=True, user=MAIL, **noise)
    probes = [span(trace, f"{run}-probe", url__path="/healthz") for _ in range(dropped["spans"])]
    debug = [{"body": {"stringValue": f"{run}-debug"}, "severityNumber": 5}] * dropped["logs"]
    loud = {"body": {"stringValue": f"{run}-loud {MAIL}"}, "severityNumber": 9}
    send(node_ips()[0], "traces", [failed, *probes], service__name="shop", **noise)
    send(node_ips()[0], "logs", [loud, *debug], service__name="shop", **noise)
    wait_until("the span", lambda: spans_of(backend, run))
    wait_until("the log record", lambda: f"{run}-loud" in backend.logs(f"{COLLECTOR}=backend"))
    assert set(spans_of(backend, run)) == {(trace, f"{run}-order")}
    text = backend.logs(f"{COLLECTOR}=backend")
    assert [one for one in (MAIL, f"{run}-debug", f"run-{run}") if one in text] == []
    now = {kind: sum(served(cluster, "gateway", name).values()) for kind, name in series.items()}
    assert {kind: now[kind] - before[kind] for kind in series} == dropped


def test_all_signals_name_the_pod_of_their_sender_and_the_environment(cluster: Cluster, backend: Cluster) -> None:
    run, node = secrets.token_hex(4), node_ips()[0]
    pod = next(one for one in cluster.pods(f"{COLLECTOR}=sampler") if one["status"]["hostIP"] == node)
    sender = {"service__name": f"shop-{run}", "k8s__pod__ip": pod["status"]["podIP"]}
    send(node, "traces", [span(secrets.token_hex(16), run, failed=True)], **sender)
    send(node, "logs", [{"body": {"stringValue": run}, "severityNumber": 9}], **sender)
    point = {"asInt": "1", "timeUnixNano": str(time.time_ns()), "attributes": attributes(shelf="a")}
    send(node, "metrics", [{"name": f"{run}-stock", "gauge": {"dataPoints": [point]}}], **sender)
    wanted = {
        "k8s.namespace.name": "telemetry",
        "k8s.deployment.name": "sampler",
        "k8s.pod.name": pod["metadata"]["name"],
        "k8s.node.name": pod["spec"]["nodeName"],
        "deployment.environment.name": "production",
    }
    kinds = {"Spans": "Name ", "Log": "Body: ", "Metrics": f"Name: {run}-stock", "calls": f"span.name: Str({run})"}

    def lacking() -> list[str]:
        ours = [one for one in printed(backend) if one.attributes.get("service.name") == f"shop-{run}"]
        assert [one for one in ours if not wanted.items() <= one.attributes.items()] == []
        return [kind for kind, text in kinds.items() if not [one for one in ours if text in one.records]]

    wait_until("all signals", lambda: not lacking())


def test_nothing_was_refused_or_dropped_between_the_tiers(cluster: Cluster) -> None:
    lost = re.compile(r"otelcol_(?:receiver_refused|exporter_send_failed|exporter_enqueue_failed)\S* [1-9]")
    for name in TIERS:
        for lines in scraped(cluster, name).values():
            assert list(filter(lost.match, lines)) == []


def test_a_sampler_without_a_tier_before_it_is_refused(host: Host) -> None:
    alone = [{"name": "alone", "replicas": 2, "recipes": ["otlp_ingest", "tail_sampling", "debug_output"]}]
    inventory = f"{PROJECT}/inventories/blueprint"
    run = host.run(
        f"ansible-playbook o11y.opentelemetry.site -i {inventory} --check -e '{json.dumps({'otel_collectors': alone})}'"
    )
    assert run.rc != 0 and "split-state" in run.stdout
