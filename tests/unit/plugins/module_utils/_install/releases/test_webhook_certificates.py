# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.webhook_certificates import (
    GENERATED_SECRET,
    CertificateSource,
    apply_certificates,
    list_webhook_hosts,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from . import samples


def secured(**wanted: Any) -> dict[str, Any]:
    objects = apply_certificates(copy.deepcopy(samples.operator_release()), CertificateSource(**wanted))
    return {f"{item['kind']} {item['metadata']['name']}": item for item in objects}


def test_an_issuer_of_the_users_takes_the_place_of_the_releases() -> None:
    assert list(secured().values()) == samples.operator_release()
    assert list_webhook_hosts(samples.operator_release()) == ["hook.op.svc", "hook.op.svc.cluster.local"]
    issuer = {"name": "corporate", "kind": "ClusterIssuer"}
    result = secured(source="issuer", issuer=issuer)
    assert "Issuer self" not in result
    assert result["Certificate serving"]["spec"]["issuerRef"] == {"group": "cert-manager.io", **issuer}
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
    assert volumes[0]["secret"]["secretName"] == GENERATED_SECRET
    before = secured(source="generated")["MutatingWebhookConfiguration hooks"]
    assert "caBundle" not in before["webhooks"][0]["clientConfig"]
