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

from tests.support.cluster import Cluster, has_token, node_ips, wait_until

NAMESPACE = "cluster"
REPORT_INTERVAL = 10  # seconds between two reports, in the inventory
WINDOW_SECONDS = 60
ONCE_PER_INTERVAL = range(WINDOW_SECONDS // REPORT_INTERVAL - 2, WINDOW_SECONDS // REPORT_INTERVAL + 2)
TIMEOUT_SECONDS = 180
# Its target allocator has the labels of a collector too, but for this one.
COLLECTOR_SELECTOR = "o11y.opentelemetry/collector,app.kubernetes.io/component=opentelemetry-collector"
UPTIME_SELECTOR = '{__name__=~"otelcol_process_uptime.*"}'
TICK_LINE = re.compile(r"tick (?P<node>\S+) (?P<number>\d+)\.")


@dataclass(frozen=True)
class Stack:
    """The backends, as they are asked through the API server."""

    host: Host

    def ask_backend(self, service: str, path: str, namespace: str = NAMESPACE) -> Any:
        """Return what a backend answers."""
        url = f"/api/v1/namespaces/{namespace}/services/http:{service}/proxy{path}"
        return json.loads(self.host.check_output("kubectl get --raw %s", url))

    def query_series(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series of a query to Prometheus."""
        answer = self.ask_backend("prometheus-server:80", f"/api/v1/query?query={quote(promql)}")
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    def query_by_label(self, label: str, promql: str) -> dict[str, float]:
        """Return the value by a label that tells the series apart."""
        return {labels[label]: value for labels, value in self.query_series(promql) if label in labels}

    def search_documents(self, index: str, text: str) -> list[dict[str, Any]]:
        """Return what Elasticsearch has been given."""
        documents: list[dict[str, Any]] = self.ask_backend(
            "elasticsearch-es-http:9200", f"/stored/documents?{urlencode({'index': index, 'text': text})}"
        )
        return documents

    def search_loki(self, text: str) -> list[str]:
        """Return the log records that Loki has been given with this text in them."""
        records = []
        for encoded_request in self.ask_backend("loki:3100", "/stored/otlp"):
            request = ExportLogsServiceRequest.FromString(base64.b64decode(encoded_request))
            scopes = [scope for resource in request.resource_logs for scope in resource.scope_logs]
            records += [str(record) for scope in scopes for record in scope.log_records if text in str(record)]
        return records

    def find_spans(self, service: str) -> Any:
        """Return the resource spans that Jaeger has of a service."""
        current_time = datetime.now(UTC)
        time_range = {"min": current_time - timedelta(hours=1), "max": current_time + timedelta(minutes=1)}
        query = {f"query.start_time_{key}": value.strftime("%Y-%m-%dT%H:%M:%SZ") for key, value in time_range.items()}
        path = f"/api/v3/traces?{urlencode({'query.service_name': service, 'query.num_traces': 10, **query})}"
        url = f"/api/v1/namespaces/istio-system/services/http:jaeger-collector:16686/proxy{path}"
        answer = self.host.run("kubectl get --raw %s", url)  # which fails when there are none
        return json.loads(answer.stdout)["result"]["resourceSpans"] if answer.rc == 0 else []

    def list_nodes(self) -> set[str]:
        """Return the names of all nodes."""
        return set(self.host.check_output("kubectl get nodes -o name").replace("node/", "").split())

    def list_annotated_pods(self) -> set[str]:
        """Return the names of all pods that ask to be scraped."""
        pods = json.loads(self.host.check_output("kubectl get pods -A -o json"))["items"]
        scrape_annotation = "prometheus.io/scrape"
        return {
            pod["metadata"]["name"]
            for pod in pods
            if pod["metadata"].get("annotations", {}).get(scrape_annotation) == "true"
        }


def daily_index(index: str) -> str:
    """Return the index of a day as Logstash names it."""
    return f"{index}-{datetime.now(UTC):%Y.%m.%d}"


class DataArrives:
    """The checks, for a scenario to inherit."""

    @pytest.fixture
    def stack(self, host: Host) -> Stack:
        return Stack(host)

    def test_the_cluster_has_the_nodes_that_make_once_worth_a_test(self, stack: Stack) -> None:
        assert len(stack.list_nodes()) == len(node_ips()) > 1

    def test_every_line_of_a_pod_arrives_once_from_every_node(self, stack: Stack) -> None:
        def read_ticks() -> dict[str, list[int]]:
            numbers_by_node: dict[str, list[int]] = {}
            for document in stack.search_documents(daily_index("otel-pod-logs"), "tick "):
                match = TICK_LINE.search(json.dumps(document["document"]))
                if match:
                    numbers_by_node.setdefault(match["node"], []).append(int(match["number"]))
            return numbers_by_node

        nodes = stack.list_nodes()
        complete_ticks = wait_until(
            "30 ticks of each node", lambda: _complete_numbers(read_ticks(), nodes, 30), TIMEOUT_SECONDS
        )
        for numbers in complete_ticks.values():
            assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))

    @pytest.mark.parametrize(
        "metric", ["k8s_node_memory_working_set_bytes", "system_cpu_load_average_1m", "system_memory_usage_bytes"]
    )
    def test_kubelet_and_host_of_every_node_are_measured(self, stack: Stack, metric: str) -> None:
        per_node = f"count by (k8s_node_name) ({metric})"
        wait_until(
            f"{metric} of each node",
            lambda: set(stack.query_by_label("k8s_node_name", per_node)) == stack.list_nodes(),
            TIMEOUT_SECONDS,
        )

    def test_pods_of_every_node_are_measured_by_their_kubelet(self, stack: Stack) -> None:
        def measured_pods() -> set[str]:
            return set(
                stack.query_by_label("k8s_pod_name", 'k8s_pod_memory_working_set_bytes{k8s_pod_name=~"talker-.*"}')
            )

        talkers = {pod["metadata"]["name"] for pod in Cluster(stack.host, "istio-system").pods("app=talker")}
        wait_until("memory of every talker", lambda: measured_pods() == talkers, TIMEOUT_SECONDS)

    def test_the_list_of_pods_of_each_kubelet_is_read_without_the_right_to_all_of_it(self, stack: Stack) -> None:
        def nodes_with_volume_type() -> set[str]:
            return set(stack.query_by_label("k8s_node_name", 'k8s_volume_capacity_bytes{k8s_volume_type!=""}'))

        wait_until(
            "a volume with its type on every node",
            lambda: nodes_with_volume_type() == stack.list_nodes(),
            TIMEOUT_SECONDS,
        )
        account = f"system:serviceaccount:{NAMESPACE}:otel-node-collector"
        for resource, expected_answer in (("pods", "yes"), ("proxy", "no")):
            completed = stack.host.run(f"kubectl auth can-i get nodes --subresource={resource} --as={account}")
            assert completed.stdout.split()[-1] == expected_answer

    def test_only_pods_that_ask_the_api_have_a_token_for_it(self, stack: Stack) -> None:
        pods = Cluster(stack.host, NAMESPACE).pods(COLLECTOR_SELECTOR)
        token_accounts = {pod["spec"]["serviceAccountName"] for pod in pods if has_token(pod)}
        assert token_accounts == {f"otel-{name}-collector" for name in ("node", "cluster", "prometheus")}

    def test_the_cluster_reports_itself_once(self, stack: Stack) -> None:
        report_query = f"count_over_time(k8s_node_condition_ready[{WINDOW_SECONDS}s])"
        report_counts = wait_until(
            "a minute of reports",
            lambda: _full_window_counts(stack.query_by_label("k8s_node_name", report_query)),
            TIMEOUT_SECONDS,
        )
        assert set(report_counts) == stack.list_nodes()
        assert {value for value in report_counts.values() if value not in ONCE_PER_INTERVAL} == set()

    def test_an_event_arrives_once_at_loki_and_once_at_elasticsearch(self, stack: Stack) -> None:
        reason = f"Tested{uuid.uuid4().hex[:8]}"
        stack.host.check_output("echo %s | kubectl create -f -", json.dumps(_build_event(reason)))
        wait_until("the event in Loki", lambda: stack.search_loki(reason), TIMEOUT_SECONDS)
        wait_until(
            "the event in Elasticsearch",
            lambda: stack.search_documents(daily_index("otel-k8sobject"), reason),
            TIMEOUT_SECONDS,
        )
        # What would come a second time comes with the next batch.
        _await_later_events(stack, 2)
        assert len(stack.search_loki(reason)) == 1
        assert len(stack.search_documents(daily_index("otel-k8sobject"), reason)) == 1

    def test_pods_that_ask_for_it_are_scraped_once_each_and_others_are_not(self, stack: Stack) -> None:
        annotated_pods = stack.list_annotated_pods()
        scrape_query = f'count_over_time(up{{pod!=""}}[{WINDOW_SECONDS}s])'
        wait_until(
            "every annotated pod",
            lambda: set(stack.query_by_label("pod", scrape_query)) >= annotated_pods,
            TIMEOUT_SECONDS,
        )
        scrape_counts = wait_until(
            "a minute of scrapes",
            lambda: _full_window_counts(
                {
                    pod: count
                    for pod, count in stack.query_by_label("pod", scrape_query).items()
                    if pod in annotated_pods
                }
            ),
            TIMEOUT_SECONDS,
        )
        assert {pod: value for pod, value in scrape_counts.items() if value not in ONCE_PER_INTERVAL} == {}
        assert len(stack.query_series('last_over_time(up{pod!=""}[15s])')) == len(annotated_pods)
        assert (
            set(stack.query_by_label("pod", f'min_over_time(up{{pod!=""}}[{WINDOW_SECONDS}s]) == 1')) >= annotated_pods
        )
        assert [value for _labels, value in stack.query_series("sink_documents_total") if value > 0]

    def test_what_an_application_sends_is_at_the_backend_of_its_signal(self, stack: Stack) -> None:
        service = f"shop-{uuid.uuid4().hex[:8]}"
        probe = {"via": {"namespace": NAMESPACE, "service": "otel-otlp"}, "service_name": service}
        stack.host.check_output("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", json.dumps(probe))
        wait_until("the span in Jaeger", lambda: stack.find_spans(service), TIMEOUT_SECONDS)
        wait_until(
            "the metric in Prometheus", lambda: stack.query_series(f'o11y_probe{{job="{service}"}}'), TIMEOUT_SECONDS
        )
        wait_until(
            "the log in Elasticsearch",
            lambda: stack.search_documents(daily_index("istio-access-log"), service),
            TIMEOUT_SECONDS,
        )
        assert len(stack.search_documents(daily_index("istio-access-log"), service)) == 1

    def test_collectors_tell_of_themselves_and_have_dropped_nothing(self, stack: Stack) -> None:
        pods = {pod["metadata"]["name"] for pod in Cluster(stack.host, NAMESPACE).pods(COLLECTOR_SELECTOR)}
        wait_until(
            "the own metrics of all",
            lambda: set(stack.query_by_label("pod", UPTIME_SELECTOR)) >= pods,
            TIMEOUT_SECONDS,
        )
        failure_query = '{__name__=~"otelcol_exporter_send_failed_.*|otelcol_exporter_enqueue_failed_.*"} > 0'
        assert stack.query_series(failure_query) == []


def _complete_numbers(
    numbers_by_node: dict[str, list[int]], nodes: set[str], count: int
) -> dict[str, list[int]] | None:
    return (
        numbers_by_node if set(numbers_by_node) == nodes and min(map(len, numbers_by_node.values())) >= count else None
    )


def _full_window_counts(counts: dict[str, float]) -> dict[str, float] | None:
    """Return the counts when each has as many as a whole window gives at least."""
    return counts if counts and min(counts.values()) >= ONCE_PER_INTERVAL.start + 1 else None


def _await_later_events(stack: Stack, batches: int) -> None:
    """Wait until later events have arrived, one after the other."""
    for _batch in range(batches):
        reason, index = f"Later{uuid.uuid4().hex[:8]}", daily_index("otel-k8sobject")
        stack.host.check_output("echo %s | kubectl create -f -", json.dumps(_build_event(reason)))
        wait_until("a later event in Loki", partial(stack.search_loki, reason), TIMEOUT_SECONDS)
        wait_until("a later event in Elasticsearch", partial(stack.search_documents, index, reason), TIMEOUT_SECONDS)


def _build_event(reason: str) -> dict[str, Any]:
    timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": reason.lower(), "namespace": NAMESPACE},
        "involvedObject": {"kind": "Namespace", "name": NAMESPACE, "namespace": NAMESPACE},
        "reason": reason,
        "message": "a test wants to see this",
        "type": "Normal",
        "firstTimestamp": timestamp,
        "lastTimestamp": timestamp,
        "count": 1,
        "source": {"component": "tests"},
    }
