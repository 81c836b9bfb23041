# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import collector_container
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics_address import find_metrics_address
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _judged_collectors, _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _tables, _yaml

from tests.support.cases import cases

from .helpers import OTLP, of_kind, rendered, request

GATEWAY = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
AGENT = {"name": "agent", "mode": "daemonset", "recipes": ["otlp_ingest", "debug_output"]}


CONTRIB = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib"


def config_of(*collectors: dict[str, Any], **defaults: Any) -> Any:
    return _yaml.load(rendered(*collectors, **defaults)["collectors"][0]["config"], "config").data


def hash_of(config: dict[str, Any]) -> str:
    """Return the hash of a config; of a build that nobody knows, so that any setting will do."""
    item = {"name": "a", "image": "registry.example/collector:1", "config": config}
    return str(rendered(item)["collectors"][0]["config_hash"])


def test_a_bundle_tells_later_stages_what_they_need() -> None:
    result = rendered(GATEWAY, AGENT)
    assert result["prune_selector"] == (
        "o11y.opentelemetry/release in (telemetry.agent,telemetry.gateway),"
        "app.kubernetes.io/managed-by=o11y.opentelemetry,o11y.opentelemetry/collector"
    )
    assert result["workloads"] == [
        {"kind": "Deployment", "namespace": "telemetry", "name": "gateway"},
        {"kind": "DaemonSet", "namespace": "telemetry", "name": "agent"},
    ]
    one = result["collectors"][0]
    assert (one["kind"], one["mode"], one["iam_actions"]) == ("Deployment", "deployment", [])
    assert one["selector"] == "app.kubernetes.io/component=opentelemetry-collector,o11y.opentelemetry/collector=gateway"
    ports = {"otlp": 4317, "otlp-http": 4318}
    assert one["ports"] == [{"name": name, "port": port, "protocol": "TCP"} for name, port in ports.items()]
    assert len(of_kind(result, "Namespace")) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_an_account_belongs_to_the_collector_of_its_name_or_to_the_first_that_uses_it(order: int) -> None:
    accounts = {"b": "shared", "c": "shared", "gateway": None, "a": "gateway"}
    items = [{**GATEWAY, "name": name, "service_account_name": account} for name, account in accounts.items()]
    result = rendered(*items[::order])
    made = (item["metadata"] for item in of_kind(result, "ServiceAccount"))
    owners = {metadata["name"]: metadata["labels"]["o11y.opentelemetry/release"] for metadata in made}
    assert owners == {"shared": "telemetry.b", "gateway": "telemetry.gateway"}
    assert result["existing_accounts"] == ["telemetry/shared"]


@pytest.mark.parametrize("own", [None, {}])
def test_null_and_nothing_hide_the_common_config_as_they_hide_options(own: Any) -> None:
    common = {"recipes": GATEWAY["recipes"], "config": {"extensions": {"zpages": None}}}
    (hidden, inherited) = _render.judge_request(request({"name": "a", "config": own}, {"name": "b"}, **common))
    assert len(inherited.composed_config.layers) == len(hidden.composed_config.layers) + 1


def test_the_hash_of_the_config_is_on_the_pods() -> None:
    result = rendered(GATEWAY)
    (workload,) = of_kind(result, "Deployment")
    annotations = workload["spec"]["template"]["metadata"]["annotations"]
    assert annotations["checksum/config"] == result["collectors"][0]["config_hash"]
    assert of_kind(result, "ConfigMap")[0]["data"]["config"] == result["collectors"][0]["config"]


def test_a_collectors_own_options_win_and_null_means_the_default() -> None:
    result = rendered({**GATEWAY, "replicas": 3}, {**GATEWAY, "name": "b", "replicas": None}, replicas=2)
    assert [item["spec"]["replicas"] for item in of_kind(result, "Deployment")] == [3, 1]
    assert rendered({**GATEWAY, "name": "b", "adopt": True}, GATEWAY)["adopt"] == ["telemetry.b"]
    assert rendered(name="alone", recipes=GATEWAY["recipes"])["workloads"][0]["name"] == "alone"


def test_the_baseline_is_part_of_every_list_of_recipes() -> None:
    config = config_of(GATEWAY)
    assert config["service"]["extensions"] == ["health_check"]
    assert config["service"]["pipelines"]["traces"]["processors"] == ["memory_limiter"]
    assert config["processors"] == {
        "memory_limiter": {"check_interval": "1s", "limit_mib": 409, "spike_limit_mib": 128}
    }
    assert config_of({"name": "a", "config": OTLP}) == OTLP


