# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.file_globs import glob_matches
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _yaml

from tests.support.cases import cases

from .helpers import OTLP, of_kind, rendered, request

GATEWAY: dict[str, Any] = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
SIDECAR: dict[str, Any] = {**GATEWAY, "name": "beside", "mode": "sidecar", "backend": "operator"}
SCRAPER: dict[str, Any] = {"name": "scraper", "mode": "statefulset", "target_allocator": {"enabled": True}}
SCRAPER["recipes"] = ["prometheus_scrape", "debug_output"]


def planned(*collectors: dict[str, Any]) -> list[_render.JudgedCollector]:
    return _render.judge_request(request(*collectors))


def resource(*collectors: dict[str, Any], **defaults: Any) -> Any:
    return of_kind(rendered(*collectors, backend="operator", **defaults), "OpenTelemetryCollector")[0]


def test_later_stages_are_told_of_the_custom_resource() -> None:
    result = rendered(GATEWAY, backend="operator")
    assert result["workloads"] == [{"kind": "OpenTelemetryCollector", "namespace": "telemetry", "name": "gateway"}]
    assert (result["collectors"][0]["backend"], result["collectors"][0]["mode"]) == ("operator", "deployment")
    selector = "app.kubernetes.io/component=opentelemetry-collector,o11y.opentelemetry/collector=gateway"
    assert result["probes"][0]["via"]["selector"] == result["collectors"][0]["selector"] == selector


