"""On every node there is a copy that sees the whole cluster; one of them reports it, whichever is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, node_ips, wait_until

NAMESPACE = "elected"
INVENTORY = f"{PROJECT}/molecule/cluster_stack/elected.yaml"
REPORT = "k8s.node.condition_ready"


@pytest.fixture
def cluster(host: Host) -> Iterator[Cluster]:
    host.check_output(f"ansible-playbook o11y.opentelemetry.site -i {INVENTORY}")
    yield Cluster(host, NAMESPACE)
    host.check_output(f"ansible-playbook o11y.opentelemetry.remove -i {INVENTORY}")


def reports(cluster: Cluster) -> dict[str, int]:
    """Return how often each copy has reported; each report has a line for every node."""
    pods = [pod["metadata"]["name"] for pod in cluster.pods("o11y.opentelemetry/collector=everywhere")]
    logs = {name: cluster.host.run(f"kubectl -n {NAMESPACE} logs {name}").stdout for name in pods}
    return {name: log.count(REPORT) // len(node_ips()) for name, log in logs.items()}


def steady(cluster: Cluster) -> dict[str, int] | None:
    """Return the counts when some copy has reported so often that every other would have, too."""
    found = reports(cluster)
    return found if max(found.values(), default=0) >= 4 else None


def test_check_mode_says_in_words_which_rights_a_collector_would_gain(host: Host) -> None:
    shown = host.check_output(f"ansible-playbook --check o11y.opentelemetry.site -i {INVENTORY}")
    assert "elected.everywhere: + get, list, watch cronjobs.batch, daemonsets.apps" in shown
    assert "(all namespaces)" in shown


def test_one_copy_reports_and_when_it_is_gone_another_does(cluster: Cluster) -> None:
    counts = wait_until("reports", lambda: steady(cluster), 90)
    assert len(counts) == len(node_ips()) > 1
    (leader,) = [name for name, count in counts.items() if count]
    cluster.host.check_output(f"kubectl -n {NAMESPACE} delete pod {leader}")
    later = wait_until("reports of another", lambda: steady(cluster), 120)
    assert len([name for name, count in later.items() if count]) == 1
    assert leader not in later
