# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks that modules run in the worker process and in a process of their own."""

from __future__ import annotations

from typing import Any

TOKEN, HIDDEN = "token-of-the-connection", "hidden-in-a-secret"
LABELS = {"app": "a"}


def obj(kind: str, name: str, **more: Any) -> dict[str, Any]:
    scope = {} if kind == "Namespace" else {"namespace": "ns"}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": LABELS, **scope}, **more}


NAMESPACE = obj("Namespace", "ns")
CONFIG, OTHER = obj("ConfigMap", "a", data={"a": "one", 2: "two"}), obj("ConfigMap", "b", data={"b": "{{ text }}"})
SECRET = obj("Secret", "a", stringData={"token": HIDDEN})
BUNDLE = [NAMESPACE, CONFIG, SECRET]
CHANGED = [NAMESPACE, {**CONFIG, "data": {"a": "three"}}, OTHER, SECRET]
DEPLOYMENT = {"kind": "Deployment", "name": "a", "namespace": "ns"}
INJECTED = {"instrumentation.opentelemetry.io/inject-java": "ns/a"}
ANNOTATED = {"metadata": {"name": "ns", "annotations": INJECTED}}
# The client of Kubernetes logs what a command says that makes no token, and goes on.
EXEC = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "command": "sh",
    "args": ["-c", "echo $((41 + 1)) failed >&2; false"],
}
KUBECONFIG = {
    "current-context": "a",
    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "a", "user": {"exec": EXEC}}],
}
ACCOUNT = {"namespace": "ns", "service_account": "a", "role_arn": "arn:aws:iam::123456789012:role/a"}
VIA = {"namespace": "ns", "service": "a"}
RECEIVER = "/api/v1/namespaces/ns/services/a:4318/proxy/v1"
BY_KUBECONFIG = {"module": "release_info", "product": "cert-manager", "host": None, "api_key": None}
# A task each, in this order: the arguments of the module, and keywords of the task.
CASES: dict[str, dict[str, Any]] = {
    "created": {"manifests": [*BUNDLE, OTHER], "diff": True},
    "unchanged": {"manifests": BUNDLE},
    "predicted": {"manifests": CHANGED, "diff": True, "check_mode": True},
    "pruned": {"manifests": BUNDLE, "prune_selector": "app=a", "diff": True},
    "warned": {"manifests": [*BUNDLE, obj("ConfigMap", "warned")], "verify_ssl": False},
    "found": {"module": "release_info", "product": "cert-manager"},
    "identified": {"module": "cluster_check"},
    "late": {"module": "rollout_wait", "workloads": [DEPLOYMENT], "timeout_seconds": 0.1},
    "admitted": {"module": "admission_wait", "manifests": [CONFIG]},
    "olm": {"module": "olm_info", "package": "opentelemetry-product"},
    "unsubscribed": {"module": "olm_wait", "namespace": "ns", "subscription": "a", "timeout_seconds": 0.1},
    "unpinned": {"module": "olm_wait", "namespace": "ns", "subscription": "a", "approval": "manual"},
    "restarted": {"module": "workload_restart", "sidecars": [{"namespace": "ns", "name": "a"}]},
    "annotated": {"module": "instrumentation_namespaces", "references": ["ns/a"], "namespaces": [ANNOTATED]},
    "checked": {"module": "instrumentation_check", "requirements": {"languages": ["java"]}, "wait_seconds": 0.1},
    "proven": {"module": "identity_wait", "provider": "irsa", "accounts": [ACCOUNT], "timeout_seconds": 0.1},
    "informed": {"module": "collector_info"},
    "probed": {"module": "otlp_probe", "via": VIA, "headers": {"x-key": HIDDEN}},
    "not_taken": {"module": "otlp_probe", "via": {**VIA, "service": "b"}, "headers": {"x-key": HIDDEN}},
    "not_sent": {"module": "otlp_probe", "via": VIA, "check_mode": True},
    "refused": {"module": "admission_wait", "manifests": [SECRET, obj("ConfigMap", "denied")]},
    "denied": {"manifests": [*BUNDLE, obj("ConfigMap", "denied")]},
    "not_json": {"manifests": [*BUNDLE, obj("ConfigMap", "not-json")]},
    "crashed": {"manifests": [*BUNDLE, obj("ConfigMap", "no-metadata")]},
    "forgiven": {"manifests": [*BUNDLE, obj("ConfigMap", "no-metadata")], "failed_when": False},
    "line_end": {"module": "release_info", "product": "cert-manager", "api_key": f"{TOKEN}\n"},
    "nobody": {"manifests": BUNDLE, "host": "http://127.0.0.1:1"},
    "quiet": {**BY_KUBECONFIG, "kubeconfig": KUBECONFIG},
    "by_path": {**BY_KUBECONFIG, "kubeconfig": "beside/the-playbook"},
    "by_path_of_the_run": {**BY_KUBECONFIG, "kubeconfig": "where-ansible-was-started"},
    "by_variable": BY_KUBECONFIG,
    "by_wrong_path": {**BY_KUBECONFIG, "kubeconfig": "no/such-file"},
    "absent": {"manifests": BUNDLE, "state": "absent"},
}
# A process says how it crashed in words of its own.
CRASHES = {"crashed", "forgiven"}
CRASH = "'metadata'"
# What the worker leaves to the module.
LEFT: dict[str, dict[str, Any]] = {
    "unknown": {"manifests": BUNDLE, "manifest": 1},
    "nowhere": {"module": "otlp_probe"},
    "environment": {"manifests": BUNDLE, "environment": {"NAME": "value"}},
}
