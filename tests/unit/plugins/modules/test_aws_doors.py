# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for AWS: documented as they are, silent about secrets, in the action group; and eks_addon_info."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live import aws_specs

from tests.support.cases import cases
from tests.support.documentation import read_documentation
from tests.testbed.aws.world import Stage

from .conftest import CLUSTER, REGION, Aws
from .test_cluster_doors import assert_documented

SPECS = {name: module["argument_spec"] for name, module in aws_specs.MODULES.items()}
ROOT = Path(__file__).resolve().parents[4]
BASE: dict[str, Any] = {"cluster_name": CLUSTER, "name": "adot"}


@pytest.mark.parametrize("name", SPECS)
def test_options_are_documented_as_they_are(name: str) -> None:
    assert_documented(aws_argument_spec() | SPECS[name], read_documentation(name)["options"])


def test_all_of_them_are_in_the_action_group() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert [item for item in groups["aws"] if isinstance(item, str)] == sorted(SPECS)


@cases(
    "fault, words",
    ({"code": "AccessDeniedException", "status": 403, "message": "No"}, "Allow eks:DescribeAddon to the caller"),
    ({"code": "UnrecognizedClientException", "status": 403}, "AWS does not accept the credentials"),
    ({"code": "ThrottlingException", "times": 1000}, "AWS is overloaded or in trouble, and stayed so"),
    ({"drop": "before", "times": 1000}, "AWS cannot be reached"),
)
def test_trouble_is_told_with_what_to_do(aws: Aws, fault: dict[str, Any], words: str) -> None:
    aws.world.trouble(operation="DescribeAddon", **fault)
    result = aws.run("eks_addon", **BASE)
    assert words in result["msg"]
    assert result["error"]["code"]


def test_trouble_that_passes_is_not_told(aws: Aws) -> None:
    aws.world.trouble(code="ThrottlingException", times=2)
    aws.world.trouble(drop="before", times=2)
    aws.world.trouble(operation="CreateAddon", drop="after")
    assert aws.run("eks_addon", **BASE)["status"] == "ACTIVE"


def test_expired_credentials_are_a_clear_error(aws: Aws) -> None:
    aws.world.expired_keys.add("AKIDTESTBED")
    for name, options in (("eks_addon", BASE), ("iam_oidc_provider", {"url": "https://a/b"})):
        result = aws.run(name, **options)
        assert "the AWS credentials have expired" in result["msg"]
        assert "the next run takes it up" in result["msg"]


