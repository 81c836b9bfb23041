# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Input of any shape gets findings or a Problem that names the option: no traceback, and no long wait."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any
from urllib.error import URLError

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem, make_printable
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.item_counters import read_item_counters
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics import read_counts
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _validate, _yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import fetched_manifest

from tests.support.cases import cases
from tests.support.growth import is_long, measure_cpu_seconds

from .helpers import OTLP, VALIDATE

OBJECTS: tuple[Any, ...] = tuple(
    _yaml.load(text, "objects").data
    for text in (
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: gw, namespace: a}, data: {config.yaml: ''}}",
        """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: gw, namespace: a}
spec:
  template:
    metadata: {labels: {app: gw}}
    spec:
      serviceAccountName: gw
      volumes: [{name: config, configMap: {name: gw}}]
      containers:
        - name: c
          image: otel/opentelemetry-collector-contrib:0.158.0
          ports: [{name: otlp, containerPort: 4317, hostPort: 4317}]
          env: [{name: A, value: b}]
          volumeMounts: [{name: config, mountPath: /conf}]
          resources: {limits: {memory: 512Mi}}
""",
        """\
{apiVersion: v1, kind: Service, metadata: {name: gw, namespace: a},
 spec: {selector: {app: gw}, ports: [{port: 4317, targetPort: otlp}]}}
""",
    )
)
OBJECTS[0]["data"]["config.yaml"] = _yaml.dump(OTLP)
POD = (1, "spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)


def findings(config: Any) -> list[dict[str, Any]]:
    start = time.thread_time()
    result = _validate.validate_configs(
        {**VALIDATE, "config": config, "fail_on": "never"}, lambda _warning: None, check=True
    )
    assert not is_long(time.thread_time() - start)
    assert not [item for item in result["findings"] if item["rule"] == "internal-error"]
    return list(result["findings"])


def changed(path: tuple[Any, ...], value: Any) -> list[dict[str, Any]]:
    objects: list[Any] = deepcopy(list(OBJECTS))
    inner: Any = objects
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return objects


@pytest.mark.parametrize("value", [[], {}, [1], {"a": "b"}, None, True, 1.5])
@cases(
    "path",
    *((number, "metadata", key) for number in (0, 1) for key in ("name", "namespace")),
    *((*POD, "volumes", 0, *path) for path in (("name",), ("configMap", "name"))),
    (*POD, "serviceAccountName"),
    (1, "spec", "template", "metadata", "labels", "app"),
    (*CONTAINER, "image"),
    *((*CONTAINER, "ports", 0, key) for key in ("name", "containerPort", "hostPort", "protocol")),
    *((*CONTAINER, *path) for path in (("env", 0, "name"), ("resources", "limits", "memory"))),
    *((*CONTAINER, "volumeMounts", 0, key) for key in ("name", "mountPath")),
    (2, "metadata", "namespace"),
    *((2, "spec", *path) for path in (("selector", "app"), ("ports", 0, "port"), ("ports", 0, "targetPort"))),
    ids=str,
)
def test_an_object_may_have_any_value_anywhere(path: tuple[Any, ...], value: Any) -> None:
    objects = changed(path, value)
    findings(objects)
    findings(_yaml.dump(*objects))


def test_a_host_port_needs_no_container_port() -> None:
    findings(changed((*CONTAINER, "ports"), [{"hostPort": 4317}]))


def test_a_resource_may_repeat_the_key_of_its_config() -> None:
    spec = "  config: {receivers: {otlp: null}}\n  config: {receivers: {otlp: null}, service: {pipelines: {}}}\n"
    head = "apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nmetadata: {name: a}\nspec:\n"
    assert "duplicate-key" in [item["rule"] for item in findings(head + spec)]


@pytest.mark.parametrize("text", ["0x" + "f" * 3_600, "0b" + "1" * 15_000, "0o" + "7" * 5_000, "9" * 5_000])
@pytest.mark.parametrize("key", ["password", "endpoint"])
def test_a_number_may_have_any_length(text: str, key: str) -> None:
    findings(f"receivers: {{otlp: null}}\nexporters: {{otlp_grpc: {{{key}: {text}}}}}\nservice: {{pipelines: {{}}}}\n")


@pytest.mark.parametrize("text", ["1" * 40_000, "1." * 20_000, "1s" * 20_000, "." * 40_000])
def test_a_duration_may_have_any_length(text: str) -> None:
    findings({**OTLP, "exporters": {"otlp_grpc": {"endpoint": "a:4317", "timeout": text}}})


@cases(
    "settings, named",
    ({"network_policy": True}, "network_policy"),
    ({"env": {1: "a", "B": "c"}}, "env"),
    ({"replicas": float("inf")}, "replicas"),
    ({"target_allocator": [None]}, "target_allocator"),
    ({"memory_limit": "9" * 5_000}, "memory quantity"),
    ({"distribution_manifest": "a\x00b", "image": "a:1"}, "distribution_manifest"),
    ({"image": "a:1\n"}, "option 'image' of collector 'gw' has a line end"),
    ({"image_pull_secrets": ["a", "b\x1b"]}, "option 'image_pull_secrets[1]' of collector 'gw' has a line end"),
    ({"name": {"a": "b"}}, "option 'name' of collector 'without a name' must be text, not a mapping"),
    ({"env": 3}, "option 'env' of collector 'gw' must be a mapping, not a number"),
    ({"cpu_limit": "-1"}, "`cpu_limit`: '-1' is not a CPU quantity"),
    ({"labels": {"a": "\ud800"}}, "labels.a"),
)
def test_a_wrong_option_is_named(settings: dict[str, Any], named: str) -> None:
    request = _render.RenderRequest([{"name": "gw", "namespace": "a", "config": OTLP, **settings}], {})
    with pytest.raises(Problem) as caught:
        _render.build_bundle(_render.judge_request(request))
    assert named in str(caught.value)


@pytest.mark.parametrize("endpoint", ["http://[a", "http://[]/", "[::1", "http://u:p@[x]:1"])
def test_the_endpoint_of_a_signed_exporter_may_be_no_url_and_a_version_long(endpoint: str) -> None:
    exporters = {"otlp_http": {"endpoint": endpoint, "auth": {"authenticator": "sigv4auth"}}}
    pipelines = {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}
    service = {"extensions": ["sigv4auth"], "pipelines": pipelines}
    config = {**OTLP, "exporters": exporters, "extensions": {"sigv4auth": {}}, "service": service}
    item = {"name": "gw", "namespace": "a", "config": config, "version": "0.1." + "1" * 5_000}
    _render.judge_request(_render.RenderRequest([item], {}))


METRICS = [
    *("_" * 40_000, "__a_" * 10_000, "a{" + 'b="c",' * 7_000),
    *('a{b="' + "\\" * 40_000 + '"} 1', f"a {'1' * 40_000}x"),
]


@pytest.mark.parametrize("text", METRICS, ids=range(len(METRICS)))
def test_a_metrics_line_may_have_any_length(text: str) -> None:
    assert not is_long(measure_cpu_seconds(lambda: read_counts(f"otelcol_{text}")))


@pytest.mark.parametrize("value", ["9" * 40_000, "..", "1e999", "1e308", "-", "e"])
def test_a_sample_that_is_no_count_is_nothing(value: str) -> None:
    text = f"otelcol_receiver_accepted_spans {value}\n" * 2
    assert [int(found) for found in (*read_counts(text).values(), *read_item_counters(text).values())] == [0, 0]


ESCAPE, BIDI, RETURN = "\x1b[2Jx", "a\u202eb", "a\rb"


@pytest.mark.parametrize("text", [ESCAPE, BIDI, RETURN, "\x9b1m", "\u2028", "\x00", "\u2066"])
def test_control_and_bidirectional_characters_are_escaped(text: str) -> None:
    for cleaned in (
        make_printable(text),
        str(Problem(text)),
        str(Problem("a", where=text)),
        str(Problem("a", fix=text)),
    ):
        assert cleaned.isprintable()
    assert make_printable("päth → ok\n\tline") == "päth → ok\n\tline"


def test_an_error_has_no_user_and_no_query_of_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(url: str) -> bytes:
        raise URLError(f"cannot reach {url}")

    monkeypatch.setattr(fetched_manifest, "_download_manifest", lost)
    with pytest.raises(Problem) as caught:
        fetched_manifest.fetch_manifest(
            ["https://me:hunter2@mirror.example/a.yaml?sig=hunter3"], "", "Load", lambda _seconds: None
        )
    assert "hunter" not in str(caught.value)
    assert "https://mirror.example/a.yaml" in str(caught.value)


@pytest.mark.parametrize("content", [b"<html>", b"\xff", b"a: ]"])
def test_an_error_of_a_manifest_has_no_user_and_no_query_of_its_url(content: bytes) -> None:
    with pytest.raises(Problem) as caught:
        fetched_manifest.parse_documents(content, "Load", "https://me:hunter2@mirror.example/a.yaml?sig=hunter3")
    assert "hunter" not in str(caught.value)
