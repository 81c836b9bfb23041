# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_instrumentation/operator_switches.py: the operator and its languages."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation import (
    operator_switches,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.sdk_languages import (
    LANGUAGES,
)

from ..helpers import cases

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


def test_the_service_that_is_asked_about_pods_and_the_deployment_behind_it() -> None:
    assert operator_switches.find_pod_webhook(webhooks()) == ("config", "op", "webhook")
    for others in (webhooks(name="mine"), webhooks(path="/mine"), [{"metadata": {"name": "empty"}}]):
        assert operator_switches.find_pod_webhook(others) is None
    assert operator_switches.find_deployment([deployment()], LABELS) == deployment()
    assert [operator_switches.find_deployment([deployment()], labels) for labels in ({"a": "b"}, {})] == [None, None]
    assert not operator_switches.is_available(deployment())
    assert operator_switches.is_available({**deployment(), "status": {"availableReplicas": 1}})


@cases(
    "args, env, off",
    ((), {}, ["go", "nginx"]),
    (("--enable-go-instrumentation",), {}, ["nginx"]),
    (("--enable-go-instrumentation=true", "-enable-nginx-instrumentation=1"), {}, []),
    (("--enable-python-instrumentation=false",), {}, ["python", "go", "nginx"]),
    ((), {"ENABLE_NGINX_AUTO_INSTRUMENTATION": "true"}, ["go"]),
    ((), {"ENABLE_APACHE_HTTPD_AUTO_INSTRUMENTATION": "false"}, ["go", "apache_httpd", "nginx"]),
    (("--enable-nginx-instrumentation=false",), {"ENABLE_NGINX_AUTO_INSTRUMENTATION": "true"}, ["go", "nginx"]),
)
def test_switches_are_read_as_the_operator_does(args: tuple[str, ...], env: dict[str, str], off: list[str]) -> None:
    found = operator_switches.list_disabled_languages(deployment(*args, **env), list(LANGUAGES))
    assert [language.name for language in found] == off
