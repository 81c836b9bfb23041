# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recipes for a whole cluster promise: each thing once, no password in sight, addresses that answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.recipe_options import RECIPE_OPTIONS

from .role import RECIPES, required

ONCE = ("cluster_metrics", "cluster_events", "cluster_objects")
ALONE = [{"mode": "deployment"}, {"mode": "statefulset"}, {"mode": "deployment", "autoscaling": {"min": 1, "max": 1}}]
TOGETHER = [
    {"mode": "daemonset"},
    {"mode": "deployment", "replicas": 2},
    {"mode": "statefulset", "replicas": 3},
    {"mode": "deployment", "autoscaling": {"min": 1, "max": 2}},
]


def planned(*recipes: Any, **options: Any) -> _render.JudgedCollector:
    """Return a collector that uses these recipes beside a receiver and an exporter of everything."""
    scaling = options.pop("autoscaling", None)
    if scaling:
        options["autoscaling"] = {"min_replicas": scaling["min"], "max_replicas": scaling["max"]}
    item = {"name": "one", "recipes": ["otlp_ingest", "debug_output", *recipes], **options}
    return _render.judge_request(_render.RenderRequest([item], {"namespace": "a"}))[0]


def config(*recipes: Any, **options: Any) -> Any:
    return planned(*recipes, **options).composed_config.config


@pytest.mark.parametrize("options", TOGETHER, ids=str)
@pytest.mark.parametrize("name", ONCE)
def test_of_several_copies_one_is_elected_and_may_be(name: str, options: dict[str, Any]) -> None:
    plan = planned(name, **options)
    made = plan.composed_config.config
    receiver = next(value for key, value in made["receivers"].items() if key.startswith("k8s_"))
    assert receiver["k8s_leader_elector"] == "k8s_leader_elector"
    assert "k8s_leader_elector" in made["service"]["extensions"]
    assert made["extensions"]["k8s_leader_elector"]["lease_name"] == "one"
    assert "singleton" not in {finding.rule for finding in plan.findings}
    roles = [item for item in _render.build_bundle([plan])["manifests"] if item["kind"] in ("ClusterRole", "Role")]
    electing = [role for role in roles for rule in role["rules"] if "leases" in rule.get("resources", [])]
    namespaces = [role["metadata"].get("namespace") for role in electing]
    assert namespaces == [made["extensions"]["k8s_leader_elector"]["lease_namespace"]]


@pytest.mark.parametrize("options", ALONE, ids=str)
@pytest.mark.parametrize("name", ONCE)
def test_who_is_alone_is_not_elected(name: str, options: dict[str, Any]) -> None:
    assert "leader" not in str(config(name, **options))


def test_all_of_them_share_one_election() -> None:
    made = config(*ONCE, mode="daemonset")
    assert made["service"]["extensions"].count("k8s_leader_elector") == 1


@pytest.mark.parametrize(
    ("recipes", "measured"),
    [
        (["host_metrics"], {"cpu", "disk", "filesystem", "load", "memory", "network"}),
        (["host_metrics", "kubelet_metrics"], {"disk", "filesystem", "load", "network"}),
        (["kubelet_metrics", {"host_metrics": None}], {"disk", "filesystem", "load", "network"}),
        (
            ["host_metrics", {"kubelet_metrics": {"metric_groups": ["pod"]}}],
            {"cpu", "disk", "filesystem", "load", "memory", "network"},
        ),
        ([{"host_metrics": {"scrapers": ["cpu", "load"]}}, "kubelet_metrics"], {"cpu", "load"}),
    ],
)
def test_what_the_kubelet_measures_of_a_node_the_host_does_not_unless_it_is_asked(
    recipes: list[Any], measured: set[str]
) -> None:
    plan = planned(*recipes, mode="daemonset", host_ports=False)
    assert set(plan.composed_config.config["receivers"]["host_metrics"]["scrapers"]) == measured
    told = [finding.path for finding in plan.findings if finding.rule == "node-measured-twice"]
    twice = "cpu" in measured and "kubelet_metrics" in recipes
    assert told == (["receivers.host_metrics.scrapers.cpu"] if twice else [])


