# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.answers import FailedCall
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.proof import equipped, lags, theirs, trial
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.trust import Account

ACCOUNT = Account("obs", "gateway")


def pod(variable: str = "", value: str = "", **status: Any) -> dict[str, Any]:
    env = [{"name": variable, "value": value}] if variable else None
    return {
        "metadata": {"labels": {"o11y.opentelemetry/collector": "a"}},
        "spec": {"serviceAccountName": "gateway", "containers": [{"name": "a", "env": env}]},
        "status": status,
    }


@pytest.mark.parametrize(
    ("given", "provider", "expected"),
    [
        (pod("AWS_ROLE_ARN", "arn:a"), "irsa", True),
        (pod("AWS_ROLE_ARN", "arn:b"), "irsa", False),
        (pod("AWS_ROLE_ARN", "arn:a"), "pod_identity", False),
        (pod("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x"), "pod_identity", True),
        (pod(), "irsa", False),
        ({}, "irsa", False),
    ],
)
def test_a_pod_is_equipped_by_its_variables(given: dict[str, Any], provider: str, expected: bool) -> None:
    assert equipped(given, provider, "arn:a") is expected


def test_pods_of_others_and_those_that_end_are_left_alone() -> None:
    assert theirs(pod(), ACCOUNT)
    assert not theirs(pod(), Account("obs", "other"))
    assert not theirs(pod(phase="Failed"), ACCOUNT)
    assert not theirs({**pod(), "metadata": {}}, ACCOUNT)
    assert not theirs({**pod(), "metadata": {**pod()["metadata"], "deletionTimestamp": "now"}}, ACCOUNT)


def test_a_trial_is_of_the_account() -> None:
    assert trial(ACCOUNT)["metadata"]["namespace"] == "obs"
    assert trial(ACCOUNT)["spec"]["serviceAccountName"] == "gateway"


def test_sts_may_learn_of_a_role_but_not_of_better_requests() -> None:
    assert lags(FailedCall("AccessDenied", ""))
    assert not lags(FailedCall("ValidationError", ""))
