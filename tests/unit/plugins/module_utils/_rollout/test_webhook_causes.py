# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a webhook does not answer, by the words of the API server."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import api_responses
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.webhook_causes import (
    CAUSES_WITH_PORT,
    WEBHOOK_CAUSES,
    find_unreachable_service,
    find_webhook_cause,
)

from ..helpers import cases

CALL = 'Internal error occurred: failed calling webhook "b": failed to call webhook: Post "https://hook.ns.svc:443/x": '
CAUSES = {
    'service "hook" not found': "no_service",
    'no endpoints available for service "hook"': "no_endpoints",
    "x509: certificate is valid for ip-10-0-0-1, not hook.ns.svc": "certificate_name",
    "x509: certificate has expired or is not yet valid: current time is after": "certificate_time",
    "tls: failed to verify certificate: x509: certificate signed by unknown authority": "untrusted",
    "dial tcp 10.0.0.1:9443: connect: connection refused": "refused",
    "EOF": "refused",
    "context deadline exceeded": "unreachable",
    'Post "https://geofence.ns.svc:443/x": context deadline exceeded': "unreachable",
    "dial tcp 10.0.0.1:9443: i/o timeout": "unreachable",
    "No agent available": "unreachable",
    "the server is currently unable to handle the request": "unreachable",
    "the server could not find the requested resource": "no_path",
    "something new": "other",
}


@cases("words, cause", *CAUSES.items())
def test_why_a_webhook_does_not_answer(words: str, cause: str) -> None:
    assert api_responses.is_webhook_failure(CALL + words)
    assert find_webhook_cause(words).id == find_webhook_cause(CALL + words).id == cause
    assert set(CAUSES.values()) == {row.id for row in WEBHOOK_CAUSES}


@cases(
    "message, passing",
    ('conversion webhook for a/v1, Kind=B failed: Post "https://hook.ns.svc:443/convert": EOF', True),
    ("conversion webhook for a/v1, Kind=B failed: the config is no map", False),
    ('admission webhook "a.b" denied the request: no', False),
    ("etcdserver: request timed out", False),
)
def test_no_answer_is_not_a_no(message: str, passing: bool) -> None:
    assert api_responses.is_webhook_failure(message) is passing


def test_causes_with_a_port_are_those_whose_fix_names_it() -> None:
    assert {cause.id for cause in WEBHOOK_CAUSES if "{port}" in cause.fix} == set(CAUSES_WITH_PORT)


def test_the_message_names_the_service() -> None:
    assert find_unreachable_service(CALL) == ("ns", "hook")
    assert find_unreachable_service("https://hooks.example.com/x") is None
