# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets and other objects that a workload refers to are looked for before anything is applied."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi, status
from ...live_helpers import obj
from .bundle_helpers import NAMESPACE, present

LOGIN = obj("Secret", "login", data={"user": "eA=="})
PATH = "/api/v1/namespaces/ns/secrets/login"


def agent(*keys: str) -> Any:
    env = [{"name": key, "valueFrom": {"secretKeyRef": {"name": "login", "key": key}}} for key in keys]
    pod = {"containers": [{"name": "c", "env": env}]}
    return obj("DaemonSet", api="apps/v1", spec={"selector": {"matchLabels": {"app": "a"}}, "template": {"spec": pod}})


@pytest.mark.parametrize(
    ("there", "words", "fix"),
    [
        (
            [],
            "Secret ns/login with password, user",
            "--dry-run=client -o yaml | kubectl apply -f - && kubectl create s",
        ),
        ([NAMESPACE], "Secret ns/login with password, user", "file for each key: `kubectl create secret generic login"),
        ([NAMESPACE, LOGIN], "password in Secret ns/login", "kubectl edit secret login"),
    ],
)
def test_a_missing_secret_is_named_before_anything_is_applied(there: Any, words: str, fix: str) -> None:
    api = FakeApi(*there)
    with pytest.raises(Problem) as refused:
        present(api, [NAMESPACE, agent("user", "password")], references="require")
    assert words in refused.value.wrong
    assert fix in refused.value.fix
    assert not api.sent("PATCH")


def test_what_a_running_workload_refers_to_is_not_read_again() -> None:
    api = FakeApi(NAMESPACE, LOGIN)
    present(api, [NAMESPACE, agent("user")], references="require")
    assert PATH in api.sent("GET")
    api.requests.clear()
    present(api, [NAMESPACE, agent("user")], references="require")
    assert PATH not in api.sent("GET")


def reader(key: str) -> list[Any]:
    """Return an agent and its config, which reads a key of the Secret as a file."""
    pod = {
        "containers": [{"name": "c", "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in ("s", "c")]}],
        "volumes": [{"name": "s", "secret": {"secretName": "login"}}, {"name": "c", "configMap": {"name": "config"}}],
    }
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": {"spec": pod}}
    return [
        obj("ConfigMap", "config", data={"relay": f"ca_file: /s/{key}\n"}),
        obj("DaemonSet", api="apps/v1", spec=spec),
    ]


@pytest.mark.parametrize("references", ["require", "wait"])
def test_a_file_that_a_secret_lacks_is_named_before_the_pods_are_replaced(references: str) -> None:
    api = FakeApi(NAMESPACE, LOGIN)
    present(api, [NAMESPACE, *reader("user")], references="require")
    api.requests.clear()
    present(api, [NAMESPACE, *reader("user")], references="require")
    assert PATH not in api.sent("GET")
    with pytest.raises(Problem, match=r"ca\.crt in Secret ns/login") as refused:
        present(api, [NAMESPACE, *reader("ca.crt")], references=references, wait_seconds=0)
    assert "Add the keys with `kubectl edit secret login --namespace ns`" in refused.value.fix


@pytest.mark.parametrize("options", [{}, {"references": "ignore"}])
def test_references_are_not_looked_for_unless_asked(options: dict[str, Any]) -> None:
    api = FakeApi(NAMESPACE)
    assert present(api, [NAMESPACE, agent("user")], **options)["changed"]
    assert PATH not in api.sent("GET")


KEEPER = obj(
    "StatefulSet",
    api="apps/v1",
    spec={
        "template": {"spec": {"priorityClassName": "urgent"}},
        "volumeClaimTemplates": [{"metadata": {"name": "state"}, "spec": {"storageClassName": "fast"}}],
    },
)
VOLUME = obj("PersistentVolume", "disk", namespace="", spec={"storageClassName": "fast"})
STORAGE_CLASS = obj("StorageClass", "fast", namespace="", api="storage.k8s.io/v1")


@pytest.mark.parametrize("there", [[], [VOLUME], [STORAGE_CLASS]], ids=["nothing", "a volume", "the class"])
def test_a_storage_class_is_missing_only_if_no_volume_has_its_name_either(there: Any) -> None:
    with pytest.raises(Problem, match="does not exist: ") as refused:
        present(FakeApi(NAMESPACE, *there), [NAMESPACE, KEEPER], references="require")
    assert "PriorityClass urgent" in refused.value.wrong
    assert ("StorageClass fast" in refused.value.wrong) is not there
    ways = ["set `priority_class_name`"] + ["set `storage.class`"] * (not there)
    assert [way in line for way, line in zip(ways, refused.value.fix.splitlines(), strict=True)]


def test_volumes_are_listed_once_for_all_storage_classes() -> None:
    two = []
    for storage_class in ("slow", "cold"):
        spec = json.loads(json.dumps(KEEPER["spec"]).replace('"fast"', f'"{storage_class}"'))
        two.append({**KEEPER, "metadata": {**KEEPER["metadata"], "name": storage_class}, "spec": spec})
    api = FakeApi(NAMESPACE, VOLUME)
    with pytest.raises(Problem, match=r"StorageClass slow.*StorageClass cold"):
        present(api, [NAMESPACE, *two], references="require")
    assert api.sent("GET").count("/api/v1/persistentvolumes") == 1


@pytest.mark.parametrize("references", ["require", "wait"])
def test_a_secret_that_may_not_be_read_is_warned_of_once(references: str) -> None:
    api = FakeApi(NAMESPACE)
    api.trouble = lambda _method, path: status(403, "Forbidden", "no secrets for you") if path == PATH else None
    warnings = present(api, [NAMESPACE, agent("user")], references=references)["warnings"]
    assert warnings == ["Not checked whether Secret ns/login exists: no secrets for you"]


def test_the_run_waits_for_a_secret_with_all_but_the_workloads_applied() -> None:
    api = FakeApi()
    before: list[str] = []

    def brought(now: float) -> None:
        if now > 10 and PATH not in api.objects:
            before.extend(api.sent("PATCH"))
            api.add(LOGIN)

    api.clock.on_sleep.append(brought)
    present(api, [NAMESPACE, agent("user")], references="wait")
    assert before == ["/api/v1/namespaces/ns"]
    assert "/apis/apps/v1/namespaces/ns/daemonsets/a" in api.objects


def test_the_wait_for_a_secret_ends() -> None:
    with pytest.raises(Problem, match=r"does not exist after 30 s: Secret ns/login with user"):
        present(FakeApi(), [NAMESPACE, agent("user")], references="wait")


@pytest.mark.parametrize("references", ["require", "wait"])
def test_check_mode_warns_of_what_an_earlier_task_may_create(references: str) -> None:
    result = present(FakeApi(), [NAMESPACE, agent("user")], references=references, check=True)
    assert "The collectors refer to what does not exist: Secret ns/login with user" in result["warnings"]
