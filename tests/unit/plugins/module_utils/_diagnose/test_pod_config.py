# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The config that the pod of a collector has: its container, where its files are from, and its variables."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose import pod_config
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.pod_sources import (
    MountedFile,
    PodSource,
    list_sources,
)

from ..helpers import cases

TEXT = "receivers: {}\nservice: {}\n"
MAPS = {"config": {"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": TEXT, "note": "x"}}}


@cases(
    "containers, name",
    ([{"name": "app"}, {"name": "x", "args": ["--config=/a"]}], "x"),
    ([{"name": "app"}, {"name": "otc-container"}], "otc-container"),
    ([{"name": "app"}, {"name": "x", "image": "r/opentelemetry-collector:1"}], "x"),
    ([{"name": "app"}], "app"),
    ([], None),
)
def test_the_container(containers: Any, name: str | None) -> None:
    assert pod_config.find_collector_container({"containers": containers} if name else {}).get("name") == name


def test_what_a_pod_needs() -> None:
    spec = yaml.safe_load("""
        volumes:
          - {name: c, configMap: {name: config, items: [{key: k, path: relay.yaml}]}}
          - {name: s, secret: {secretName: tls, optional: true}}
          - {name: p, projected: {sources: [{secret: {name: part}}, {serviceAccountToken: {}}]}}
          - {name: e, emptyDir: {}}
    """)
    container = yaml.safe_load("""
        volumeMounts: [{name: c, mountPath: /conf}, {name: s, mountPath: /tls}]
        env: [{name: A, valueFrom: {secretKeyRef: {name: env, key: k}}}, {name: B, value: b}]
        envFrom: [{configMapRef: {name: all}}]
    """)
    assert list_sources(spec, container) == [
        PodSource("ConfigMap", "config", path="/conf", files=(MountedFile("relay.yaml", "k"),)),
        PodSource("Secret", "tls", optional=True, path="/tls"),
        *(PodSource("Secret", "part"), PodSource("Secret", "env", key="k"), PodSource("ConfigMap", "all")),
    ]


@cases(
    "source, path, key",
    ({"path": "/tls"}, "/tls/tls.crt", "tls.crt"),
    ({"path": "/tls/"}, "/tls/tls.crt", "tls.crt"),
    ({"path": "/tls"}, "/other/tls.crt", ""),
    ({"path": "/tls", "files": (("x", "y"),)}, "/tls/x", "y"),
    ({"path": "/tls", "files": (("x", "y"),)}, "/tls/z", ""),
    ({"path": "/tls.crt", "key": "k"}, "/tls.crt", "k"),
    ({"key": "k"}, "/tls.crt", ""),
)
def test_the_key_behind_a_path(source: dict[str, Any], path: str, key: str) -> None:
    assert PodSource("Secret", "a", **source).find_key_at(path) == key


@cases(
    "container, name, texts",
    ({"args": ["--config=/conf/k"]}, "config", [TEXT]),
    ({"command": ["otelcol", "--config", "file:/conf/k"]}, "config", [TEXT]),
    ({"args": ["--config=env:C"], "env": [{"name": "C", "value": "a: 1"}]}, "other", ["a: 1"]),
    ({}, "config", [TEXT]),
    ({"args": ["--config=/image/own.yaml"]}, "other", []),
    (
        {"args": ["--config", "/conf/k", "--config=env:C"], "env": [{"name": "C", "value": "a: 1"}]},
        "config",
        [TEXT, "a: 1"],
    ),
)
def test_the_configs(container: Any, name: str, texts: list[str]) -> None:
    assert pod_config.list_config_texts(container, [PodSource("ConfigMap", name, path="/conf")], MAPS) == texts


def test_variables_that_are_known_are_filled_in() -> None:
    env = yaml.safe_load("""
        - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: HOST, value: jaeger}
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}
    """)
    known = pod_config.read_environment({"env": env}, {"status": {"podIP": "10.0.0.9"}})
    assert known == {"IP": "10.0.0.9", "HOST": "jaeger"}
    value = {"a": ["${env:HOST}:${PORT:-4317}", "${env:TOKEN}", 5], "b": "${env:IP}"}
    assert pod_config.expand_variables(value, known) == {"a": ["jaeger:4317", "${env:TOKEN}", 5], "b": "10.0.0.9"}


def test_a_default_takes_the_place_of_an_unknown_variable_also_if_it_is_empty() -> None:
    assert pod_config.expand_variables(["${A:-x}", "${env:B:-}", "c${env:C:-}"], {}) == ["x", "", "c"]
