# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator as its webhook and its Deployment show it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.instrumentation import operator
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.instrumentation.languages import LANGUAGES

LABELS = {"control-plane": "controller-manager"}


def webhooks(name: str = "mpod.kb.io", **service: str) -> list[dict[str, Any]]:
    client = {"service": {"namespace": "op", "name": "webhook", "path": "/mutate-v1-pod", **service}}
    other = {"name": "other", "clientConfig": {"url": "https://somewhere"}}
    return [{"metadata": {"name": "config"}, "webhooks": [other, {"name": name, "clientConfig": client}]}]


def deployment(*args: str, **env: str) -> dict[str, Any]:
    proxy = {"name": "kube-rbac-proxy", "args": ["--enable-java-instrumentation=false"]}
    variables = [{"name": name, "value": value} for name, value in env.items()] + [{"name": "A", "valueFrom": {}}]
    manager = {"name": "manager", "args": list(args), "env": variables}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [proxy, manager]}}
    return {"metadata": {"name": "operator"}, "spec": {"template": template}}


def test_the_service_that_is_asked_about_pods() -> None:
    assert operator.asked(webhooks()) == ("config", "op", "webhook")
    assert operator.asked(webhooks(name="mine")) is None
    assert operator.asked(webhooks(path="/mine")) is None
    assert operator.asked([{"metadata": {"name": "empty"}}]) is None


def test_the_deployment_behind_a_service() -> None:
    assert operator.deployment([deployment()], LABELS) == deployment()
    assert operator.deployment([deployment()], {"a": "b"}) is None
    assert operator.deployment([deployment()], {}) is None


def test_without_a_pod_it_does_not_answer() -> None:
    assert not operator.available(deployment())
    assert operator.available({**deployment(), "status": {"availableReplicas": 1}})


@pytest.mark.parametrize(
    ("args", "env", "off"),
    [
        ((), {}, ["go", "nginx"]),
        (("--enable-go-instrumentation",), {}, ["nginx"]),
        (("--enable-go-instrumentation=true", "-enable-nginx-instrumentation=1"), {}, []),
        (("--enable-python-instrumentation=false",), {}, ["python", "go", "nginx"]),
        ((), {"ENABLE_NGINX_AUTO_INSTRUMENTATION": "true"}, ["go"]),
        ((), {"ENABLE_APACHE_HTTPD_AUTO_INSTRUMENTATION": "false"}, ["go", "apache_httpd", "nginx"]),
        (("--enable-nginx-instrumentation=false",), {"ENABLE_NGINX_AUTO_INSTRUMENTATION": "true"}, ["go", "nginx"]),
    ],
)
def test_switches_are_read_as_the_operator_does(args: tuple[str, ...], env: dict[str, str], off: list[str]) -> None:
    found = operator.switched_off(deployment(*args, **env), list(LANGUAGES))
    assert [language.name for language in found] == off
