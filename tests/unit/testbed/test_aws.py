# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS of the testbed cannot say what AWS could not; a pod gets the role that IAM lets it have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.cases import cases
from tests.testbed.aws.app import OPERATIONS
from tests.testbed.aws.direct import OPERATION_FUNCTIONS, REGION
from tests.testbed.aws.model import DriftError, check_answer, find_error_status, find_operation, load_service_model
from tests.testbed.aws.server import send_order, start_process, stop_process
from tests.testbed.aws.world import SCRIPTS, AwsError, Fault, Stage, World
from tests.testbed.eks import policies
from tests.testbed.eks.identities import AGENT_SERVICE, Identities
from tests.unit.plugins.module_utils._identity.live.runs import CLUSTER, Runs
from tests.unit.testbed.eks_iam import ROLE, associate, iam, jwt


def test_every_operation_and_status_is_one_of_the_service_model() -> None:
    assert set(OPERATIONS) | set(OPERATION_FUNCTIONS) <= set(load_service_model("eks").operation_names)
    statuses = {*load_service_model("eks").shape_for("AddonStatus").enum, "ABSENT"}
    assert {stage.status for stages in SCRIPTS.values() for stage in stages} <= statuses


@pytest.mark.parametrize("operation", OPERATIONS)
def test_requests_are_told_apart_by_the_service_model(operation: str) -> None:
    http = load_service_model("eks").operation_model(operation).http
    path = http["requestUri"].replace("{resourceArn}", "arn:aws:eks:r:1:addon/c/a/1")
    found = find_operation("eks", http["method"], path.replace("{", "").replace("}", ""))
    assert found
    assert found[0] == operation


GOOD = {"addonName": "a", "status": "ACTIVE", "createdAt": 1.0, "health": {"issues": []}, "tags": {"a": "b"}}


@cases(
    "change, words",
    ({"status": "FINE"}, "status is 'FINE', none of"),
    ({"state": "ACTIVE"}, "state is unknown"),
    ({"addonName": 1}, "addonName is int, not string"),
    ({"createdAt": "today"}, "createdAt is str, not timestamp"),
    ({"tags": {"a": 1}}, "tags.a is int, not string"),
    ({"health": {"issues": [{"code": "Odd"}]}}, r"issues\[0\].code is 'Odd'"),
    ({"podIdentityAssociations": [{"id": 1}]}, "is dict, not string"),
)
def test_what_aws_could_not_answer_is_drift(change: dict[str, Any], words: str) -> None:
    assert check_answer("eks", "DescribeAddon", {"addon": GOOD})
    with pytest.raises(DriftError, match=words):
        check_answer("eks", "DescribeAddon", {"addon": GOOD | change})


def test_errors_have_the_status_of_the_service_model() -> None:
    assert find_error_status("eks", "CreateAddon", "ResourceInUseException") == 409
    assert find_error_status("eks", "CreateAddon", "ThrottlingException", 429) == 429
    with pytest.raises(DriftError, match="DeleteAddon has no error ResourceInUseException"):
        find_error_status("eks", "DeleteAddon", "ResourceInUseException")


def test_faults_are_used_up_in_turn() -> None:
    world = World(lambda: 0.0)
    world.faults = [Fault("A", skip=1, times=2), Fault("*", code="x")]
    assert [getattr(world.take_fault("A"), "code", None) for _index in range(4)] == ["x", "", "", None]
    world.add_script("adot", "create", Stage("ACTIVE"))
    assert len(world.take_stages("adot", "create")) == 1
    assert world.take_stages("adot", "create") == SCRIPTS["create"]


def test_it_runs_as_a_process_and_is_told_what_to_do(tmp_path: Path) -> None:
    record = tmp_path / "aws"
    url = start_process(record)
    failed = {"status": "CREATE_FAILED", "issues": ["AccessDenied"]}
    try:
        send_order(url, "cluster", region="eu-west-1", name="prod", version="1.33")
        send_order(url, "script", addon="adot", operation="create", stages=[failed])
        options = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        eks = boto3.client("eks", region_name="eu-west-1", endpoint_url=url, **options)
        assert eks.describe_cluster(name="prod")["cluster"]["version"] == "1.33"
        made = eks.create_addon(clusterName="prod", addonName="adot")["addon"]
        assert (made["status"], made["health"]["issues"][0]["code"]) == ("CREATE_FAILED", "AccessDenied")
        send_order(url, "fault", operation="ListAddons", code="ThrottlingException", times=1)
        send_order(url, "expire", access_key="other")
        assert eks.list_addons(clusterName="prod")["addons"] == ["adot"]  # botocore tries again
        assert send_order(url, "calls")["calls"].count("ListAddons") == 2
        send_order(url, "reset")
        assert send_order(url, "calls") == {"calls": []}
    finally:
        stop_process(record)
    assert not record.exists()
    with pytest.raises(OSError, match="refused"):
        send_order(url, "calls")
    stop_process(record)  # one that is gone is fine


@pytest.fixture
def identities() -> Iterator[Identities]:
    with iam() as found:
        yield found


