"""A cluster that molecule/kubernetes_observability observes: what its Prometheus and its backend have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster
from tests.support.printed import Resource, parse_resources

BACKEND_NAMESPACE, SHOP_NAMESPACE, AGENT_NAMESPACE = "observability", "shop", "telemetry"
SITE_COMMAND = f"ansible-playbook o11y.opentelemetry.site -i {PROJECT}/inventories/kubernetes_observability"
AGENT_SELECTOR = "o11y.opentelemetry/collector=agent"


@dataclass(frozen=True)
class ObservedCluster:
    """Queries to the backend, through the API server."""

    host: Host

    def _query(self, promql: str) -> list[dict[str, Any]]:
        proxy = f"/api/v1/namespaces/{BACKEND_NAMESPACE}/services/http:prometheus:9090/proxy"
        text = self.host.check_output("kubectl get --raw %s", f"{proxy}/api/v1/query?query={quote(promql)}")
        series: list[dict[str, Any]] = json.loads(text)["data"]["result"]
        return series

    def query_series(self, promql: str) -> list[dict[str, str]]:
        """Return the labels of each series of a query."""
        return [row["metric"] for row in self._query(promql)]

    def query_values(self, label: str, promql: str) -> dict[str, list[float]]:
        """Return the values of a query by a label; a series of each value."""
        values_by_label: dict[str, list[float]] = {}
        for row in self._query(promql):
            values_by_label.setdefault(row["metric"].get(label, ""), []).append(float(row["value"][1]))
        return values_by_label

    def query_times(self, promql: str) -> list[float]:
        """Return the times of all samples that a range of a query has, in seconds, in their order."""
        return sorted(float(sample_time) for row in self._query(promql) for sample_time, _value in row["values"])

    def list_ready_pods(self, app: str) -> set[str]:
        """Return the names of the ready pods of an application."""
        pods = Cluster(self.host, SHOP_NAMESPACE).pods(f"app={app}")
        return {pod["metadata"]["name"] for pod in pods if pod["status"]["containerStatuses"][0]["ready"]}

    def read_printed_logs(self) -> list[Resource]:
        """Return the records that the backend has printed."""
        return list(parse_resources(Cluster(self.host, BACKEND_NAMESPACE).logs("o11y.opentelemetry/collector=backend")))

    def find_leaders(self) -> list[str]:
        """Return the agents that have got the lease, as their logs say."""
        cluster = Cluster(self.host, AGENT_NAMESPACE)
        names = [pod["metadata"]["name"] for pod in cluster.pods(AGENT_SELECTOR)]
        logs = {name: self.host.run(f"kubectl -n {AGENT_NAMESPACE} logs {name}").stdout for name in names}
        return [name for name, log in logs.items() if "Successfully acquired lease" in log]