def test_pipelines_of_their_own_keep_them_apart() -> None:
    made = config(
        {"cluster_events": {"pipeline": "logs/events"}},
        {"cluster_objects": {"pipeline": "logs/objects"}},
        {"loki_export": {"endpoint": "http://loki:3100", "pipelines": "logs/events"}},
        {"elasticsearch_export": {"endpoints": ["http://elasticsearch:9200"], "pipelines": "logs/objects"}},
    )
    pipelines = made["service"]["pipelines"]
    assert pipelines["logs/events"]["exporters"] == ["debug", "otlp_http/loki"]
    assert pipelines["logs/objects"]["exporters"] == ["debug", "elasticsearch/default"]
    assert pipelines["logs"]["exporters"] == ["debug"]


URL, HTTP = "http://it:80", {"protocol": "http", "name": "it"}
PROMETHEUS = f"{URL}/api/v1/otlp/v1/metrics"


@pytest.mark.parametrize(
    ("name", "options", "key", "given", "url"),
    [
        *(
            ("loki_export", {}, "endpoint", f"{URL}{path}", f"{URL}/otlp")
            for path in ("", "/otlp", "/otlp/v1/logs", "/loki/api/v1/push")
        ),
        ("loki_export", {}, "endpoint", f"{URL}/team/loki/api/v1/push", f"{URL}/team/otlp"),
        *(
            ("prometheus_otlp_export", {}, "metrics_endpoint", f"{URL}{path}", PROMETHEUS)
            for path in ("", "/api/v1/otlp", "/api/v1/otlp/v1/metrics", "/api/v1/write")
        ),
        ("prometheus_otlp_export", {}, "metrics_endpoint", f"{URL}/otlp", f"{URL}/otlp/v1/metrics"),
        ("prometheus_otlp_export", {}, "metrics_endpoint", f"{URL}/otlp/v1/metrics", f"{URL}/otlp/v1/metrics"),
        *(
            ("otlp_forward", HTTP, "endpoint", f"{URL}/otlp{path}", f"{URL}/otlp")
            for path in ("", "/v1/traces", "/v1/metrics", "/v1/logs")
        ),
    ],
)
def test_a_url_may_be_the_one_that_the_page_of_a_backend_gives(
    name: str, options: dict[str, Any], key: str, given: str, url: str
) -> None:
    for end in ("", "/"):
        exporters = config({name: {"endpoint": given + end, **options}})["exporters"]
        found = [value[key] for kind, value in exporters.items() if kind.startswith("otlp_http")]
        assert found == [
            url + end if name == "otlp_forward" and given == url else url
        ]  # what has no known end stays as it is


def test_a_tenant_of_loki_is_a_header_beside_those_that_are_given() -> None:
    headers = {"Authorization": "Bearer ${env:LOKI_TOKEN}"}
    options = {"endpoint": "http://loki", "tenant": "a", "headers": headers}
    made = config({"loki_export": options}, env={"LOKI_TOKEN": {"secret": "loki", "key": "it"}})
    assert made["exporters"]["otlp_http/loki"]["headers"] == {"X-Scope-OrgID": "a", **headers}


LOGIN = {"endpoints": ["http://elasticsearch:9200"], "login": "basic"}
VARIABLES = {f"ELASTICSEARCH_{what.upper()}": {"secret": "elasticsearch", "key": what} for what in ("user", "password")}


def test_a_password_comes_from_the_environment_and_without_it_the_run_is_refused() -> None:
    plan = planned({"elasticsearch_export": LOGIN}, env=VARIABLES)
    assert [finding for finding in plan.findings if finding.severity == "error"] == []
    assert (
        plan.composed_config.config["exporters"]["elasticsearch/default"]["password"] == "${env:ELASTICSEARCH_PASSWORD}"
    )
    without = planned({"elasticsearch_export": LOGIN}).findings
    assert "ELASTICSEARCH_PASSWORD" in " ".join(finding.message for finding in without if finding.severity == "error")


HTTP_EXPORTERS = ("elasticsearch_export", "loki_export", "prometheus_otlp_export", "prometheus_remote_write")


@pytest.mark.parametrize("name", HTTP_EXPORTERS)
def test_an_http_exporter_has_a_client_certificate_that_is_read_again(name: str) -> None:
    made = config({name: {**RECIPE_OPTIONS[name], "ca_secret": "backend", "client_tls_secret": "agent"}})
    (exporter,) = (value for kind, value in made["exporters"].items() if "/" in kind)
    assert exporter["tls"] == {
        "ca_file": "/etc/otelcol/secrets/backend/ca.crt",
        "cert_file": "/etc/otelcol/secrets/agent/tls.crt",
        "key_file": "/etc/otelcol/secrets/agent/tls.key",
        "reload_interval": "1m",
    }


