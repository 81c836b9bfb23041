# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for AWS: documented as they are, silent about secrets, in the action group, clear in trouble."""

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
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws import specs

from tests.support.documentation import documented

from .conftest import CLUSTER, REGION, Aws
from .test_cluster_doors import assert_documented

SPECS = {
    "eks_addon": specs.EKS_ADDON,
    "eks_addon_info": specs.EKS_ADDON_INFO,
    "eks_pod_identity_association": specs.ASSOCIATION,
    "iam_oidc_provider": specs.IAM_OIDC_PROVIDER,
    "iam_service_account_role": specs.ROLE,
}
ROOT = Path(__file__).resolve().parents[4]
BASE: dict[str, Any] = {"cluster_name": CLUSTER, "name": "adot"}


@pytest.mark.parametrize("name", SPECS)
def test_options_are_documented_as_they_are(name: str) -> None:
    assert_documented(aws_argument_spec() | SPECS[name], documented(name)["options"])


def test_all_of_them_are_in_the_action_group() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert [item for item in groups["aws"] if isinstance(item, str)] == sorted(SPECS)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"code": "AccessDeniedException", "status": 403, "message": "No"}, "Allow eks:DescribeAddon to the caller"),
        ({"code": "UnrecognizedClientException", "status": 403}, "AWS does not accept the credentials"),
        ({"code": "ThrottlingException", "times": 1000}, "AWS is overloaded or in trouble, and stayed so"),
        ({"drop": "before", "times": 1000}, "AWS cannot be reached"),
    ],
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
