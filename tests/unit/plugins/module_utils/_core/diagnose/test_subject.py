# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod says of its collector, whoever made it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.subject import (
    Source,
    collector_container,
    config_texts,
    environment,
    expanded,
    sources,
)

CONFIG = "receivers: {}\nservice: {}\n"


@pytest.mark.parametrize(
    ("containers", "name"),
    [
        ([{"name": "app"}, {"name": "x", "args": ["--config=/a"]}], "x"),
        ([{"name": "app"}, {"name": "otc-container"}], "otc-container"),
        ([{"name": "app"}, {"name": "x", "image": "r/opentelemetry-collector:1"}], "x"),
        ([{"name": "app"}], "app"),
    ],
)
def test_the_container(containers: Any, name: str) -> None:
    assert collector_container({"containers": containers})["name"] == name


def test_a_pod_without_containers_has_none() -> None:
    assert collector_container({}) == {}


def test_what_a_pod_needs() -> None:
    spec = {
        "volumes": [
            {"name": "c", "configMap": {"name": "config", "items": [{"key": "k", "path": "relay.yaml"}]}},
            {"name": "s", "secret": {"secretName": "tls", "optional": True}},
            {"name": "p", "projected": {"sources": [{"secret": {"name": "part"}}, {"serviceAccountToken": {}}]}},
            {"name": "e", "emptyDir": {}},
        ]
    }
    container = {
        "volumeMounts": [{"name": "c", "mountPath": "/conf"}, {"name": "s", "mountPath": "/tls"}],
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}, {"name": "B", "value": "b"}],
        "envFrom": [{"configMapRef": {"name": "all"}}],
    }
    assert sources(spec, container) == [
        Source("ConfigMap", "config", path="/conf", files=(("relay.yaml", "k"),)),
        Source("Secret", "tls", optional=True, path="/tls"),
        Source("Secret", "part"),
        Source("Secret", "env", key="k"),
        Source("ConfigMap", "all"),
    ]


@pytest.mark.parametrize(
    ("source", "path", "key"),
    [
        (Source("Secret", "a", path="/tls"), "/tls/tls.crt", "tls.crt"),
        (Source("Secret", "a", path="/tls/"), "/tls/tls.crt", "tls.crt"),
        (Source("Secret", "a", path="/tls"), "/other/tls.crt", ""),
        (Source("Secret", "a", path="/tls", files=(("x", "y"),)), "/tls/x", "y"),
        (Source("Secret", "a", path="/tls", files=(("x", "y"),)), "/tls/z", ""),
        (Source("Secret", "a", path="/tls.crt", key="k"), "/tls.crt", "k"),
        (Source("Secret", "a", key="k"), "/tls.crt", ""),
    ],
)
def test_the_key_behind_a_path(source: Source, path: str, key: str) -> None:
    assert source.key_of(path) == key


MAPS = {"config": {"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": CONFIG, "note": "x"}}}


@pytest.mark.parametrize(
    ("container", "source", "texts"),
    [
        ({"args": ["--config=/conf/k"]}, Source("ConfigMap", "config", path="/conf"), [CONFIG]),
        ({"command": ["otelcol", "--config", "file:/conf/k"]}, Source("ConfigMap", "config", path="/conf"), [CONFIG]),
        ({"args": ["--config=env:C"], "env": [{"name": "C", "value": "a: 1"}]}, Source("Secret", "x"), ["a: 1"]),
        ({}, Source("ConfigMap", "config", path="/conf"), [CONFIG]),
        ({"args": ["--config=/image/own.yaml"]}, Source("ConfigMap", "other", path="/conf"), []),
    ],
)
def test_the_configs(container: Any, source: Source, texts: list[str]) -> None:
    assert config_texts(container, [source], MAPS) == texts


def test_variables_that_are_known_are_filled_in() -> None:
    container = {
        "env": [
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "HOST", "value": "jaeger"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ]
    }
    known = environment(container, {"status": {"podIP": "10.0.0.9"}})
    assert known == {"IP": "10.0.0.9", "HOST": "jaeger"}
    value = {"a": ["${env:HOST}:${PORT:-4317}", "${env:TOKEN}", 5], "b": "${env:IP}"}
    assert expanded(value, known) == {"a": ["jaeger:4317", "${env:TOKEN}", 5], "b": "10.0.0.9"}
