"""What must arrive from a whole cluster, and how often; scenarios run it over every way to deploy the collectors.

A scenario's test file has `class TestDataArrives(DataArrives): ...`; its prepare includes tests/support/backends.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from testinfra.host import Host

from tests.support.cluster import Cluster, has_token, node_ips, until

NAMESPACE = "cluster"
INTERVAL = 10  # seconds between two reports, in the inventory
WINDOW = 60
ONCE = range(WINDOW // INTERVAL - 2, WINDOW // INTERVAL + 2)
PATIENCE = 180
# Its target allocator has the labels of a collector too, but for this one.
COLLECTORS = "o11y.opentelemetry/collector,app.kubernetes.io/component=opentelemetry-collector"
UPTIME = '{__name__=~"otelcol_process_uptime.*"}'
TICK = re.compile(r"tick (?P<node>\S+) (?P<number>\d+)\.")


@dataclass(frozen=True)
class Stack:
    """The backends, as they are asked through the API server."""

    host: Host

    def ask(self, service: str, path: str, namespace: str = NAMESPACE) -> Any:
        """Return what a backend answers."""
        url = f"/api/v1/namespaces/{namespace}/services/http:{service}/proxy{path}"
        return json.loads(self.host.check_output("kubectl get --raw %s", url))

    def query(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series of a query to Prometheus."""
        answer = self.ask("prometheus-server:80", f"/api/v1/query?query={quote(promql)}")
        return [(found["metric"], float(found["value"][1])) for found in answer["data"]["result"]]

    def by(self, label: str, promql: str) -> dict[str, float]:
        """Return the value by a label that tells the series apart."""
        return {labels[label]: value for labels, value in self.query(promql) if label in labels}

    def documents(self, index: str, text: str) -> list[dict[str, Any]]:
        """Return what Elasticsearch has been given."""
        found: list[dict[str, Any]] = self.ask(
            "elasticsearch-es-http:9200", f"/stored/documents?{urlencode({'index': index, 'text': text})}"
        )
        return found

    def loki(self, text: str) -> list[str]:
        """Return the log records that Loki has been given with this text in them."""
        found = []
        for batch in self.ask("loki:3100", "/stored/otlp"):
            request = ExportLogsServiceRequest.FromString(base64.b64decode(batch))
            scopes = [scope for resource in request.resource_logs for scope in resource.scope_logs]
            found += [str(record) for scope in scopes for record in scope.log_records if text in str(record)]
        return found

    def spans(self, service: str) -> Any:
        """Return the resource spans that Jaeger has of a service."""
        now = datetime.now(UTC)
        times = {"min": now - timedelta(hours=1), "max": now + timedelta(minutes=1)}
        query = {f"query.start_time_{key}": value.strftime("%Y-%m-%dT%H:%M:%SZ") for key, value in times.items()}
        path = f"/api/v3/traces?{urlencode({'query.service_name': service, 'query.num_traces': 10, **query})}"
        url = f"/api/v1/namespaces/istio-system/services/http:jaeger-collector:16686/proxy{path}"
        answer = self.host.run("kubectl get --raw %s", url)  # which fails when there are none
        return json.loads(answer.stdout)["result"]["resourceSpans"] if answer.rc == 0 else []

    def nodes(self) -> set[str]:
        """Return the names of all nodes."""
        return set(self.host.check_output("kubectl get nodes -o name").replace("node/", "").split())

    def annotated(self) -> set[str]:
        """Return the names of all pods that ask to be scraped."""
        pods = json.loads(self.host.check_output("kubectl get pods -A -o json"))["items"]
        scraped = "prometheus.io/scrape"
        return {
            pod["metadata"]["name"] for pod in pods if pod["metadata"].get("annotations", {}).get(scraped) == "true"
        }


def today(index: str) -> str:
    """Return the index of a day as Logstash names it."""
    return f"{index}-{datetime.now(UTC):%Y.%m.%d}"