def test_no_credentials_are_a_clear_error(aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = aws.run("eks_addon", **BASE, access_key=None, secret_key=None)
    assert "there are no usable AWS credentials" in result["msg"]


def test_an_answer_that_aws_could_not_give_would_be_noticed(aws: Aws) -> None:
    aws.world.trouble(operation="DescribeAddon", code="NoSuchEntity")
    assert "DescribeAddon has no error NoSuchEntity" in aws.run("eks_addon", **BASE)["msg"]
    assert aws.world.drift.pop() == "DescribeAddon has no error NoSuchEntity"


PLAY = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/o11y.opentelemetry.aws: {endpoint_url: "%(url)s", region: "%(region)s"}
  tasks:
    - name: The add-on
      o11y.opentelemetry.eks_addon:
        cluster_name: prod
        name: adot
        wait: false
        configuration_values:
          manager: {env: {API_KEY: dd-key-4711, PLACE: here}}
      register: made
    - name: The identity
      amazon.aws.aws_caller_info:
    - name: What came of it
      ansible.builtin.debug:
        var: made
    - name: What fails
      o11y.opentelemetry.eks_addon:
        cluster_name: prod
        name: adot
        wait: false
        configuration_values: {manager: {env: {API_KEY: 4712471247}}}
      ignore_errors: true
"""


def test_nothing_secret_is_shown_at_any_verbosity(aws: Aws, tmp_path: Path) -> None:
    """By Ansible itself. It also shows that the action group gives its defaults to amazon.aws."""
    play = tmp_path / "play.yml"
    play.write_text(PLAY % {"url": aws.server.url, "region": REGION})
    environment = os.environ | {"AWS_ACCESS_KEY_ID": "AKIDTESTBED", "AWS_SECRET_ACCESS_KEY": "secret-of-the-testbed"}
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", "localhost,", "-c", "local", "-vvv", "--diff"]
    python = json.dumps({"ansible_python_interpreter": sys.executable})
    done = subprocess.run(
        [*command, "-e", python, str(play)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "manager.env.API_KEY: must be string, is integer" in output
    for secret in ("dd-key-4711", "4712471247", "secret-of-the-testbed"):
        assert secret not in output
    assert "PLACE: here" in output
    assert "123456789012" in output  # aws_caller_info found the endpoint


ROLE = "arn:aws:iam::123456789012:role/a"


@pytest.fixture
def installed(aws: Aws) -> Aws:
    """A cluster with two add-ons, one of them not well."""
    identity = {"service_account": "adot-col-otlp-ingest", "role_arn": ROLE}
    aws.world.add_script("adot", "create", Stage("DEGRADED", issues=("InsufficientNumberOfReplicas",)))
    base = {"cluster_name": CLUSTER, "wait": False}
    more = {"pod_identity_associations": [identity], "configuration_values": {"replicaCount": 2}}
    aws.run("eks_addon", **base, name="adot", **more)
    aws.run("eks_addon", **base, name="eks-pod-identity-agent")
    aws.changing()
    return aws


def test_what_is_installed(installed: Aws) -> None:
    result = installed.run("eks_addon_info", cluster_name=CLUSTER)
    assert result["changed"] is False
    adot, agent = result["addons"]
    assert (adot["addon_name"], adot["status"]) == ("adot", "DEGRADED")
    assert adot["configuration_values"] == {"replicaCount": 2}
    assert adot["issues"][0]["code"] == "InsufficientNumberOfReplicas"
    assert adot["issues"][0]["fix"]
    assert adot["pod_identity_associations"] == [{"service_account": "adot-col-otlp-ingest", "role_arn": ROLE}]
    assert (agent["addon_name"], agent["issues"]) == ("eks-pod-identity-agent", [])
    assert agent["pod_identity_associations"] == []
    assert installed.run("eks_addon_info", cluster_name=CLUSTER, name="coredns")["addons"] == []
    assert installed.changing() == {}


@cases(
    "options, kubernetes, default",
    ({"kubernetes_version": "1.33"}, "1.33", "v0.141.0-eksbuild.1"),
    ({"cluster_name": CLUSTER}, "1.34", "v0.151.0-eksbuild.2"),
    ({}, "", ""),
)
def test_what_is_available(aws: Aws, options: dict[str, Any], kubernetes: str, default: str) -> None:
    result = aws.run("eks_addon_info", available=True, name="adot", **options)
    (adot,) = result["available"]
    assert (result["kubernetes_version"], adot["default_version"]) == (kubernetes, default)
    assert adot["latest_version"] == "v0.151.0-eksbuild.10"
    assert adot["versions"][1]["default_for"] == (["1.34"] if kubernetes in ("", "1.34") else [])
    assert adot["versions"][0]["requires_iam_permissions"] is True


def test_every_page_of_what_is_available_is_read(aws: Aws) -> None:
    result = aws.run("eks_addon_info", available=True, kubernetes_version="1.34")
    assert [item["name"] for item in result["available"]] == ["adot", "eks-pod-identity-agent", "vendor_agent"]
    assert result["available"][2]["product_url"].startswith("https://aws.amazon.com/marketplace/")
    assert aws.run("eks_addon_info", available=True, kubernetes_version="9.99")["available"] == []


@cases(
    "options, version",
    ({"cluster_name": CLUSTER}, "v0.151.0-eksbuild.2"),
    ({"kubernetes_version": "1.33"}, "v0.141.0-eksbuild.1"),
    ({"kubernetes_version": "1.34", "version": "latest"}, "v0.151.0-eksbuild.10"),
    ({"version": "v0.80.0-eksbuild.2"}, "v0.80.0-eksbuild.2"),
)
def test_what_can_be_configured(aws: Aws, options: dict[str, Any], version: str) -> None:
    found = aws.run("eks_addon_info", configuration=True, name="adot", **options)["configuration"]
    assert found["version"] == version
    assert "collector" in found["schema"]["properties"]
    account, policies = "adot-col-prom-metrics", ["arn:aws:iam::aws:policy/AmazonPrometheusRemoteWriteAccess"]
    assert found["service_accounts"][0] == {"service_account": account, "managed_policies": policies}


def test_the_installed_version_is_meant_where_none_is_named(aws: Aws) -> None:
    aws.run("eks_addon", cluster_name=CLUSTER, name="adot", version="latest")
    found = aws.run("eks_addon_info", configuration=True, name="adot", cluster_name=CLUSTER)["configuration"]
    assert found["version"] == "v0.151.0-eksbuild.10"


def test_what_is_missing_is_told(aws: Aws) -> None:
    assert "Give version, or cluster_name" in aws.run("eks_addon_info", configuration=True, name="adot")["msg"]
    assert "missing: name" in aws.run("eks_addon_info", configuration=True)["msg"]
    assert "it does not exist" in aws.run("eks_addon_info", cluster_name="nowhere")["msg"]
    assert "it does not exist" in aws.run("eks_addon_info", cluster_name="nowhere", name="adot").get("msg", "")
    assert "cluster_name is empty" in aws.run("eks_addon_info", cluster_name="")["msg"]
    assert "name is empty" in aws.run("eks_addon", cluster_name=CLUSTER, name="")["msg"]