FORWARD = [{"otlp_ingest": {"signals": ["traces"]}}, {"otlp_forward": {"endpoint": "a:4317"}}]


def batches(*recipes: Any, **options: Any) -> tuple[Any, Any, list[str]]:
    """Return the batches of the exporter, those of the processor, and the processors of the pipeline."""
    config = config_of({"name": "a", "recipes": [*FORWARD, *recipes], **options})
    (exporter,) = config["exporters"].values()
    processors = config["service"]["pipelines"]["traces"]["processors"]
    return exporter["sending_queue"].get("batch"), config["processors"].get("batch"), processors


# What a receiver over gRPC takes unless it says otherwise. Source: server.go of gRPC for Go.
GRPC_BYTES = 4 * 2**20
MADE = {"sizer": "bytes", "min_size": 2**20, "max_size": 7 * 2**19, "flush_timeout": "1s"}
SPLIT = {**MADE, "min_size": 0}


def test_the_baseline_leaves_batches_to_the_exporters() -> None:
    assert batches() == (MADE, None, ["memory_limiter"])
    assert MADE["max_size"] < GRPC_BYTES
    sized = {"sizer": "items", "min_size": 7, "flush_timeout": "5s"}
    assert batches({"baseline": {"batch_size": 7, "batch_timeout": "5s"}}) == (sized, None, ["memory_limiter"])
    own = {"processors": {"batch": {"timeout": "5s", "send_batch_size": 7}}}
    assert batches(config=own) == (sized, None, ["memory_limiter"])


def test_the_baseline_keeps_the_processor_where_it_is_wanted_or_alone_can_make_batches() -> None:
    """An exporter that can splits what is too large; where none can, a batch of the processor has fewer records."""
    both, fewer = ["memory_limiter", "batch"], {"send_batch_size": 512, "send_batch_max_size": 512, "timeout": "1s"}
    usual = {"send_batch_size": 8192, "timeout": "1s"}
    assert batches({"baseline": {"batching": "processor"}}) == (SPLIT, usual, both)
    assert batches(version="0.129.0") == (None, fewer, both)
    exporters = {"exporters": {"otlp_grpc/second": {"endpoint": "b:4317", "sending_queue": {}}}}
    pipelines = {"service": {"pipelines": {"traces": {"exporters+": ["otlp_grpc/second"]}}}}
    config = config_of({"name": "a", "recipes": FORWARD, "config": {**exporters, **pipelines}})
    assert config["service"]["pipelines"]["traces"]["processors"] == ["memory_limiter", "batch"]


def test_batches_of_the_user_are_not_touched() -> None:
    own = {"processors": {"batch/own": None}, "service": {"pipelines": {"traces": {"processors": ["batch/own"]}}}}
    config = config_of({"name": "a", "recipes": FORWARD, "config": own})
    assert config["service"]["pipelines"]["traces"]["processors"] == ["batch/own"]


def test_config_of_the_user_is_merged_last_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_text("exporters: {debug: {verbosity: basic, sampling_initial: 1}}")
    (tmp_path / "two.yml").write_text("exporters: {debug: {sampling_initial: 2}}")
    files = [str(tmp_path / "one.yml"), str(tmp_path / "two.yml")]
    own = {"exporters": {"debug": {"sampling_thereafter": 3}}}
    config = config_of({**GATEWAY, "config_files": files, "config": own})
    merged = {"verbosity": "basic", "sampling_initial": 2, "sampling_thereafter": 3}
    assert config["exporters"]["debug"] == {"use_internal_logger": False, **merged}


@pytest.mark.parametrize("text", ["", "- a", "5"])
def test_a_file_that_holds_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(Problem, match=r"a\.yml holds no mapping\. A collector config has sections"):
        rendered({**GATEWAY, "config_files": [str(tmp_path / "a.yml")]})


@cases(
    "one, two, same",
    ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}, True),
    ({"a": [1, 2]}, {"a": [2, 1]}, False),
    ({"a": "1"}, {"a": 1}, False),
    ({"a": None}, {}, False),
    ({"a": {1: "x", "y": None, None: 2}}, {"a": {None: 2, "y": None, 1: "x"}}, True),
    ({"a": {1: "x"}}, {"a": {"1": "x"}}, False),
    ({"a": True}, {"a": 1}, False),
)
def test_configs_that_mean_the_same_have_the_same_hash(one: Any, two: Any, same: bool) -> None:
    hashes = [hash_of({**OTLP, "exporters": {"debug": settings}}) for settings in (one, two)]
    assert (hashes[0] == hashes[1]) is same
    assert len(hashes[0]) == 64


