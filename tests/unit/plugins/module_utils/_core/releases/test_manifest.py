# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import manifest

from .samples import CERTIFIER, OPERATING, certifier_release, definition, deployment, obj, operator_release, webhook


def test_a_release_has_its_version_and_its_namespace() -> None:
    found = manifest.release(OPERATING, [*operator_release(), None], "a.yaml")
    assert (str(found.version), found.namespace, len(found.objects)) == ("0.158.0", "op", len(operator_release()))


def test_the_label_says_the_version_where_the_image_does_not() -> None:
    objects = certifier_release()
    objects[4]["spec"]["template"]["spec"]["containers"][0]["image"] = "r:5000/cert-manager-controller@sha256:00"
    assert str(manifest.release(CERTIFIER, objects, "").version) == "1.21.2"


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([], "this is empty"),
        (["text"], r"holds no Kubernetes objects \(str\)"),
        ([{"kind": "List"}], r"holds no Kubernetes objects \(dict\)"),
        (certifier_release(), "this is the manifest of cert-manager"),
        ([obj("ConfigMap", "a")], "no Deployment in it runs the OpenTelemetry operator"),
        ([deployment("m", "op", "r/opentelemetry-operator@sha256:0")], "has a version"),
    ],
)
def test_what_is_no_release_of_the_product_is_refused(objects: list[Any], said: str) -> None:
    with pytest.raises(Problem, match=said) as failed:
        manifest.release(OPERATING, objects, "here.yaml")
    assert "(at here.yaml)" in str(failed.value)


@pytest.mark.parametrize(
    ("image", "name", "tag"),
    [
        ("quay.io/j/cert-manager-controller:v1", "cert-manager-controller", "v1"),
        ("localhost:5000/x", "x", ""),
        ("r:5000/a/b:2@sha256:00ff", "b", "2"),
    ],
)
def test_an_image_has_a_name_and_a_tag(image: str, name: str, tag: str) -> None:
    assert (manifest.image_name(image), manifest.tag(image)) == (name, tag)


def test_what_is_waited_for() -> None:
    assert manifest.workloads(certifier_release()) == [
        {"kind": "Deployment", "namespace": "cert-manager", "name": "cm"},
        {"kind": "Deployment", "namespace": "cert-manager", "name": "cm-webhook"},
    ]
    assert manifest.webhooks(operator_release()) == [
        {"kind": "CustomResourceDefinition", "name": "collectors.example.com"},
        {"kind": "MutatingWebhookConfiguration", "name": "hooks"},
    ]
    assert manifest.webhooks([definition(), obj("ConfigMap", "a"), webhook("ValidatingWebhookConfiguration")]) == [
        {"kind": "ValidatingWebhookConfiguration", "name": "hooks"}
    ]