class DataArrives:
    """The checks, for a scenario to inherit."""

    @pytest.fixture
    def stack(self, host: Host) -> Stack:
        return Stack(host)

    def test_the_cluster_has_the_nodes_that_make_once_worth_a_test(self, stack: Stack) -> None:
        assert len(stack.nodes()) == len(node_ips()) > 1

    def test_every_line_of_a_pod_arrives_once_from_every_node(self, stack: Stack) -> None:
        def ticks() -> dict[str, list[int]]:
            found: dict[str, list[int]] = {}
            for item in stack.documents(today("otel-pod-logs"), "tick "):
                match = TICK.search(json.dumps(item["document"]))
                if match:
                    found.setdefault(match["node"], []).append(int(match["number"]))
            return found

        nodes = stack.nodes()
        enough = until("30 ticks of each node", lambda: _enough(ticks(), nodes, 30), PATIENCE)
        for numbers in enough.values():
            assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))

    @pytest.mark.parametrize(
        "metric", ["k8s_node_memory_working_set_bytes", "system_cpu_load_average_1m", "system_memory_usage_bytes"]
    )
    def test_kubelet_and_host_of_every_node_are_measured(self, stack: Stack, metric: str) -> None:
        per_node = f"count by (k8s_node_name) ({metric})"
        until(f"{metric} of each node", lambda: set(stack.by("k8s_node_name", per_node)) == stack.nodes(), PATIENCE)

    def test_pods_of_every_node_are_measured_by_their_kubelet(self, stack: Stack) -> None:
        def measured() -> set[str]:
            return set(stack.by("k8s_pod_name", 'k8s_pod_memory_working_set_bytes{k8s_pod_name=~"talker-.*"}'))

        talkers = {pod["metadata"]["name"] for pod in Cluster(stack.host, "istio-system").pods("app=talker")}
        until("memory of every talker", lambda: measured() == talkers, PATIENCE)

    def test_the_list_of_pods_of_each_kubelet_is_read_without_the_right_to_all_of_it(self, stack: Stack) -> None:
        def typed() -> set[str]:
            return set(stack.by("k8s_node_name", 'k8s_volume_capacity_bytes{k8s_volume_type!=""}'))

        until("a volume with its type on every node", lambda: typed() == stack.nodes(), PATIENCE)
        account = f"system:serviceaccount:{NAMESPACE}:otel-node-collector"
        for resource, answer in (("pods", "yes"), ("proxy", "no")):
            asked = stack.host.run(f"kubectl auth can-i get nodes --subresource={resource} --as={account}")
            assert asked.stdout.split()[-1] == answer

    def test_only_pods_that_ask_the_api_have_a_token_for_it(self, stack: Stack) -> None:
        pods = Cluster(stack.host, NAMESPACE).pods(COLLECTORS)
        mounted = {pod["spec"]["serviceAccountName"] for pod in pods if has_token(pod)}
        assert mounted == {f"otel-{name}-collector" for name in ("node", "cluster", "prometheus")}

    def test_the_cluster_reports_itself_once(self, stack: Stack) -> None:
        reports = f"count_over_time(k8s_node_condition_ready[{WINDOW}s])"
        found = until("a minute of reports", lambda: _steady(stack.by("k8s_node_name", reports)), PATIENCE)
        assert set(found) == stack.nodes()
        assert {value for value in found.values() if value not in ONCE} == set()

    def test_an_event_arrives_once_at_loki_and_once_at_elasticsearch(self, stack: Stack) -> None:
        reason = f"Tested{uuid.uuid4().hex[:8]}"
        stack.host.check_output("echo %s | kubectl create -f -", json.dumps(_event(reason)))
        until("the event in Loki", lambda: stack.loki(reason), PATIENCE)
        until("the event in Elasticsearch", lambda: stack.documents(today("otel-k8sobject"), reason), PATIENCE)
        # What would come a second time comes with the next batch.
        _pass_on(stack, 2)
        assert len(stack.loki(reason)) == 1
        assert len(stack.documents(today("otel-k8sobject"), reason)) == 1

    def test_pods_that_ask_for_it_are_scraped_once_each_and_others_are_not(self, stack: Stack) -> None:
        wanted = stack.annotated()
        scrapes = f'count_over_time(up{{pod!=""}}[{WINDOW}s])'
        until("every annotated pod", lambda: set(stack.by("pod", scrapes)) >= wanted, PATIENCE)
        found = until(
            "a minute of scrapes",
            lambda: _steady({pod: n for pod, n in stack.by("pod", scrapes).items() if pod in wanted}),
            PATIENCE,
        )
        assert {pod: value for pod, value in found.items() if value not in ONCE} == {}
        assert len(stack.query('last_over_time(up{pod!=""}[15s])')) == len(wanted)
        assert set(stack.by("pod", f'min_over_time(up{{pod!=""}}[{WINDOW}s]) == 1')) >= wanted
        assert [value for _labels, value in stack.query("sink_documents_total") if value > 0]

    def test_what_an_application_sends_is_at_the_backend_of_its_signal(self, stack: Stack) -> None:
        service = f"shop-{uuid.uuid4().hex[:8]}"
        probe = {"via": {"namespace": NAMESPACE, "service": "otel-otlp"}, "service_name": service}
        stack.host.check_output("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", json.dumps(probe))
        until("the span in Jaeger", lambda: stack.spans(service), PATIENCE)
        until("the metric in Prometheus", lambda: stack.query(f'o11y_probe{{job="{service}"}}'), PATIENCE)
        until("the log in Elasticsearch", lambda: stack.documents(today("istio-access-log"), service), PATIENCE)
        assert len(stack.documents(today("istio-access-log"), service)) == 1

    def test_collectors_tell_of_themselves_and_have_dropped_nothing(self, stack: Stack) -> None:
        pods = {pod["metadata"]["name"] for pod in Cluster(stack.host, NAMESPACE).pods(COLLECTORS)}
        until(
            "the own metrics of all",
            lambda: set(stack.by("pod", UPTIME)) >= pods,
            PATIENCE,
        )
        failed = '{__name__=~"otelcol_exporter_send_failed_.*|otelcol_exporter_enqueue_failed_.*"} > 0'
        assert stack.query(failed) == []


def _enough(found: dict[str, list[int]], nodes: set[str], count: int) -> dict[str, list[int]] | None:
    return found if set(found) == nodes and min(map(len, found.values())) >= count else None


def _steady(found: dict[str, float]) -> dict[str, float] | None:
    """Return the counts when each has as many as a whole window gives at least."""
    return found if found and min(found.values()) >= ONCE.start + 1 else None


def _pass_on(stack: Stack, batches: int) -> None:
    """Wait until later events have arrived, one after the other."""
    for _batch in range(batches):
        later, index = f"Later{uuid.uuid4().hex[:8]}", today("otel-k8sobject")
        stack.host.check_output("echo %s | kubectl create -f -", json.dumps(_event(later)))
        until("a later event in Loki", partial(stack.loki, later), PATIENCE)
        until("a later event in Elasticsearch", partial(stack.documents, index, later), PATIENCE)


def _event(reason: str) -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": reason.lower(), "namespace": NAMESPACE},
        "involvedObject": {"kind": "Namespace", "name": NAMESPACE, "namespace": NAMESPACE},
        "reason": reason,
        "message": "a test wants to see this",
        "type": "Normal",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "source": {"component": "tests"},
    }
