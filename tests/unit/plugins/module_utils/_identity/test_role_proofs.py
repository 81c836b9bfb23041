# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shows that a role works: the variables of a pod, a pod of a dry run, and answers of STS."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.iam_policy import ServiceAccount
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.role_proofs import (
    dry_run_pod,
    has_credentials,
    is_collector_of,
    is_propagation_error,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.aws_failures import FailedCall

from ..helpers import cases

ACCOUNT = ServiceAccount("obs", "gateway")


def pod(variable: str = "", value: str = "", **status: Any) -> dict[str, Any]:
    env = [{"name": variable, "value": value}] if variable else None
    return {
        "metadata": {"labels": {"o11y.opentelemetry/collector": "a"}},
        "spec": {"serviceAccountName": "gateway", "containers": [{"name": "a", "env": env}]},
        "status": status,
    }


@cases(
    "given, provider, expected",
    (pod("AWS_ROLE_ARN", "arn:a"), "irsa", True),
    (pod("AWS_ROLE_ARN", "arn:b"), "irsa", False),
    (pod("AWS_ROLE_ARN", "arn:a"), "pod_identity", False),
    (pod("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x"), "pod_identity", True),
    (pod(), "irsa", False),
    ({}, "irsa", False),
)
def test_variables_of_a_pod_are_its_credentials(given: dict[str, Any], provider: str, expected: bool) -> None:
    assert has_credentials(given, provider, "arn:a") is expected


def test_pods_of_others_and_those_that_end_are_left_alone() -> None:
    assert is_collector_of(pod(), ACCOUNT)
    assert not is_collector_of(pod(), ServiceAccount("obs", "other"))
    ending = {"metadata": {**pod()["metadata"], "deletionTimestamp": "now"}}
    assert not any(is_collector_of(pod() | other, ACCOUNT) for other in (pod(phase="Failed"), {"metadata": {}}, ending))


def test_the_pod_of_a_dry_run_has_the_account() -> None:
    assert dry_run_pod(ACCOUNT)["metadata"]["namespace"] == "obs"
    assert dry_run_pod(ACCOUNT)["spec"]["serviceAccountName"] == "gateway"


def test_sts_may_learn_of_a_role_but_not_of_better_requests() -> None:
    assert is_propagation_error(FailedCall("AccessDenied", ""))
    assert not is_propagation_error(FailedCall("ValidationError", ""))
