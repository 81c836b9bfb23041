# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules for AWS give the same result in the worker process and in a process of their own.

One playbook runs every case on two hosts, each with an AWS of its own.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import pytest

from tests.contract.source import files, text
from tests.testbed.aws.server import send_order, start_process, stop_process

from .test_worker import PYTHONS, SEEN, invocations, play, shown

REGION, CLUSTER, KEY, HIDDEN = "eu-west-1", "prod", "secret-of-the-caller", "hidden-in-a-configuration"
ISSUER = "https://oidc.example.com/id/A"
ADDON = {"module": "eks_addon", "cluster_name": CLUSTER, "name": "adot", "wait": False, "diff": True}
ADDONS = {"module": "eks_addon_info", "cluster_name": CLUSTER, "name": "adot"}
PROVIDER = {"module": "iam_oidc_provider", "cluster_name": CLUSTER}
ACCOUNT = {"cluster_name": CLUSTER, "namespace": "ns", "service_account": "a"}
ROLE = {"module": "iam_service_account_role", "name": "role", **ACCOUNT}
ARN = "arn:aws:iam::123456789012:role/role"
ASSOCIATION = {"module": "eks_pod_identity_association", **ACCOUNT, "role_arn": ARN}
ALLOWED = [{"Effect": "Allow", "Action": ["xray:PutTraceSegments"], "Resource": "*"}]
# A task each, in this order: the arguments of the module, and keywords of the task.
CASES: dict[str, dict[str, Any]] = {
    "provider": {**PROVIDER, "tags": {"team": "a"}, "diff": True},
    "provider_again": PROVIDER,
    "role": {**ROLE, "statements": ALLOWED, "diff": True},
    "role_predicted": {**ROLE, "managed_policies": [], "tags": {"team": "a"}, "diff": True, "check_mode": True},
    "association": ASSOCIATION,
    "association_again": ASSOCIATION,
    "addon": {**ADDON, "configuration_values": {"replicaCount": 1}},
    "unfit": {**ADDON, "configuration_values": {"token": HIDDEN}},
    "addons": {**ADDONS, "available": True},
    "refused": {"module": "eks_addon_info", "cluster_name": "denied"},
    "no_cluster": {**PROVIDER, "cluster_name": "nosuch"},
    "two_identities": {**ADDONS, "profile": "nosuch"},
    "no_region": {**ADDONS, "region": None},
    "line_end": {**ADDONS, "session_token": f"{KEY}\n"},
    "role_absent": {**ROLE, "state": "absent"},
    "provider_absent": {**PROVIDER, "state": "absent"},
}
# What the worker leaves to the module.
LEFT: dict[str, dict[str, Any]] = {
    "logged": {**ADDONS, "debug_botocore_endpoint_logs": True},
    "incomplete": {"module": "eks_addon_info", "configuration": True},
    "both": {**PROVIDER, "url": ISSUER},
}
CHANGED = {"provider", "role", "role_predicted", "association", "addon", "role_absent", "provider_absent"}
FAILED = {"unfit", "refused", "no_cluster", "two_identities", "no_region", "line_end", "incomplete", "both"}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("aws")
    urls = {name: start_process(folder / name) for name in PYTHONS}
    try:
        for url in urls.values():
            send_order(url, "cluster", region=REGION, name=CLUSTER, issuer=ISSUER)
            # Else the time that a case takes decides whether the add-on is still being made.
            send_order(url, "script", addon="adot", operation="create", stages=[{"status": "ACTIVE"}])
            send_order(
                url, "fault", operation="ListAddons", code="AccessDeniedException", status=403, message=f"No {KEY}"
            )
        defaults = {"region": REGION, "endpoint_url": "{{ url }}", "access_key": "AKID", "secret_key": KEY}
        return play(folder, CASES | LEFT, urls, {"group/o11y.opentelemetry.aws": defaults})
    finally:
        for name in urls:
            stop_process(folder / name)


def compared(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result as `shown` does, without the secrets among the options, which each core marks in its own way."""
    found = shown(result)
    options = found.get("invocation", {}).get("module_args", {})
    for name in ("secret_key", "session_token"):
        if options.get(name):
            options[name] = "given"
    return found


@pytest.mark.parametrize("name", sorted({*CASES, *LEFT}))
def test_both_ways_give_the_same_result(name: str, played: tuple[dict[str, Any], str]) -> None:
    here, apart = (compared(played[0][host][name]) for host in PYTHONS)
    assert here == apart


def test_both_ways_print_the_same(played: tuple[dict[str, Any], str]) -> None:
    printed = {host: [compared(one) for one in found] for host, found in invocations(played[1], "secret_key").items()}
    assert printed["worker"] == printed["module"]
    assert len(printed["worker"]) == len({*CASES, *LEFT})


def test_the_cases_are_what_they_are_named_for(played: tuple[dict[str, Any], str]) -> None:
    found = played[0]["worker"]
    assert {name for name, result in found.items() if result["changed"]} == CHANGED
    assert {name for name, result in found.items() if result.get("failed")} == FAILED
    assert "resource_actions" in found["logged"]


def test_no_secret_is_shown_either_way(played: tuple[dict[str, Any], str]) -> None:
    results, output = played
    # Since 2.22, Ansible hides a module's secrets where it shows a result; what a task registers is as the module says.
    by_ansible = find_spec("ansible.module_utils.secrets") is not None
    kept = {name: one for name, one in results["worker"].items() if name not in LEFT} if by_ansible else results
    assert [secret for secret in (KEY, HIDDEN) if secret in json.dumps(kept) + output] == []


def test_the_worker_starts_a_module_only_for_what_it_leaves_to_it(played: tuple[dict[str, Any], str]) -> None:
    assert len(SEEN.findall(played[1])) == len(CASES) + 2 * len(LEFT)


def test_every_action_for_aws_has_a_case() -> None:
    actions = {path.split("/")[-1][:-3] for path in files("plugins/action/*.py") if "(AwsAction)" in text(path)}
    assert actions == {str(values["module"]) for values in CASES.values()}