SENDING = {
    **{name: RECIPE_OPTIONS[name] for name, recipe in RECIPES.items() if "insecure" in recipe.get("options", {})},
    "tenant_routing": RECIPE_OPTIONS["tenant_routing"]["destinations"][0],
}


@pytest.mark.parametrize("secret", ["ca_secret", "client_tls_secret"])
@pytest.mark.parametrize("name", SENDING)
def test_who_gives_certificates_does_not_send_in_clear_text(name: str, secret: str) -> None:
    options = {**SENDING[name], "insecure": True, secret: "backend"}
    if name == "tenant_routing":
        options = {"destinations": [options], "default": "drop"}
    with pytest.raises(Problem, match=f"{secret}' of recipe '{name}' has no effect without `insecure: false`"):
        config({name: options})


@pytest.mark.parametrize("name", HTTP_EXPORTERS[1:])
def test_a_basic_login_is_an_extension_with_variables(name: str) -> None:
    who = "LOKI" if name == "loki_export" else "PROMETHEUS"
    variables = {f"{who}_{key.upper()}": {"secret": "backend", "key": key} for key in ("user", "password")}
    plan = planned({name: {**RECIPE_OPTIONS[name], "login": "basic"}}, env=variables)
    assert [finding for finding in plan.findings if finding.severity == "error"] == []
    made = plan.composed_config.config
    (login,) = (key for key in made["extensions"] if key.startswith("basicauth/"))
    user, password = f"${{env:{who}_USER}}", f"${{env:{who}_PASSWORD}}"
    assert made["extensions"][login] == {"client_auth": {"username": user, "password": password}}
    assert login in made["service"]["extensions"]
    assert {"authenticator": login} in [value.get("auth") for value in made["exporters"].values()]


def test_an_index_with_dates_is_as_logstash_makes_it() -> None:
    options = {"endpoints": ["http://it:9200"], "index": "app", "date_suffix": True, "mapping": "none"}
    made = config({"elasticsearch_export": options})["exporters"]["elasticsearch/default"]
    assert (made["logs_index"], made["logstash_format"], made["mapping"]) == (
        "app",
        {"enabled": True},
        {"allowed_modes": ["none"]},
    )


@pytest.mark.parametrize(
    ("address", "port", "component", "target"),
    [
        ("10.0.0.1:13133", "8888", "", "10.0.0.1:8888"),
        ("10.0.0.1", "8888", "", "10.0.0.1:8888"),
        ("[fd00::1]:13133", "8888", "", "[fd00::1]:8888"),
        ("[fd00::1]", "8888", "", "[fd00::1]:8888"),
        ("10.0.0.1:13133", "", "", "10.0.0.1:13133"),
        ("10.0.0.1:13133", "metrics", "", "10.0.0.1:13133"),
        ("10.0.0.1:8443", "8888", "opentelemetry-targetallocator", "10.0.0.1:8080"),
        ("[fd00::1]:8443", "8888", "opentelemetry-targetallocator", "[fd00::1]:8080"),
    ],
)
def test_the_port_of_an_annotation_takes_the_place_of_the_declared_one(
    address: str, port: str, component: str, target: str
) -> None:
    labels = {
        "__address__": address,
        "__meta_kubernetes_pod_annotation_prometheus_io_port": port,
        "__meta_kubernetes_pod_label_app_kubernetes_io_component": component,
    }
    job = config("prometheus_scrape")["receivers"]["prometheus"]["config"]["scrape_configs"][0]
    for step in job["relabel_configs"]:
        if step.get("target_label") == "__address__":
            # Prometheus joins with semicolons, anchors the expression, and keeps what does not match.
            match = re.fullmatch(step["regex"], ";".join(labels[name] for name in step["source_labels"]))
            if match:
                labels["__address__"] = match.expand(step["replacement"].replace("$$", "\\"))
    assert labels["__address__"] == target


def test_agents_scrape_the_pods_of_their_own_node() -> None:
    jobs = {
        mode: config("prometheus_scrape", mode=mode)["receivers"]["prometheus"]["config"]["scrape_configs"]
        for mode in ("daemonset", "statefulset")
    }
    assert jobs["daemonset"][0]["kubernetes_sd_configs"][0]["selectors"][0]["field"].startswith("spec.nodeName=")
    assert "selectors" not in jobs["statefulset"][0]["kubernetes_sd_configs"][0]


