# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample application: its options are said once, its objects pass `restricted`, and it finds its collector."""

from __future__ import annotations

import ast
import re
import runpy
import sys
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._sample_app.sample_app import list_option_names
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents, _yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._sample_app import PREFIX, ROLE, render_sample_app

from tests.testbed import python_images

from .kubernetes_rules import violations
from .role import ROOT, request

EXAMPLE = ROOT / "examples" / "apps"
SPEC: dict[str, Any] = _documents.read_yaml(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
VARS: dict[str, Any] = _documents.read_yaml(ROLE / "vars" / "main.yml")
OPTIONS = {*list_option_names(), "platform"}
GATEWAY = {"name": "gateway", "namespace": "observability", "recipes": ["otlp_ingest", "debug_output"]}
AGENT = {**GATEWAY, "name": "agent", "mode": "daemonset"}
SIDECAR = {**GATEWAY, "name": "side", "namespace": "shop", "mode": "sidecar", "backend": "operator"}
SIDECAR |= {"service_account_name": "side-account"}
OTLP = "OTEL_EXPORTER_OTLP"
BACKEND = {"name": "odd", "config": {"receivers": {"zipkin": None}, "exporters": {"debug": None}, "service": {
    "pipelines": {"traces": {"receivers": ["zipkin"], "exporters": ["debug"]}}}}}  # fmt: skip


def app(*collectors: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return what the role renders for these collectors and options."""
    given = {name: SPEC[PREFIX + name]["default"] for name in OPTIONS} | options
    known = (
        _render.build_bundle(_render.judge_request(request({"otel_collectors": list(collectors)})))
        if collectors
        else {}
    )
    return render_sample_app(given, known.get("collectors", []), known.get("probes", []))


def kinds(rendered: dict[str, Any]) -> list[str]:
    return [f"{item['kind']} {item['metadata']['name']}" for item in rendered["manifests"]]


def pod(rendered: dict[str, Any]) -> dict[str, Any]:
    """Return the pod template of the first service."""
    template: dict[str, Any] = next(item for item in rendered["manifests"] if item["kind"] == "Deployment")["spec"]
    return dict(template["template"])


def environment(rendered: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod(rendered)["spec"]["containers"]
    return {item["name"]: item.get("value") for item in container["env"]}


def test_the_role_passes_on_its_options_and_all_else_is_of_the_run() -> None:
    assert VARS["__otel_sample_app_options"] == {name: f"{{{{ {PREFIX}{name} }}}}" for name in OPTIONS}
    run = {
        "state",
        "wait_seconds",
        "trace_seconds",
        "kubeconfig",
        "kube_context",
        "eks_cluster",
        "backend",
        "xray",
        "lock_file",
    }
    assert {name.removeprefix(PREFIX) for name in SPEC} - OPTIONS == run
    assert set(SPEC[f"{PREFIX}state"]["choices"]) <= {path.stem for path in (ROLE / "tasks").iterdir()}


def test_the_example_renders_to_its_golden_file(pytestconfig: pytest.Config) -> None:
    variables = _documents.read_yaml(EXAMPLE / "vars.yml")
    options = {name.removeprefix(PREFIX): value for name, value in variables.items() if name.startswith(PREFIX)}
    golden, text = (
        EXAMPLE / "rendered" / "sample_app.yml",
        _yaml.dump(*app(*variables["otel_collectors"], **options)["manifests"]),
    )
    if pytestconfig.getoption("--regenerate"):
        golden.write_text(text, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("collectors", "chosen", "endpoint"),
    [
        ((GATEWAY,), "gateway", "http://gateway.observability.svc:4318"),
        ((GATEWAY, AGENT), "agent", "http://$(HOST_IP):4318"),
        ((SIDECAR, GATEWAY), "gateway", "http://gateway.observability.svc:4318"),
        ((SIDECAR,), "side", "http://localhost:4318"),
        ((BACKEND, {**GATEWAY, "name": "late"}), "late", "http://late.observability.svc:4318"),
    ],
)
def test_it_sends_to_the_collector_that_applications_use(
    collectors: tuple[dict[str, Any], ...], chosen: str, endpoint: str
) -> None:
    rendered = app(*collectors)
    assert (rendered["collector"], rendered["endpoint"]) == (chosen, endpoint)
    found = environment(rendered)
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint
    assert ("HOST_IP" in found) == ("HOST_IP" in endpoint)
    # The namespace of a sidecar and its account are objects of the collector.
    assert chosen == "side" or violations(rendered["manifests"]) == []
    assert bool(rendered["counts"]) is (chosen != "side")


@pytest.mark.parametrize(
    ("collectors", "options", "wrong"),
    [
        ((GATEWAY,), {"collector": "gatewy"}, "'gatewy' is not in the inventory; did you mean 'gateway'"),
        ((BACKEND, GATEWAY), {"collector": "odd"}, "'odd' receives no OTLP/HTTP without TLS"),
        ((BACKEND,), {}, "Set `otel_sample_app_endpoint`"),
        ((SIDECAR,), {"namespace": "elsewhere"}, "is for pods of namespace shop, not elsewhere"),
        ((GATEWAY,), {"name": "Not.A.Name"}, "is not a valid name of the sample application"),
        ((GATEWAY,), {"env": {f"{OTLP}_ENDPOINT": "http://x:4317"}}, "port 4317 of http://x:4317 is that of grpc"),
        ((GATEWAY,), {"env": {f"{OTLP}_TRACES_ENDPOINT": "http://x:4317/v1/traces"}}, "port 4317 of http://x:4317 is"),
        ((GATEWAY,), {"env": {f"{OTLP}_ENDPOINT": "x:4318"}}, "is not an http:// or https:// URL"),
        ((GATEWAY,), {"env": {f"{OTLP}_ENDPOINT": "http://x:4318/v1/traces"}}, "is not a base address"),
        ((GATEWAY,), {"env": {f"{OTLP}_PROTOCOL": "grpc"}}, "exports by http/protobuf alone"),
        ((), {"endpoint": "http://x:4317"}, "otel_sample_app_endpoint"),
        ((), {"endpoint": "http://me:hunter2@x:4317"}, "port 4317 of http://x:4317 is"),
        ((), {"endpoint": "gateway.observability:4318"}, "Write it like http://"),
        ((GATEWAY,), {"ingres": {}}, "has no option 'ingres'; did you mean 'ingress'"),
    ],
)
def test_a_wrong_choice_is_an_error(collectors: Any, options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Problem) as caught:
        app(*collectors, **options)
    assert wrong in str(caught.value)


@pytest.mark.parametrize("name", ["ENDPOINT", "TRACES_ENDPOINT", "PROTOCOL", "TRACES_PROTOCOL"])
def test_a_reference_has_its_value_in_the_cluster_alone(name: str) -> None:
    assert environment(app(GATEWAY, env={f"{OTLP}_{name}": "$(OTHER)"}))[f"{OTLP}_{name}"] == "$(OTHER)"


def test_a_wrong_endpoint_keeps_nobody_from_removing_the_application() -> None:
    given = {name: SPEC[PREFIX + name]["default"] for name in OPTIONS} | {"endpoint": "http://x:4317"}
    assert render_sample_app(given, [], for_removal=True)["manifests"]


def test_a_sidecar_is_asked_for_in_its_namespace_with_its_account() -> None:
    rendered = app(SIDECAR)
    assert pod(rendered)["metadata"]["annotations"]["sidecar.opentelemetry.io/inject"] == "side"
    assert pod(rendered)["spec"]["serviceAccountName"] == "side-account"
    assert "Namespace shop" not in kinds(rendered), "it is the collector's"
    assert {item["metadata"]["namespace"] for item in rendered["manifests"]} == {"shop"}
    assert pod(app(GATEWAY))["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("namespace", "made"), [("", True), ("mine", True), ("observability", False), ("default", False)]
)
def test_a_namespace_is_made_only_where_it_is_the_applications(namespace: str, made: bool) -> None:
    assert any(kind.startswith("Namespace") for kind in kinds(app(GATEWAY, namespace=namespace))) is made


def test_every_object_is_of_one_release_and_pods_carry_no_mark_of_an_owner() -> None:
    rendered = app(GATEWAY, ingress={"host": "shop.example.com"}, openshift_route={"enabled": True})
    marks = {
        item["metadata"]["labels"][names.RELEASE_LABEL] for item in rendered["manifests"] if item["kind"] != "Namespace"
    }
    assert marks == {"sample-app.sample-app_sample-app"}
    assert rendered["prune_selector"].startswith(f"{names.RELEASE_LABEL}=sample-app.sample-app_sample-app,")
    assert not {names.RELEASE_LABEL, names.OWNER_LABEL} & set(pod(rendered)["metadata"]["labels"])
    assert {"Ingress sample-app-frontend", "Route sample-app-frontend"} <= set(kinds(rendered))


def test_the_cluster_chooses_the_user_on_openshift_and_the_image_is_not_root_elsewhere() -> None:
    assert pod(app(GATEWAY))["spec"]["securityContext"]["runAsUser"] > 0
    assert "runAsUser" not in pod(app(GATEWAY, platform="openshift"))["spec"]["securityContext"]


def test_a_mirror_and_variables_of_the_user_take_precedence() -> None:
    given = {"OTEL_SERVICE_NAME": "mine", "OTEL_EXPORTER_OTLP_HEADERS": {"secret": "otlp", "key": "headers"}}
    rendered = app(GATEWAY, image_registry="mirror.example", env=given, resource_attributes={"team": "a,b=c"})
    spec = pod(rendered)["spec"]
    images = [item["image"] for item in [*spec["initContainers"], *spec["containers"]]]
    assert all(image.startswith("mirror.example/") for image in images)
    assert environment(rendered)["OTEL_SERVICE_NAME"] == "mine"
    assert "team=a%2Cb%3Dc" in str(environment(rendered)["OTEL_RESOURCE_ATTRIBUTES"])


def test_the_images_are_those_that_tests_run_and_that_the_operator_uses() -> None:
    assert SPEC[f"{PREFIX}image"]["default"] == python_images.PYTHON_REFERENCE
    assert SPEC[f"{PREFIX}sdk_image"]["default"] == python_images.INSTRUMENTATION_REFERENCE


def test_the_application_needs_the_standard_library_and_the_sdk_alone() -> None:
    tree = ast.parse((ROLE / "files" / "app.py").read_text(encoding="utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    outside = {name.split(".")[0] for name in found} - {"opentelemetry"}
    assert outside and outside <= sys.stdlib_module_names


def test_one_path_of_the_application_fails_with_a_span_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = MagicMock()
    sdk.RandomIdGenerator = object
    span = sdk.trace.get_tracer.return_value.start_as_current_span.return_value.__enter__.return_value
    sdk.trace.format_trace_id.return_value = "1"
    source = (ROLE / "files" / "app.py").read_text(encoding="utf-8")
    for name in re.findall(r"^from (opentelemetry\S*) import", source, re.MULTILINE):
        monkeypatch.setitem(sys.modules, name, sdk)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "frontend")
    handler = runpy.run_path(str(ROLE / "files" / "app.py"))["Handler"]
    answers = {}
    for path in ("/", "/fail"):
        one = MagicMock(spec=handler, path=path, headers={})
        handler.serve(one)
        answers[path] = (one.answer.call_args.args[1], span.set_status.call_count)
    assert answers == {"/": (200, 0), "/fail": (500, 1)}


def test_load_is_put_on_the_first_service_alone() -> None:
    rendered = app(endpoint="http://c:4318", load={"requests_per_second": 5})
    assert environment(rendered)["REQUESTS_PER_SECOND"] == "5"
    assert environment(rendered)["FAIL_PERCENT"] == "0"
    for none in ({}, {"requests_per_second": 0}, {"fail_percent": 50}):
        assert "REQUESTS_PER_SECOND" not in environment(app(endpoint="http://c:4318", load=none))
    deployments = [str(item) for item in rendered["manifests"] if item["kind"] == "Deployment"]
    assert ["REQUESTS_PER_SECOND" in item for item in deployments] == [True, False]


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ({"requests_per_second": 101}, "requests_per_second is 101, and at most 100"),
        ({"requests_per_second": 1, "fail_percent": 101}, "fail_percent is 101, and at most 100"),
        ({"requests_per_second": -1}, "Use 0 or a larger number"),
        ({"requests_per_second": 0.5}, "requests_per_second"),
    ],
)
def test_a_load_that_cannot_be_sent_is_refused(load: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem, match=said):
        app(endpoint="http://c:4318", load=load)


def test_a_name_that_is_too_long_for_services_is_refused_and_what_an_earlier_run_made_of_it_can_be_removed() -> None:
    name = "a" * 54
    with pytest.raises(Problem, match=f"'{name}' is too long for the name of the sample application"):
        app(GATEWAY, name=name)
    given = {option: SPEC[PREFIX + option]["default"] for option in OPTIONS} | {
        "name": name,
        "endpoint": "http://x:4318",
    }
    assert render_sample_app(given, [], for_removal=True)["manifests"]


def test_a_name_may_begin_with_a_digit_as_kubernetes_takes_it_from_1_36_on() -> None:
    assert app(GATEWAY, name="1app")["services"] == ["1app-frontend", "1app-datastore"]


def test_the_longest_name_makes_services_that_kubernetes_takes() -> None:
    services = app(GATEWAY, name="a" * 53)["services"]
    assert max(len(service) for service in services) == names.LONGEST_LABEL