@pytest.mark.parametrize("option", ["labels", "annotations", "pod_labels", "pod_annotations", "node_selector"])
def test_metadata_is_text_whatever_was_written(option: str) -> None:
    text = _yaml.dump(*rendered({**GATEWAY, option: {"port": 8888, "on": True}})["manifests"])
    assert "port: '8888'" in text
    assert "'on': 'true'" in text


OLD = "otel/opentelemetry-collector-contrib:0.93.0"


@cases(
    "options, image, label",
    ({}, f"{CONTRIB}:{{}}", "{}"),
    ({"version": "0.1.2"}, f"{CONTRIB}:0.1.2", "0.1.2"),
    (
        {"distribution": "adot", "version": "v9.0.0"},
        "public.ecr.aws/aws-observability/aws-otel-collector:v9.0.0",
        "v9.0.0",
    ),
    ({"image": "mine:1", "image_registry": "mirror/", "version": "5"}, "mirror/mine:1", "5"),
    ({"image": "mine:1"}, "mine:1", "{}"),
    ({"image": OLD}, OLD, "0.93.0"),
    ({"image": OLD, "version": "0.94.0"}, OLD, "0.94.0"),
    ({"image": "x/aws-otel-collector:v0.40.0"}, "x/aws-otel-collector:v0.40.0", "0.115.0"),
)
def test_distribution_and_version_make_the_image(options: dict[str, str], image: str, label: str) -> None:
    (workload,) = of_kind(rendered({**GATEWAY, **options}), "Deployment")
    tested = _tables.catalogue("distributions")["contrib"]["version"]
    assert workload["spec"]["template"]["spec"]["containers"][0]["image"] == image.format(tested)
    assert workload["metadata"]["labels"]["app.kubernetes.io/version"] == label.format(tested)


@cases(
    "distribution, version, exporter",
    ("contrib", "", "otlp_grpc/gateway"),
    ("contrib", "0.143.0", "otlp/gateway"),
    ("contrib", "0.144.0", "otlp_grpc/gateway"),
    ("redhat", "0.135.0", "otlp/gateway"),
    ("adot", "v0.49.0", "otlp_grpc/gateway"),
)
def test_recipes_use_the_names_that_the_version_knows(distribution: str, version: str, exporter: str) -> None:
    recipes = ["otlp_ingest", {"otlp_forward": {"endpoint": "x:1"}}]
    config = config_of({"name": "a", "recipes": recipes, "distribution": distribution, "version": version})
    assert list(config["exporters"]) == [exporter]
    assert config["service"]["pipelines"]["traces"]["exporters"] == [exporter]


@cases(
    "options, key",
    ({}, "readers"),
    ({"version": "0.111.0"}, "readers"),
    # Before 0.111 the Collector also listens at its default address, and so ends if readers have the same port.
    ({"version": "0.110.0"}, "address"),
    ({"image": OLD}, "address"),
    ({"distribution": "adot", "version": "v0.40.0"}, "readers"),
)
def test_own_metrics_are_served_as_the_version_takes_it(options: dict[str, str], key: str) -> None:
    given = {"name": "a", "recipes": ["otlp_ingest", "debug_output"], **options}
    metrics = config_of(given)["service"]["telemetry"]["metrics"]
    assert set(metrics) == {"level", key}
    assert find_metrics_address(config_of(given), 0) == (
        "${MY_POD_IP}" if key == "address" else "${env:MY_POD_IP}",
        8888,
    )
    (deployment,) = of_kind(rendered(given), "Deployment")
    assert 8888 in [port["containerPort"] for port in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]]


@cases("version, prints", ("", False), ("0.104.0", False), ("0.103.0", None))
def test_debug_output_prints_all_where_the_version_can(version: str, prints: bool | None) -> None:
    given = {"name": "a", "recipes": ["otlp_ingest", "debug_output"], "version": version}
    assert config_of(given)["exporters"]["debug"].get("use_internal_logger") is prints


@pytest.mark.parametrize(("platform", "user"), [("generic", 10001), ("eks", 10001), ("openshift", None)])
def test_the_platform_chooses_the_user(platform: str, user: int | None) -> None:
    (workload,) = of_kind(rendered({**GATEWAY, "platform": platform}), "Deployment")
    assert workload["spec"]["template"]["spec"]["securityContext"].get("runAsUser") == user


