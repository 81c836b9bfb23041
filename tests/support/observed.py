"""A cluster that molecule/kubernetes_observability observes: what its Prometheus and its backend have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster
from tests.support.printed import Resource, resources

BACKEND, SHOP, AGENTS = "observability", "shop", "telemetry"
SITE = f"ansible-playbook o11y.opentelemetry.site -i {PROJECT}/inventories/kubernetes_observability"
AGENT = "o11y.opentelemetry/collector=agent"


@dataclass(frozen=True)
class Observed:
    """Queries to the backend, through the API server."""

    host: Host

    def _asked(self, promql: str) -> list[dict[str, Any]]:
        path = f"/api/v1/namespaces/{BACKEND}/services/http:prometheus:9090/proxy/api/v1/query?query={quote(promql)}"
        found: list[dict[str, Any]] = json.loads(self.host.check_output("kubectl get --raw %s", path))["data"]["result"]
        return found

    def series(self, promql: str) -> list[dict[str, str]]:
        """Return the labels of each series of a query."""
        return [row["metric"] for row in self._asked(promql)]

    def values(self, label: str, promql: str) -> dict[str, list[float]]:
        """Return the values of a query by a label; a series of each value."""
        found: dict[str, list[float]] = {}
        for row in self._asked(promql):
            found.setdefault(row["metric"].get(label, ""), []).append(float(row["value"][1]))
        return found

    def times(self, promql: str) -> list[float]:
        """Return the times of all samples that a range of a query has, in seconds, in their order."""
        return sorted(float(time) for row in self._asked(promql) for time, _value in row["values"])

    def pods(self, app: str) -> set[str]:
        """Return the names of the ready pods of an application."""
        pods = Cluster(self.host, SHOP).pods(f"app={app}")
        return {pod["metadata"]["name"] for pod in pods if pod["status"]["containerStatuses"][0]["ready"]}

    def logs(self) -> list[Resource]:
        """Return the records that the backend has printed."""
        return list(resources(Cluster(self.host, BACKEND).logs("o11y.opentelemetry/collector=backend")))

    def leaders(self) -> list[str]:
        """Return the agents that have got the lease, as their logs say."""
        cluster = Cluster(self.host, AGENTS)
        names = [pod["metadata"]["name"] for pod in cluster.pods(AGENT)]
        logs = {name: self.host.run(f"kubectl -n {AGENTS} logs {name}").stdout for name in names}
        return [name for name, log in logs.items() if "Successfully acquired lease" in log]
