# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import certificates
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases.certificates import CertificateSource

from .samples import operator_release


def secured(**wanted: Any) -> dict[str, Any]:
    objects = certificates.secured(copy.deepcopy(operator_release()), CertificateSource(**wanted))
    return {f"{item['kind']} {item['metadata']['name']}": item for item in objects}


def test_the_release_signs_its_certificate_itself() -> None:
    assert list(secured().values()) == operator_release()


def test_an_issuer_of_the_users_takes_the_place_of_the_releases() -> None:
    result = secured(source="issuer", issuer={"name": "corporate", "kind": "ClusterIssuer"})
    assert "Issuer self" not in result
    assert result["Certificate serving"]["spec"]["issuerRef"] == {
        "group": "cert-manager.io",
        "kind": "ClusterIssuer",
        "name": "corporate",
    }


def test_an_issuer_has_to_be_named() -> None:
    with pytest.raises(Problem, match="the issuer has no name"):
        secured(source="issuer")


def test_a_generated_certificate_needs_nothing_of_cert_manager() -> None:
    result = secured(source="generated", ca_bundle="PEM")
    assert {"Certificate serving", "Issuer self"} & set(result) == set()
    bundle = base64.b64encode(b"PEM").decode()
    hooks = result["MutatingWebhookConfiguration hooks"]
    assert hooks["webhooks"][0]["clientConfig"]["caBundle"] == bundle
    assert "annotations" not in hooks["metadata"]
    conversion = result["CustomResourceDefinition collectors.example.com"]["spec"]["conversion"]
    assert conversion["webhook"]["clientConfig"]["caBundle"] == bundle
    volumes = result["Deployment manager"]["spec"]["template"]["spec"]["volumes"]
    assert volumes[0]["secret"]["secretName"] == certificates.GENERATED_SECRET


def test_before_there_is_a_certificate_no_bundle_is_made_up() -> None:
    hooks = secured(source="generated")["MutatingWebhookConfiguration hooks"]
    assert "caBundle" not in hooks["webhooks"][0]["clientConfig"]


def test_a_certificate_is_for_the_services_of_the_webhooks() -> None:
    assert certificates.hosts(operator_release()) == ["hook.op.svc", "hook.op.svc.cluster.local"]