def test_recipes_and_platforms_of_the_user_are_used(tmp_path: Path) -> None:
    mine = tmp_path / "recipes" / "mine"
    mine.mkdir(parents=True)
    (mine / "recipe.yml").write_text("{summary: Mine, signals: [traces], modes: [deployment], requires: [otlp_ingest]}")
    config = "exporters: {debug: {verbosity: {{ platform.word }}}}\nservice: {pipelines: {'*': {exporters: [debug]}}}"
    (mine / "config.yml.j2").write_text(config)
    (tmp_path / "here.yml").write_text("word: basic\n")
    own = {"recipe_paths": [str(tmp_path / "recipes")], "platform_paths": [str(tmp_path)]}

    def planned(*recipes: str) -> Any:
        return _render.judge_request(
            _render.RenderRequest([{"name": "a", "platform": "here", "recipes": list(recipes)}], {}, **own)
        )

    assert planned("otlp_ingest", "mine")[0].composed_config.config["exporters"] == {"debug": {"verbosity": "basic"}}
    with pytest.raises(Problem, match=r"recipe 'mine' needs recipe 'otlp_ingest'"):
        planned("mine")


@pytest.mark.parametrize("text", ["", "- a", "summary: x", "modes: [deployment]", "{summary: x, modes: deployment}"])
def test_a_recipe_of_the_user_that_does_not_describe_itself_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "recipe.yml").write_text(text)
    (tmp_path / "mine" / "config.yml.j2").write_text("")
    asked = _render.RenderRequest([{"name": "a", "recipes": ["mine"]}], {}, recipe_paths=[str(tmp_path)])
    with pytest.raises(Problem, match=r"recipe\.yml needs .*summary.*modes"):
        _render.judge_request(asked)


def test_collectors_that_cannot_live_together_are_refused() -> None:
    with pytest.raises(Problem, match=r"'agent' and 'other' both open 4317/TCP on the node"):
        rendered(AGENT, {**AGENT, "name": "other"})
    with pytest.raises(Problem, match=r"both open 4318/TCP on the node; .*; and 85 more") as caught:
        rendered(*({**AGENT, "name": f"agent{number}"} for number in range(10)))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
def test_a_config_that_no_configmap_holds_is_refused_with_its_largest_parts(backend: str) -> None:
    def transform(characters: int) -> dict[str, Any]:
        statements = [f'set(span.attributes["a"], "{"x" * characters}")']
        service = {"pipelines": {"traces": {"processors": ["transform/large"]}}}
        config = {"processors": {"transform/large": {"trace_statements": statements}}, "service": service}
        return rendered({**GATEWAY, "backend": backend, "config": config})

    assert transform(2**20 - 2000)["manifests"]
    with pytest.raises(Problem) as caught:
        transform(2**20)
    assert str(caught.value).startswith("Render collector 'gateway': the config has 1026 KiB, and a ConfigMap holds 10")
    assert "processors.transform/large (about 1024 KiB)" in caught.value.where


def test_a_config_that_is_too_large_is_refused_before_its_rules_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_judged_collectors, "lint_config", lambda _subject, _own: pytest.fail("the rules ran first"))
    config = {"processors": {"transform/large": {"trace_statements": ["x" * 2**21]}}}
    with pytest.raises(Problem, match=r"the config has 205\d KiB"):
        _render.judge_request(_render.RenderRequest([{**GATEWAY, "config": config}], {"namespace": "n"}))


def test_the_log_level_is_that_of_the_config_or_else_of_the_option() -> None:
    assert "logs" not in config_of(GATEWAY, log_level="info")["service"]["telemetry"]
    assert config_of(GATEWAY, log_level="debug")["service"]["telemetry"]["logs"] == {"level": "debug"}
    own = {"service": {"telemetry": {"logs": {"level": "warn"}}}}
    assert config_of({**GATEWAY, "log_level": "debug", "config": own})["service"]["telemetry"]["logs"] == {
        "level": "warn"
    }


