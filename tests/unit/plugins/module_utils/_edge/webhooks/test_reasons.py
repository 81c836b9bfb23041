# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why nobody has written a CA into a webhook configuration."""

from __future__ import annotations

from typing import Any

import pytest

from ..fake_api import FakeApi, reply
from .test_wait import CONFIGURATION, INJECTOR, configuration, fails, obj

CERTIFICATE = "/apis/cert-manager.io/v1/namespaces/ns/certificates/c"
SECRET = obj("Secret", "s", metadata={"annotations": {"cert-manager.io/allow-direct-injection": "true"}})


def certificate(ready: str) -> Any:
    state = {"type": "Ready", "status": ready, "reason": "Failed", "message": "no issuer"}
    return reply(obj("Certificate", "c", "cert-manager.io/v1", status={"conditions": [state]}))


@pytest.mark.parametrize(
    ("annotations", "certificates", "live", "words"),
    [
        ({}, {}, [], "it has no annotation cert-manager.io/inject-ca-from"),
        ({"inject_ca_from": "ns/c"}, {}, [], "cert-manager is not installed here"),
        ({"inject_ca_from": "ns/c"}, {"/apis/cert-manager.io/v1/certificates": reply({})}, [], "does not exist"),
        ({"inject_ca_from": "ns/c"}, {CERTIFICATE: certificate("False")}, [], "is not ready (Failed: no issuer)"),
        ({"inject_ca_from": "ns/c"}, {CERTIFICATE: certificate("True")}, [], "no cainjector"),
        ({"inject_ca_from_secret": "ns/s"}, {}, [], "Secret ns/s that cert-manager.io/inject-ca-from-secret names"),
        ({"inject_ca_from_secret": "ns/s"}, {}, [obj("Secret", "s")], "no annotation cert-manager.io/allow-direct"),
        (
            {"inject_ca_from_secret": "ns/s"},
            {},
            [SECRET, INJECTOR | {"status": INJECTOR["status"] | {"availableReplicas": 1}}],
            "look at the log of the cainjector (Deployment ns/ca: 1 of 1 ready)",
        ),
        (
            {"inject_ca_from_secret": "ns/s"},
            {},
            [SECRET, INJECTOR],
            "the cainjector does not run (Deployment ns/ca: 0 of",
        ),
    ],
)
def test_why_no_ca_is_injected(annotations: Any, certificates: Any, live: Any, words: str) -> None:
    api = FakeApi(configuration("", **annotations), *live)
    api.trouble = lambda _method, path: certificates.get(path)
    assert words in str(fails(api, webhooks=[CONFIGURATION], seconds=0))
