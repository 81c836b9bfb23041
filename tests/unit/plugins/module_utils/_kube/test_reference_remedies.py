# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster lacks of a reference, and how a user adds it."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.reference_remedies import (
    describe_lacking_parts,
    describe_remedy,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.masking import mask_and_clean
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.pod_references import PodReference

from tests.support.cases import cases

WANTED = PodReference("Secret", "ns", "login", ("password", "user"))


def obj(kind: str, **data: Any) -> Any:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "ns"}, **data}


@cases(
    "live, text",
    (None, "Secret ns/login with password, user"),
    (obj("Secret", data={"user": "eA=="}), "password in Secret ns/login"),
    (obj("ConfigMap", data={"user": "x"}, binaryData={"password": "eA=="}), ""),
    (obj("Secret"), "password, user in Secret ns/login"),
)
def test_what_is_missing_is_named_with_its_keys(live: Any, text: str) -> None:
    assert describe_lacking_parts(WANTED, live) == text


@cases(
    "wanted, exists, namespace, text",
    (WANTED, False, True, "`kubectl create secret generic login --namespace ns --from-file=FOLDER/password --from"),
    (WANTED, False, False, "-o yaml | kubectl apply -f - && kubectl create secret generic login --namespace ns"),
    (WANTED, True, True, "Add the keys with `kubectl edit secret login --namespace ns`."),
    (
        PodReference("ConfigMap", "ns", "a"),
        False,
        True,
        "`kubectl create configmap a --namespace ns --from-file=FOLDER`",
    ),
    (PodReference("RuntimeClass", "", "x"), False, True, "choose one that `kubectl get runtimeclass` lists"),
    (PodReference("StorageClass", "", "x"), False, True, "set `storage.class` to one that"),
    (PodReference("CustomResourceDefinition", "", "x"), False, True, "disable `prometheus_cr`"),
    (PodReference("PriorityClass", "", "x"), False, True, "set `priority_class_name` to one that"),
)
def test_the_fix_adds_what_is_missing(wanted: PodReference, exists: bool, namespace: bool, text: str) -> None:
    fix = describe_remedy(wanted, exists=exists, has_namespace=namespace)
    assert text in fix
    assert mask_and_clean(fix) == fix