@pytest.mark.parametrize(
    ("own", "limits"),
    [
        ({"limit_percentage": 60}, {"limit_percentage": 60}),
        (
            {"limit_percentage": 60, "spike_limit_percentage": 9},
            {"limit_percentage": 60, "spike_limit_percentage": 9},
        ),
        ({"limit_mib": 300}, {"limit_mib": 300, "spike_limit_mib": 128}),
        ({"limit_mib": None, "limit_percentage": 60}, {"limit_percentage": 60}),
        ({}, {"limit_mib": 409, "spike_limit_mib": 128}),
    ],
)
def test_a_percentage_of_the_user_replaces_the_mib_of_the_recipe(own: dict[str, Any], limits: dict[str, Any]) -> None:
    item = {"name": "a", "recipes": ["otlp_ingest", "debug_output"], "config": {"processors": {"memory_limiter": own}}}
    (plan,) = _render.judge_request(_render.RenderRequest([item], {"namespace": "n"}))
    assert plan.composed_config.config["processors"]["memory_limiter"] == {"check_interval": "1s", **limits}
    assert "memory-limiter-ignored" not in {finding.rule for finding in plan.findings}


@pytest.mark.parametrize(
    ("in_file", "in_inventory", "limits"),
    [
        ({"limit_percentage": 75}, {"limit_percentage": None}, {"limit_mib": 409, "spike_limit_mib": 128}),
        ({"limit_mib": 500}, {"limit_mib": None, "limit_percentage": 75}, {"limit_percentage": 75}),
        ({"limit_mib": None}, {"limit_percentage": 75}, {"limit_percentage": 75}),
    ],
)
def test_a_later_layer_of_the_user_decides_whether_a_percentage_replaces_the_mib(
    in_file: dict[str, Any], in_inventory: dict[str, Any], limits: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "memory.yml"
    path.write_text(json.dumps({"processors": {"memory_limiter": in_file}}))
    own = {"config_files": [str(path)], "config": {"processors": {"memory_limiter": in_inventory}}}
    item = {"name": "a", "recipes": ["otlp_ingest", "debug_output"], **own}
    (plan,) = _render.judge_request(_render.RenderRequest([item], {"namespace": "n"}))
    assert plan.composed_config.config["processors"]["memory_limiter"] == {"check_interval": "1s", **limits}


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
def test_memory_is_requested_and_limited_as_the_options_say(backend: str) -> None:
    sizes = {"memory_limit": "1000Mi", "memory_request": "200Mi", "memory_percent": 50, "memory_spike_percent": 10}
    item = {"name": "a", "recipes": ["otlp_ingest", "debug_output"], "backend": backend, **sizes}
    (plan,) = _render.judge_request(_render.RenderRequest([item], {"namespace": "n"}))
    assert plan.build is not None
    found = collector_container.render_resources(plan.build)
    assert (found["limits"]["memory"], found["requests"]["memory"]) == ("1000Mi", "200Mi")
    limiter = plan.composed_config.config["processors"]["memory_limiter"]
    assert (limiter["limit_mib"], limiter["spike_limit_mib"]) == (500, 100)
    assert "200Mi" in str(_render.build_bundle([plan])["manifests"])


SAMPLING = {"name": "sampling", "mode": "statefulset", "replicas": 3, "config": {"processors": {"tail_sampling": {
    "policies": [{"name": "all", "type": "always_sample"}]}}, "service": {"pipelines": {"traces": {
        "processors+": ["tail_sampling"]}}}}, "recipes": ["otlp_ingest", "debug_output"]}  # fmt: skip


def first_tier(resolver: dict[str, Any], **more: Any) -> dict[str, Any]:
    settings = {"resolver": resolver, "protocol": {"otlp": {"tls": {"insecure": True}}}, **more}
    config = {
        "exporters": {"load_balancing": settings},
        "service": {"pipelines": {"traces": {"exporters+": ["load_balancing"]}}},
    }
    return {"name": "first", "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, "debug_output"], "config": config}


@cases(
    "resolver, more, split",
    ({"dns": {"hostname": "sampling-headless.telemetry.svc.cluster.local"}}, {}, False),
    ({"k8s": {"service": "sampling.telemetry"}}, {"routing_key": "traceID"}, False),
    ({"dns": {"hostname": "sampling-headless.telemetry.svc"}}, {"routing_key": "service"}, True),
    ({"dns": {"hostname": "other.telemetry.svc"}}, {}, True),
)
def test_state_behind_load_balancing_by_its_key_is_not_split(resolver: Any, more: Any, split: bool) -> None:
    (_first, sampling) = _render.judge_request(
        _render.RenderRequest([first_tier(resolver, **more), SAMPLING], {"namespace": "telemetry"})
    )
    assert ["error"] * split == [one.severity for one in sampling.findings if one.rule == "split-state"]


BALANCED = {"trace_balancing": {"service": "sampler", "insecure": True}}
TO_ONE = {"otlp_forward": {"endpoint": "sampler:4317", "insecure": True}}
SCALED = {"autoscaling": {"min_replicas": 1, "max_replicas": 3}}


@cases(
    "senders, options, severities",
    ([], {"replicas": 2}, ["error"]),
    ([TO_ONE], {"replicas": 2}, ["error"]),
    ([TO_ONE], SCALED, ["error"]),
    ([BALANCED, TO_ONE], SCALED, ["error"]),
    ([{"trace_balancing": {**BALANCED["trace_balancing"], "routing_key": "service"}}], SCALED, ["error"]),
    ([BALANCED], SCALED, []),
    ([BALANCED], {"replicas": 2}, []),
    ([TO_ONE], {"replicas": 1}, []),
)
def test_sampling_in_several_replicas_without_a_tier_before_it_is_refused(
    senders: list[dict[str, Any]], options: dict[str, Any], severities: list[str]
) -> None:
    sampler = {"name": "sampler", "recipes": ["otlp_ingest", "tail_sampling", "debug_output"], **options}
    first = [
        {"name": f"first-{number}", "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, one]}
        for number, one in enumerate(senders)
    ]
    *_first, planned = _render.judge_request(_render.RenderRequest([*first, sampler], {"namespace": "telemetry"}))
    assert [one.severity for one in planned.findings if one.rule == "split-state"] == severities


@cases("rate, wait, traces", (200, 10, 4000), (500, 30, 30_000), (1, 1, 1000))
def test_the_sampler_has_room_for_the_traces_of_twice_its_wait(rate: int, wait: int, traces: int) -> None:
    recipe = {"tail_sampling": {"traces_per_second": rate, "decision_wait": wait}}
    found = config_of({"name": "sampler", "recipes": ["otlp_ingest", recipe, "debug_output"]})
    assert found["processors"]["tail_sampling"]["num_traces"] == traces


@cases(
    "rate, limit, warned", (500, "64Mi", False), (5000, "64Mi", True), (30_000, "512Mi", False), (34_000, "512Mi", True)
)
def test_a_sampler_without_the_memory_for_its_traces_is_said(rate: int, limit: str, warned: bool) -> None:
    recipe = {"tail_sampling": {"traces_per_second": rate}}
    sampler = {"name": "sampler", "memory_limit": limit, "recipes": ["otlp_ingest", recipe, "debug_output"]}
    (planned,) = _render.judge_request(_render.RenderRequest([sampler], {"namespace": "telemetry"}))
    assert [one.severity for one in planned.findings if one.rule == "traces-above-memory"] == ["warning"] * warned


def services(*collectors: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    found = rendered(*collectors, **defaults)["manifests"]
    return {item["metadata"]["name"]: item for item in found if item["kind"] == "Service"}


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
def test_a_gateway_to_which_others_balance_has_a_service_for_its_pods(backend: str) -> None:
    for endpoint in ("gateway.telemetry.svc:4317", "gateway:4317", "dns:///gateway-headless.telemetry.svc:4317"):
        forward = {"otlp_forward": {"endpoint": endpoint, "insecure": True, "balance": "round_robin"}}
        agent = {**AGENT, "recipes": ["otlp_ingest", forward]}
        found = services(GATEWAY, agent, backend=backend)
        assert set(found) == {"gateway", "gateway-headless"}
        assert found["gateway-headless"]["spec"]["clusterIP"] == "None"
        assert services(agent, GATEWAY, backend=backend) == found
        exporter = config_of(agent, GATEWAY, backend=backend)["exporters"]["otlp_grpc/gateway"]
        host = "gateway-headless:4317" if endpoint == "gateway:4317" else "gateway-headless.telemetry.svc:4317"
        assert (exporter["endpoint"], exporter["balancer_name"]) == (f"dns:///{host}", "round_robin")
        authority = endpoint.removeprefix("dns:///")
        assert exporter["authority"] == authority
    assert "gateway-headless" in services({**GATEWAY, "service": {"headless": True}}, backend=backend)
    plain = {"otlp_forward": {"endpoint": "gateway.telemetry.svc:4317", "insecure": True}}
    assert set(services(GATEWAY, {**AGENT, "recipes": ["otlp_ingest", plain]}, backend=backend)) == {"gateway"}


@cases("ingest, unseen", ("otlp_ingest", ["agent"]), ({"otlp_ingest": {"max_connection_age": "30s"}}, []))
def test_new_replicas_are_seen_if_connections_end(ingest: Any, unseen: list[str]) -> None:
    forward = {"otlp_forward": {"endpoint": "gateway:4317", "insecure": True, "balance": "round_robin"}}
    agent = {**AGENT, "recipes": ["otlp_ingest", forward]}
    found = rendered({**GATEWAY, "recipes": [ingest, "debug_output"]}, agent)["findings"]
    assert [one["collector"] for one in found if one["rule"] == "unseen-replicas"] == unseen
    plain = {**AGENT, "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": "gateway:4317", "insecure": True}}]}
    assert [one for one in rendered(GATEWAY, plain)["findings"] if one["rule"] == "unseen-replicas"] == []


@cases(
    "recipe, says",
    (
        {"otlp_ingest": {"protocols": ["http"], "max_connection_age": "60s"}},
        "has no effect without grpc in `protocols`",
    ),
    ({"otlp_ingest": {"client_ca_secret": "clients"}}, "has no effect without `tls_secret`"),
    (
        {"otlp_forward": {"endpoint": "http://a:4318", "protocol": "http", "balance": "round_robin"}},
        "grpc in `protocol`",
    ),
    (
        {"tail_sampling": {"rest_percent": 150}},
        "option 'rest_percent' of recipe 'tail_sampling' is 150.0. Give a number",
    ),
    ({"tail_sampling": {"decision_wait": 0}}, "option 'decision_wait' of recipe 'tail_sampling' is 0. Give 1 or more."),
    ({"backpressure": {"signal_percent": {"logs": 150}}}, "'signal_percent.logs' of recipe 'backpressure' is 150"),
    ({"backpressure": {"signal_percent": {"logs": "most"}}}, "'backpressure' must be a number, not 'most'"),
    ({"syslog_ingest": {"transports": ["udp"], "tls_secret": "syslog"}}, "has no effect without tcp in `transports`"),
    ({"prometheus_export": {"port": 99999}}, "option 'port' of recipe 'prometheus_export' is 99999. Give a number"),
    ({"trace_balancing": {"service": "a", "port": 0}}, "option 'port' of recipe 'trace_balancing' is 0. Give a number"),
    ({"backpressure": {"signal_percent": {"log": 70}}}, "no option 'signal_percent.log'; did you mean 'logs'?"),
)
def test_an_option_without_effect_or_out_of_range_is_refused(recipe: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=re.escape(says)):
        rendered({**GATEWAY, "recipes": [recipe, "debug_output"]})


def test_the_example_sends_to_a_backend_of_one_signal_as_its_comment_says() -> None:
    path = Path(__file__).parents[4] / "inventories" / "agent_gateway" / "group_vars" / "all.yml"
    text = path.read_text(encoding="utf-8")
    parts = re.findall(r"`- (xray_export: .*?|otlp_ingest: .*?)`", text)
    assert len(parts) == 2
    backend, ingest = parts
    debug = "- debug_output: {verbosity: detailed}"
    assert debug in text
    changed = text.replace(debug, f"- {backend}").replace("- otlp_ingest\n", f"- {ingest}\n")
    given = _yaml.load(changed, "all.yml").data
    prefix = "otel_collector_"
    options = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
    found = rendered(*given["otel_collectors"], **options)["findings"]
    assert [one for one in found if one["rule"] in ("no-pipelines", "unreceived-signal")] == []


def test_a_signal_that_the_next_collector_does_not_receive_is_named() -> None:
    traces = {"otlp_ingest": {"signals": ["traces"]}}
    forward = {"otlp_forward": {"endpoint": "gateway.telemetry.svc:4317", "insecure": True}}
    for protocol in ("grpc", "http"):
        url = {"endpoint": "http://gateway.telemetry.svc:4318"} if protocol == "http" else {}
        agent = {
            **AGENT,
            "recipes": ["otlp_ingest", {"otlp_forward": {**forward["otlp_forward"], **url, "protocol": protocol}}],
        }
        found = rendered({**GATEWAY, "recipes": [traces, "debug_output"]}, agent)["findings"]
        (one,) = [item for item in found if item["rule"] == "unreceived-signal"]
        assert (one["collector"], one["severity"]) == ("agent", "warning")
        assert f"'otlp_{protocol}/gateway' sends metrics and logs to collector 'gateway'" in one["message"]
    for gateway, ingest in ((GATEWAY, "otlp_ingest"), ({**GATEWAY, "recipes": [traces, "debug_output"]}, traces)):
        found = rendered(gateway, {**AGENT, "recipes": [ingest, forward]})["findings"]
        assert [item for item in found if item["rule"] == "unreceived-signal"] == []


@cases("promise", "durable", "backpressure")
def test_nothing_waits_in_memory_before_an_exporter_that_promises_more(promise: str) -> None:
    """Two exporters would share the batches of the processor, and clients have answers before the disk has the data."""
    ends = [{"otlp_forward": {"name": name, "endpoint": f"{name}.example.com:4317"}} for name in ("a", "b")]
    kept = {"mode": "statefulset", "storage": {"size": "1Gi"}}
    collector = {"name": "kept", "recipes": ["otlp_ingest", promise, *ends], **kept}
    config = config_of(collector)
    assert "batch" not in config["processors"]
    queues = [config["exporters"][f"otlp_grpc/{name}"]["sending_queue"] for name in ("a", "b")]
    assert all(queue["batch"]["min_size"] for queue in queues)
    shared = config_of({**collector, "recipes": ["otlp_ingest", *ends]})
    assert "batch" in shared["processors"]
    assert [one["sending_queue"]["batch"] for one in shared["exporters"].values()] == [SPLIT, SPLIT]


@pytest.mark.parametrize(
    ("options", "mapping"),
    [
        ({}, "otel"),
        ({"index": "logs-app-default"}, "otel"),
        ({"index": "app"}, "none"),
        ({"index": "app", "date_suffix": True}, "none"),
        ({"date_suffix": True}, "none"),
        ({"index": "app", "mapping": "otel"}, "otel"),
    ],
)
def test_documents_are_for_data_streams_only_where_they_go_to_one(options: dict[str, Any], mapping: str) -> None:
    recipe = {"elasticsearch_export": {"endpoints": ["http://es:9200"], **options}}
    collectors = [{"name": "c", "recipes": ["otlp_ingest", recipe, {"debug_output": {"pipelines": "[mt]*"}}]}]
    (planned,) = _render.judge_request(_render.RenderRequest(collectors, {}))
    exporter = planned.composed_config.config["exporters"]["elasticsearch/default"]
    assert exporter["mapping"] == {"allowed_modes": [mapping]}
    told = [one.rule for one in planned.findings if one.rule == "index-without-stream"]
    assert bool(told) is (options.get("mapping") == "otel")


def test_masks_spare_what_the_platform_says_of_itself() -> None:
    owner = {"service.owner": "platform+otel@example.com", "cost": "${env:CENTRE}", "tier": 1}
    agent = {
        "name": "agent",
        "recipes": ["otlp_ingest", {"resource_attributes": {"attributes": owner}}, "debug_output"],
    }
    gateway = {"name": "gateway", "recipes": ["otlp_ingest", "redaction", "debug_output"]}
    *_others, planned = _render.judge_request(_render.RenderRequest([agent, gateway], {}))
    allowed = planned.composed_config.config["processors"]["redaction"]["allowed_values"]
    assert [one.rule for one in planned.findings if one.severity == "error"] == []
    patterns = [re.compile(one.replace(r"\z", r"\Z")) for one in allowed]
    assert any(one.match("platform+otel@example.com") for one in patterns)
    assert not any(one.match(text) for one in patterns for text in ("a platform+otel@example.com", "ann@example.com"))
    assert len(allowed) == 2  # the text and the number
    (alone,) = _render.judge_request(_render.RenderRequest([gateway], {}))
    assert "allowed_values" not in alone.composed_config.config["processors"]["redaction"]


@pytest.mark.parametrize(("own", "kept"), [({"processors": {"batch": {"timeout": "10s"}}}, True), ({}, False)])
def test_a_batch_of_the_user_beside_debug_is_kept(own: dict[str, Any], kept: bool) -> None:
    given = {"name": "c", "recipes": ["otlp_ingest", "debug_output"], "config": own}
    (planned,) = _render.judge_request(_render.RenderRequest([given], {}))
    config = planned.composed_config.config
    assert ("batch" in config["processors"]) is kept
    assert ("batch" in config["service"]["pipelines"]["traces"]["processors"]) is kept
    if kept:
        assert config["processors"]["batch"]["timeout"] == "10s"