def test_a_pod_of_the_role_takes_it_on_with_a_token(identities: Identities) -> None:
    identities.check_web_identity({"WebIdentityToken": jwt(), "RoleArn": ROLE})
    for given in ({"WebIdentityToken": "x"}, {}):
        with pytest.raises(AwsError, match="no JSON web token"):
            identities.check_web_identity({"RoleArn": ROLE, **given})
    with pytest.raises(AwsError, match="Not authorized"):
        identities.check_web_identity({"WebIdentityToken": jwt(), "RoleArn": f"{ROLE}-2"})


@cases(
    "changes, code",
    ({"sub": "system:serviceaccount:o11y:other"}, "AccessDenied"),
    ({"aud": ["https://kubernetes.default.svc"]}, "InvalidIdentityToken"),
    ({"iss": "https://other.test"}, "InvalidIdentityToken"),
    ({"exp": 1}, "ExpiredTokenException"),
    ({"nbf": 4e9}, "ExpiredTokenException"),
    ({"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)}, "InvalidIdentityToken"),
)
def test_every_other_token_is_refused(identities: Identities, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(AwsError) as caught:
        identities.check_web_identity({"WebIdentityToken": jwt(**changes), "RoleArn": ROLE})
    assert caught.value.code == code


def test_the_agent_gives_credentials_to_pods_with_an_association(identities: Identities) -> None:
    token = jwt(aud=[AGENT_SERVICE])
    with pytest.raises(AwsError, match="eks-pod-identity-agent is not installed"):
        identities.issue_pod_credentials(token)
    associate(identities)
    with pytest.raises(AwsError, match="no association of o11y/other"):
        identities.issue_pod_credentials(jwt(aud=[AGENT_SERVICE], sub="system:serviceaccount:o11y:other"))
    assert identities.issue_pod_credentials(token)["AccessKeyId"].startswith("ASIA")
    with pytest.raises(AwsError, match="audience"):
        identities.issue_pod_credentials(jwt())


def test_a_token_that_is_no_json_web_token_is_refused(identities: Identities) -> None:
    head, body, _signature = jwt().split(".")
    for token in (f"{head}.{body}.a", f"W10.{body}.aa", f"{head}.W10.aa"):
        with pytest.raises(AwsError, match="no JSON web token"):
            identities.check_web_identity({"WebIdentityToken": token, "RoleArn": ROLE})


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize("unknown", [{"NotAction": "iam:*", "Resource": "*"}, {"Action": "*", "NotResource": "y"}])
def test_a_statement_that_is_not_understood_denies(unknown: dict[str, str]) -> None:
    assert policies.is_allowed([{"Statement": [ALL]}], "logs:PutLogEvents", "x", {})
    assert not policies.is_allowed([{"Statement": [ALL, {"Effect": "Deny", **unknown}]}], "logs:PutLogEvents", "x", {})
    assert not policies.is_allowed([{"Statement": [{"Effect": "Allow", **unknown}]}], "logs:PutLogEvents", "x", {})


def test_a_trust_policy_may_be_about_everybody() -> None:
    agent = policies.Principal("Service", AGENT_SERVICE)
    trust = {"Effect": "Allow", "Principal": {"Service": AGENT_SERVICE}, "Action": "sts:AssumeRole"}
    assert policies.may_assume_role({"Statement": [trust]}, "sts:AssumeRole", agent, {})
    assert policies.may_assume_role({"Statement": [{**trust, "Principal": "*"}]}, "sts:AssumeRole", agent, {})
    for denied in ({"Principal": "*"}, {"NotPrincipal": {"AWS": "x"}}):
        deny = {"Effect": "Deny", "Action": "*", **denied}
        assert not policies.may_assume_role({"Statement": [trust, deny]}, "sts:AssumeRole", agent, {})


@cases(
    "statement, action, resource, allowed",
    ({"Effect": "Allow", "Action": "logs:*", "Resource": "*"}, "logs:PutLogEvents", "x", True),
    ({"Effect": "Allow", "Action": ["LOGS:putlogevents"], "Resource": ["x", "y"]}, "logs:PutLogEvents", "y", True),
    ({"Effect": "Allow", "Action": "logs:Put*", "Resource": "x"}, "logs:PutLogEvents", "y", False),
    ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "logs:PutLogEvents", "x", False),
    ({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": "b"}}}, "a:b", "x", False),
    ({"Effect": "Deny", "Action": "*", "Resource": "*"}, "logs:PutLogEvents", "x", False),
)
def test_policies_allow_what_they_name(statement: dict[str, Any], action: str, resource: str, allowed: bool) -> None:
    assert policies.is_allowed([{"Statement": statement}], action, resource, {}) is allowed
    denied = [{"Statement": statement}, {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}]
    assert not policies.is_allowed(denied, action, resource, {})


def test_requests_without_a_token_are_no_repetitions() -> None:
    """Only a request with the token of an earlier one repeats it. A token is optional in the API of EKS."""
    runs = Runs()
    create_addon = OPERATION_FUNCTIONS["CreateAddon"]
    created = create_addon(runs.world, REGION, clusterName=CLUSTER, addonName="adot")
    assert created["addon"]["addonName"] == "adot"
    with pytest.raises(AwsError, match="Addon already exists"):
        create_addon(runs.world, REGION, clusterName=CLUSTER, addonName="adot")
    runs.clock.sleep(3600)
    update = OPERATION_FUNCTIONS["UpdateAddon"](runs.world, REGION, clusterName=CLUSTER, addonName="adot")
    assert update["update"]["id"].startswith("update-")
