# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A webhook whose certificate the API server does not trust: whether to wait for it, and for how long."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import BACKOFF_PAUSES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live import webhook_trust
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.webhook_wait import (
    AdmissionWait,
    WebhookWaitOptions,
)

from tests.support.cases import cases

from ..._change.live.bundle_helpers import NAMESPACE, present
from ...fake_api import FakeApi, status
from ...live_helpers import obj

CALL = 'failed calling webhook "hook.example.com": failed to call webhook: Post "https://hook.ns.svc:443/": {}'
DISTRUST = CALL.format("tls: failed to verify certificate: x509: certificate signed by unknown authority")
OLD, NEW = "2026-01-01T00:00:00Z", "2026-01-01T00:04:00Z"
CONFIG = obj("ConfigMap", "a", data={"a": "b"})
SECRET = {"cert-manager.io/inject-ca-from": "ns/hook"}


def now() -> datetime.datetime:
    return datetime.datetime(2026, 1, 1, 0, 5, tzinfo=datetime.UTC)


def configuration(created: str = OLD, name: str = "hook.example.com", **annotations: str) -> dict[str, Any]:
    found = obj("ValidatingWebhookConfiguration", "hook", webhooks=[{"name": name}])
    found["metadata"].pop("namespace", None)
    found["metadata"] |= {"creationTimestamp": created, "annotations": annotations, "managedFields": [{"time": OLD}]}
    return found


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_trust.is_trust_lost, "__defaults__", (now,))


def refusing(message: str, *configurations: dict[str, Any]) -> FakeApi:
    api = FakeApi(NAMESPACE, *configurations)
    api.refuse("/configmaps/a", status(500, "InternalError", message), "PATCH")
    return api


@cases(
    "message, found, waits",
    (DISTRUST, [configuration()], False),
    (DISTRUST, [configuration(NEW)], True),
    (DISTRUST, [configuration(**SECRET)], True),
    (DISTRUST, [configuration(**{"service.beta.openshift.io/inject-cabundle": "true"})], True),
    (DISTRUST, [configuration(name="other.example.com")], True),
    (DISTRUST, [], True),
    (CALL.format("connection refused"), [configuration()], True),
)
def test_only_trust_that_may_still_come_is_waited_for(message: str, found: Any, waits: bool) -> None:
    api = refusing(message, *found)
    with pytest.raises(Problem, match="an admission webhook does not answer"):
        present(api, [NAMESPACE, CONFIG], wait_seconds=60)
    assert (60 <= api.clock.now < 70) if waits else (api.clock.now < 15)


def test_a_configuration_that_may_not_be_read_is_waited_for() -> None:
    api = refusing(DISTRUST, configuration())
    refused = api.trouble
    api.trouble = lambda method, path: (
        status(403, "Forbidden", "no") if "webhookconfigurations" in path else refused(method, path)
    )
    with pytest.raises(Problem):
        present(api, [NAMESPACE, CONFIG], wait_seconds=60)
    # The first one waits; the others keep the short pauses, by which a rollback rides out one refusal.
    assert 60 < api.clock.now < 60 + 2 * sum(BACKOFF_PAUSES) + 2


def test_a_webhook_is_waited_for_once_and_not_for_each_request() -> None:
    """A change is tried before it is recorded, and applied after that."""
    api = FakeApi()
    api.apply("us", NAMESPACE, CONFIG)
    api.refuse("/configmaps/a", status(500, "InternalError", DISTRUST), "PATCH")
    cluster = api.cluster()
    cluster.outage.patience_seconds = 60
    for _ in range(3):
        with pytest.raises(Exception, match="failed calling webhook"):
            cluster.request("PATCH", "/api/v1/namespaces/ns/configmaps/a", body={})
    # The first one waits; the others keep the short pauses, by which a rollback rides out one refusal.
    assert 60 < api.clock.now < 60 + 2 * sum(BACKOFF_PAUSES) + 2


@pytest.mark.parametrize(("created", "waits"), [(OLD, False), (NEW, True)])
def test_the_wait_for_webhooks_ends_too(created: str, waits: bool) -> None:
    api = refusing(DISTRUST, configuration(created))
    with pytest.raises(Problem):
        AdmissionWait(api.cluster(), WebhookWaitOptions([CONFIG], [], 60)).wait()
    assert (api.clock.now >= 60) is waits
