# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why no CA is in a webhook configuration, as a wait tells it."""

from __future__ import annotations

from typing import Any

import pytest

from ...fake_api import FakeApi, reply
from ...live_helpers import obj
from .test_webhook_wait import CONFIGURATION, configuration, deployment, fails

CERTIFICATE = "/apis/cert-manager.io/v1/namespaces/ns/certificates/c"
SECRET = obj("Secret", "s", metadata={"annotations": {"cert-manager.io/allow-direct-injection": "true"}})


def issued(ready: str) -> Any:
    state = {"type": "Ready", "status": ready, "reason": "Failed", "message": "no issuer"}
    return {CERTIFICATE: reply(obj("Certificate", "c", status={"conditions": [state]}))}


INJECTOR = {"app.kubernetes.io/name": "cainjector"}
CERTIFICATES = {"/apis/cert-manager.io/v1/certificates": reply({})}
BY_CERTIFICATE, BY_SECRET = {"inject_ca_from": "ns/c"}, {"inject_ca_from_secret": "ns/s"}


@pytest.mark.parametrize(
    ("annotations", "answers", "live", "words"),
    [
        ({}, {}, [], "it has no annotation cert-manager.io/inject-ca-from"),
        (BY_CERTIFICATE, {}, [], "cert-manager is not installed here"),
        (BY_CERTIFICATE, CERTIFICATES, [], "does not exist"),
        (BY_CERTIFICATE, issued("False"), [], "is not ready (Failed: no issuer)"),
        (BY_CERTIFICATE, issued("True"), [], "no cainjector"),
        (BY_SECRET, {}, [], "Secret ns/s that cert-manager.io/inject-ca-from-secret names"),
        (BY_SECRET, {}, [obj("Secret", "s")], "no annotation cert-manager.io/allow-direct"),
        (BY_SECRET, {}, [SECRET, deployment("ca", 1, **INJECTOR)], "look at the log of the cainjector"),
        (BY_SECRET, {}, [SECRET, deployment("ca", **INJECTOR)], "the cainjector does not run (Deployment ns/ca: 0 of"),
        (
            {"inject_apiserver_ca": "true"},
            {},
            [deployment("ca", **INJECTOR)],
            "cert-manager.io/inject-apiserver-ca asks for the CA of the API server, but the cainjector does not run",
        ),
    ],
)
def test_why_no_ca_is_injected(annotations: Any, answers: Any, live: Any, words: str) -> None:
    api = FakeApi(configuration("", **annotations), *live)
    api.trouble = lambda _method, path: answers.get(path)
    assert words in str(fails(api, webhooks=[CONFIGURATION], seconds=0))
