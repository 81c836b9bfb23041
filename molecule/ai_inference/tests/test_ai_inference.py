"""GPUs and calls of models of two nodes, as the backend has them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import wait_until
from tests.support.observed import SHOP_NAMESPACE, ObservedCluster
from tests.support.printed import Resource

PATIENCE = 90
SECRET = "the user lives at Elm Street"
CLIENT, OK, ERROR = 3, 1, 2


@pytest.fixture
def observed(host: Host) -> ObservedCluster:
    return ObservedCluster(host)


def nodes(host: Host) -> list[str]:
    return sorted(host.check_output("kubectl get nodes -o name").replace("node/", "").split())


def attribute(key: str, value: Any) -> dict[str, Any]:
    kind = "intValue" if isinstance(value, int) else "stringValue"
    return {"key": key, "value": {kind: str(value)}}


def call(trace: str, model: str, tokens: int, status: int = OK) -> dict[str, Any]:
    """Return a span of a call of a model, as an SDK sends it in JSON, with what the user has said."""
    given = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": 0,
        "gen_ai.input.messages": SECRET,
    }
    return {
        "traceId": trace,
        "spanId": uuid.uuid4().hex[:16],
        "name": f"chat {model}",
        "kind": CLIENT,
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000001000000000",
        "attributes": [attribute(key, value) for key, value in given.items()],
        "status": {"code": status},
    }


def send(host: Host, node: str, spans: list[dict[str, Any]]) -> None:
    """Let the pod of a node send spans to the agent of its node, as an application that knows the uid of its pod."""
    uid = host.check_output(f"kubectl -n {SHOP_NAMESPACE} get pod llama-{node} -o jsonpath={{.metadata.uid}}")
    resource = {"attributes": [attribute("service.name", "assistant"), attribute("k8s.pod.uid", uid)]}
    body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]})
    address = host.check_output(f"kubectl get node {node} -o jsonpath='{{.status.addresses[0].address}}'")
    post = (
        f"wget -q -O - --header 'Content-Type: application/json' --post-data '{body}' http://{address}:4318/v1/traces"
    )
    host.check_output("kubectl -n %s exec %s -- sh -c %s", SHOP_NAMESPACE, f"llama-{node}", post)


def of_trace(observed: ObservedCluster, trace: str) -> list[Resource]:
    return [one for one in observed.read_printed_logs() if any(found == trace for found, _name in one.list_spans())]


def test_gpus_of_both_nodes_have_the_pods_that_use_them(observed: ObservedCluster) -> None:
    names = nodes(observed.host)
    power = 'DCGM_FI_DEV_POWER_USAGE{k8s_cluster_name="example"}'
    rows = wait_until(
        "four GPUs", lambda: len(found := observed.query_series(power)) == 2 * len(names) and found, PATIENCE
    )
    used = {row["k8s_pod_name"]: row for row in rows if "k8s_pod_name" in row}
    assert set(used) == {f"llama-{name}" for name in names}
    for name in names:
        row = used[f"llama-{name}"]
        assert (row["k8s_node_name"], row["k8s_namespace_name"], row["team"]) == (name, SHOP_NAMESPACE, "search")
        assert (row["inference_role"], row["k8s_container_name"]) == ("decode", f"llama-{name}")
    unused = [row for row in rows if "k8s_pod_name" not in row]
    assert {(row["team"], row.get("k8s_namespace_name"), row["GPU_I_PROFILE"]) for row in unused} == {
        ("unallocated", None, "3g.40gb")
    }


def test_what_is_not_kept_does_not_arrive_and_the_exporter_is_watched(observed: ObservedCluster) -> None:
    rows = wait_until(
        "the exporters", lambda: len(found := observed.query_series('up{job="gpu"}')) == 2 and found, PATIENCE
    )
    assert {row["team"] for row in rows} == {"platform"}
    assert observed.query_series("DCGM_FI_DEV_ENC_UTIL") == []


def test_calls_have_a_cost_by_team_and_nothing_of_what_users_say(observed: ObservedCluster) -> None:
    for node in nodes(observed.host):
        dear, failed = uuid.uuid4().hex, uuid.uuid4().hex
        # 40,000 tokens of 2.5 for a million cost 0.1, which is expensive.
        send(observed.host, node, [call(dear, "gpt-4o", 40_000), call(failed, "secret-model", 7, ERROR)])
        send(observed.host, node, [call(uuid.uuid4().hex, "secret-model", 7)])
        for trace in (dear, failed):
            (found,) = wait_until("a sampled trace", lambda trace=trace: of_trace(observed, trace), PATIENCE)
            assert found.attributes["team"] == "search"
            assert found.attributes["k8s.pod.name"] == f"llama-{node}"
            assert SECRET not in found.records
    cost = 'sum by (team) ({__name__=~"traces_gen_ai_cost(_.*)?",k8s_cluster_name="example"})'
    wait_until(
        "the cost of two calls",
        lambda: observed.query_values("team", f"round({cost}, 0.01)") == {"search": [0.2]},
        PATIENCE,
    )
    unpriced = 'sum by (team) ({__name__=~"traces_gen_ai_unpriced(_.*)?",gen_ai_request_model="secret-model"})'
    wait_until("calls without a price", lambda: observed.query_values("team", unpriced) == {"search": [2.0]}, PATIENCE)