def test_a_sidecar_listens_where_its_pod_is_and_is_not_probed() -> None:
    result = rendered(SIDECAR)
    (made,) = of_kind(result, "OpenTelemetryCollector")
    assert made["spec"]["config"]["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] == "localhost:4317"
    assert made["spec"]["config"]["extensions"]["health_check"]["endpoint"] == "[${env:MY_POD_IP}]:13133"
    assert result["probes"] == []


def readers(**options: Any) -> list[dict[str, Any]]:
    """Return agents that read all logs, and the two gateways that their records pass, of which the last prints them."""
    to = {
        name: {"otlp_forward": {"endpoint": f"{name}.telemetry.svc:4317", "insecure": True}} for name in ("near", "far")
    }
    agent = {"name": "agent", "mode": "daemonset", "allow": ["root"], "recipes": [{"pod_logs": options}, to["near"]]}
    far = {**GATEWAY, "name": "far", "backend": "operator", "recipes": ["otlp_ingest", {"debug_output": DETAILED}]}
    return [
        agent,
        {"name": "near", "backend": "kubernetes", "mode": "statefulset", "recipes": ["otlp_ingest", to["far"]]},
        far,
    ]


PLAIN = "opentelemetry-collector"
DETAILED = {"verbosity": "detailed"}
ROTATED = ".20260101-000001"  # what the kubelet adds to the name of a file
OWN = {"include": ["/var/log/pods/*/*/*.log"], "exclude": ["/var/log/pods/shop_*/*/*.log"]}


def excluded(collectors: list[dict[str, Any]]) -> list[str]:
    found: list[str] = planned(*collectors)[0].composed_config.config["receivers"]["file_log"]["exclude"]
    return found


def test_agents_leave_out_the_logs_of_all_collectors_of_the_run_whoever_makes_them() -> None:
    logs = [item.collector.logs.example_paths[0] for item in planned(*readers())]
    assert [path.split("/")[-2] for path in logs] == [PLAIN, PLAIN, "otc-container"]
    for globs in (excluded(readers()), excluded(readers(**OWN))):
        assert all(any(glob_matches(glob, path + end) for glob in globs) for path in logs for end in ("", ROTATED))
    (own,) = excluded(readers(**OWN, include_collectors=True))
    assert own in excluded(readers(**OWN)) and own.startswith(OWN["exclude"][0])


@cases(
    "version, end, read",
    ("0.122.0", "", True),
    ("0.122.0", ROTATED, True),
    ("0.122.0", f"{ROTATED}.gz", False),
    ("0.122.0", f"{ROTATED}.tmp", False),
    ("0.121.0", "", True),
    # Its operator `container` rejects the name, with the line.
    ("0.121.0", ROTATED, False),
)
def test_the_file_that_was_rotated_last_is_read_where_the_version_takes_its_name(
    version: str, end: str, read: bool
) -> None:
    agent, *others = readers()
    (include,) = planned({**agent, "version": version}, *others)[0].composed_config.config["receivers"]["filelog"][
        "include"
    ]
    assert glob_matches(include, f"/var/log/pods/shop_cart_1/app/0.log{end}") is read


def test_two_globs_of_the_page_leave_out_collectors_of_other_inventories_too() -> None:
    page = (_render._role_files.ROLE.parents[1] / "docs" / "recipes.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^  - pod_logs: (\{exclude: .*)$", page, re.MULTILINE)
    globs = _yaml.parse_or_none(line)["exclude"]
    logs = [path for item in planned(*readers()) for path in item.collector.logs.example_paths[:1]]
    assert len(logs) == 3
    assert all(any(glob_matches(glob, path) for glob in globs) for path in logs)
    assert not any(glob_matches(glob, logs[0].replace(PLAIN, "app")) for glob in globs)


def loops(collectors: list[dict[str, Any]]) -> list[str]:
    return [str(found) for item in planned(*collectors) for found in item.findings if found.rule == "log-loop"]


def test_a_loop_over_other_collectors_is_an_error_and_one_of_a_line_for_each_batch_a_warning() -> None:
    assert loops(readers()) == []
    agent, near, far = readers(include_collectors=True)
    (found,) = loops([agent, near, far])
    assert "receivers.file_log: error [log-loop] 'file_log' reads the log of collector 'far', in which 'debug'" in found
    (found,) = loops([agent, near, {**far, "recipes": ["otlp_ingest", "debug_output"]}])
    assert "warning [log-loop]" in found


def test_a_gateway_behind_an_agent_finds_no_pods_by_their_connection() -> None:
    def found(agent: list[Any], gateway: list[Any], mode: str = "daemonset") -> list[str]:
        collectors = (
            {"name": "agent", "mode": mode, "recipes": [*agent, forward("gateway.telemetry.svc:4317")]},
            {"name": "gateway", "recipes": ["otlp_ingest", "debug_output", *gateway]},
        )
        findings = [str(one) for item in planned(*collectors) for one in item.findings if one.rule == "wrong-pod"]
        return [text.partition(":")[0] for text in findings]

    where = ["recipe 'kubernetes_attributes' processors.k8s_attributes"]
    assert found(["otlp_ingest"], ["kubernetes_attributes"]) == where
    assert found(["zipkin_ingest"], ["kubernetes_attributes"], "deployment") == where
    assert found(["otlp_ingest", "kubernetes_attributes"], ["kubernetes_attributes"]) == []
    assert found(["otlp_ingest"], []) == []
    # These name the pod of each record, so the gateway needs no connection.
    assert found(["kubelet_metrics"], ["kubernetes_attributes"]) == []


def test_the_logs_of_collectors_that_print_nothing_may_be_read() -> None:
    agent, near, far = readers(include_collectors=True)
    assert loops([agent, {**near, "recipes": ["otlp_ingest", forward("otlp.example.com:4317")]}, far]) == []


def forward(endpoint: str) -> dict[str, Any]:
    return {"otlp_forward": {"endpoint": endpoint}}


def test_one_request_may_have_both_backends_with_the_same_config() -> None:
    result = rendered({**GATEWAY, "backend": "operator"}, {**GATEWAY, "name": "plain"})
    assert [item["kind"] for item in result["workloads"]] == ["OpenTelemetryCollector", "Deployment"]
    assert len({item["config_hash"] for item in result["collectors"]}) == 1


def test_an_allocator_shares_out_under_the_operator_and_is_left_out_without() -> None:
    made = resource(SCRAPER)
    assert made["spec"]["targetAllocator"]["enabled"] is True
    assert made["spec"]["targetAllocator"]["resources"]["limits"] == {"memory": "256Mi"}
    assert [item["kind"] for item in rendered(SCRAPER)["workloads"]] == ["StatefulSet"]


def test_what_its_webhook_would_refuse_is_refused_before() -> None:
    window = {"scaleDown": {"stabilizationWindowSeconds": 9999}}
    scaler = {"min_replicas": 1, "max_replicas": 2, "behavior": window}
    with pytest.raises(Problem, match=r"stabilizationWindowSeconds: error \[resource-autoscaler\] 9999 is outside"):
        resource({**GATEWAY, "autoscaling": scaler})
    assert rendered({**GATEWAY, "autoscaling": scaler})["workloads"][0]["kind"] == "Deployment"


def test_an_allocator_without_its_receiver_and_a_malformed_config_are_refused() -> None:
    config = {**OTLP, "receivers": {**OTLP["receivers"], "prometheus/apps": {"config": {"scrape_configs": []}}}}
    with pytest.raises(Problem, match=r"\[target-allocator-receiver\].*Rename 'prometheus/apps'"):
        resource({**SCRAPER, "recipes": [], "config": config})
    with pytest.raises(Problem, match=r"receivers: error \[not-a-mapping\]"):
        resource({"name": "broken", "config": {**OTLP, "receivers": ["otlp"]}})


def test_every_error_is_reported_at_once_and_nothing_is_built() -> None:
    broken = {**OTLP, "receiver": {}, "service": {"pipelines": {"trace": OTLP["service"]["pipelines"]["traces"]}}}
    with pytest.raises(Problem) as refused:
        rendered({"name": "a", "config": broken})
    text = str(refused.value)
    assert "2 problems in 1 collector config, nothing was applied" in text
    assert "config receiver: error [unknown-section] unknown key 'receiver'; did you mean 'receivers'?" in text
    assert "config service.pipelines.trace: error [invalid-pipeline-key]" in text


def test_a_warning_stops_nothing() -> None:
    item = {"name": "a", "config": {**OTLP, "extensions": {"pprof": None}}}
    assert {finding.severity for finding in _render.judge_request(request(item))[0].findings} == {"warning", "info"}
    assert rendered(item)["manifests"]


def test_a_mistake_in_the_inventory_is_found_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "all.yml"
    file.write_text("config:\n  service:\n    pipelines:\n      traces:\n        exporters+: [nobody]\n")
    written = DataLoader().load_from_file(str(file))
    place = r"all\.yml:5:22 service\.pipelines\.traces\.exporters\[1\]: .*'nobody' is not conf"
    with pytest.raises(Problem, match=place):
        rendered({**GATEWAY, "config": written["config"]})


def test_a_mistake_in_a_file_is_found_in_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("exporters:\n  debug:\n  debug:\n")
    with pytest.raises(Problem, match=r"mine\.yml:3:3 exporters\.debug: error \[duplicate-key\]"):
        rendered({**GATEWAY, "config_files": [str(file)]})


def test_a_mistake_in_a_recipe_names_it() -> None:
    words = r"recipe 'otlp_ingest' service\.pipelines\.logs: error \[no-pipelines\].*no exporters"
    with pytest.raises(Problem, match=words):
        rendered({**GATEWAY, "recipes": ["otlp_ingest", {"debug_output": {"pipelines": "traces"}}]})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"moed": "daemonset"}, r"collector 'gateway' has no option 'moed'; did you mean 'mode'"),
        (
            {"resources": {}},
            r"collector 'gateway' has no option 'resources'; use memory_limit, memory_request, cpu_re",
        ),
        (
            {"image": {"repository": "a", "tag": "b"}},
            r"'image' of collector 'gateway' must be text, not a mapping",
        ),
        ({"env": [{"name": "A", "value": "b"}]}, r"'env' of collector 'gateway' must be a mapping, not a list"),
        ({"recipes": [{"otlp_forward": {"endpoint": ["a"]}}]}, r"'endpoint' of recipe 'otlp_forward' must be text"),
        ({"mode": "sidecat"}, r"collector 'gateway': value of mode must be one of: daemonset, deployment, sidecar, "),
        ({"mode": "sidecar"}, r"collector 'gateway' has mode sidecar.*Set `backend: operator`"),
        (
            {"recipes": ["otlp_ingst"]},
            r"collector 'gateway': there is no recipe 'otlp_ingst'; did you mean 'otlp",
        ),
        ({"recipes": ["pod_logs"]}, r"recipe 'pod_logs' does not work in mode deployment"),
        ({"recipes": ["otlp_forward"]}, r"recipe 'otlp_forward': missing required arguments: endpoint"),
        ({"recipes": [{"otlp_forward": {"endpont": "x"}}]}, r"recipe 'otlp_forward' has no option 'endpont'"),
        ({"platform": "gce"}, r"collector 'gateway': there is no platform 'gce'"),
        ({"name": "Gateway"}, r"'Gateway' is not a valid name"),
        ({"memory_limit": "1Mi"}, r"collector 'gateway': `memory_limit`: memory limit '1Mi' is too small"),
        ({"config_files": ["none.yml"]}, r"collector 'gateway': cannot read none\.yml"),
        ({"env": {"A": {"value": "b"}}}, r"collector 'gateway': environment variable A has a source"),
        ({"config": {"exporters": {"x": "${env:KEY}"}}}, r"variable KEY is read here, but not set"),
        (
            {"version": 0.160},
            r"option 'version' of collector 'gateway' must be text, and YAML reads it as the number 0\.16",
        ),
        ({"version": "latest"}, r"'latest' is not a version"),
        ({"version": "v0.158.0"}, r"'v0\.158\.0' is not a version of distribution contrib. .* like '0\."),
        (
            {"version": "0.49.0", "distribution": "adot"},
            r"'0\.49\.0' is not a version of distribution adot. .* like 'v0\.",
        ),
        ({"labels": {"team": None}}, r"labels\.team.* must be text, not null"),
        ({"pod_annotations": {"a": ["b"]}}, r"pod_annotations\.a.* must be text, not a list"),
    ],
)
def test_what_is_asked_for_wrongly_is_explained(options: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        rendered({**GATEWAY, **options})