def test_targets_of_the_node_need_an_agent_without_an_allocator() -> None:
    scrape = {"prometheus_scrape": {"targets": "node"}}
    (plan,) = _render.judge_request(
        _render.RenderRequest([{"name": "a", "mode": "daemonset", "recipes": [scrape, "debug_output"]}], {})
    )
    (pod,) = [item for item in _render.build_bundle([plan])["manifests"] if item["kind"] == "DaemonSet"]
    variables = pod["spec"]["template"]["spec"]["containers"][0]["env"]
    node = {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}
    assert {"name": "K8S_NODE_NAME", "valueFrom": node} in variables
    with pytest.raises(_render.Problem, match=r"on every node, and its mode is deployment\. Set `mode: daemonset`"):
        config(scrape)
    allocated = {"backend": "operator", "mode": "daemonset", "target_allocator": {"enabled": True}}
    with pytest.raises(_render.Problem, match="`targets: node` and a target allocator exclude each other"):
        config(scrape, **allocated)


AGENT = {"name": "agent", "mode": "daemonset", "recipes": ["prometheus_scrape", "debug_output"]}
ALLOCATED = {"backend": "operator", "mode": "statefulset", "replicas": 2, "target_allocator": {"enabled": True}}


@pytest.mark.parametrize(
    ("other", "twice"),
    [
        (ALLOCATED, True),
        ({"mode": "daemonset"}, True),
        ({"mode": "daemonset", "node_selector": {"pool": "gpu"}}, True),
        ({"recipes": ["otlp_ingest", "debug_output"]}, False),
        ({"recipes": [{"prometheus_scrape": {"annotation_prefixes": ["acme.io"]}}, "debug_output"]}, False),
    ],
    ids=str,
)
def test_targets_that_two_collectors_scrape_are_told_of_both(other: dict[str, Any], twice: bool) -> None:
    beside = {**AGENT, **other, "name": "beside"}
    plans = _render.judge_request(_render.RenderRequest([AGENT, beside], {"namespace": "a"}))
    told = [[finding.message for finding in plan.findings if finding.rule == "scraped-twice"] for plan in plans]
    says = "job 'annotated-pods' and collector '%s' scrape the same annotated targets"
    assert told == ([[says % "beside"], [says % "agent"]] if twice else [[], []])


def test_agents_of_different_nodes_share_the_targets() -> None:
    pools = [{**AGENT, "name": name, "node_selector": {"pool": name}} for name in ("arm", "amd")]
    plans = _render.judge_request(_render.RenderRequest(pools, {"namespace": "a"}))
    assert "scraped-twice" not in {finding.rule for plan in plans for finding in plan.findings}


def test_jobs_of_ones_own_come_first_and_can_be_all() -> None:
    own = {"job_name": "own", "static_configs": [{"targets": ["it:9090"]}]}
    for annotated in (True, False):
        made = config({"prometheus_scrape": {"scrape_configs": [own], "annotated_pods": annotated}})
        jobs = made["receivers"]["prometheus"]["config"]["scrape_configs"]
        assert [job["job_name"] for job in jobs] == ["own", "annotated-pods"][: 1 + annotated]


@pytest.mark.parametrize("name", [name for name in RECIPES if name.endswith("_export")])
def test_exporters_of_a_kind_can_be_told_apart(name: str) -> None:
    if "name" in RECIPES[name]["options"]:
        options = {**required(RECIPES[name]["options"]), "name": "other", "pipelines": "*"}
        assert any(key.endswith("/other") for key in config({name: options})["exporters"])


@pytest.mark.parametrize("insecure, scheme", [(False, "https"), (True, "http")])
@pytest.mark.parametrize("written", ["watch:4317", "{scheme}://watch:4317"])
def test_own_telemetry_over_grpc_has_one_scheme(written: str, insecure: bool, scheme: str) -> None:
    made = config({"own_telemetry": {"endpoint": written.format(scheme=scheme), "insecure": insecure}})
    telemetry = made["service"]["telemetry"]
    exporters = [telemetry[signal]["processors"][0]["batch"]["exporter"]["otlp"] for signal in ("logs", "traces")]
    assert [exporter["endpoint"] for exporter in exporters] == [f"{scheme}://watch:4317"] * 2
