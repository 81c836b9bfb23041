# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile that asks for an MFA code fails with what to do, for a run has no terminal."""

from __future__ import annotations

import getpass
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.service_calls import ServiceCalls
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import eks_access
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from botocore import credentials

ASKED = {"name": "prod", "region": "eu-west-1", "profile": "coded"}
CONFIG = """
[profile coded]
role_arn = arn:aws:iam::123456789012:role/deployer
mfa_serial = arn:aws:iam::123456789012:mfa/me
source_profile = me
[profile me]
aws_access_key_id = AKID
aws_secret_access_key = secret-of-the-profile
"""
WAYS: dict[str, Callable[[], Any]] = {
    "Find the EKS cluster prod": lambda: eks_access.find_cluster_access(ASKED, lambda: 0.0),
    "Make a token for the EKS cluster prod": eks_access.create_renewed_token(ASKED, lambda: 0.0),
    "Call eks:DescribeCluster": lambda: ServiceCalls(
        "eks",
        lambda: eks_access.create_session(ASKED).create_client("eks"),
        clock=lambda: 0.0,
        sleep=lambda _seconds: None,
    )("describe_cluster", name="prod"),
}


def closed() -> io.StringIO:
    file = io.StringIO()
    file.close()
    return file


@pytest.fixture(autouse=True)
def profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give a profile with MFA, and let nobody ask at the terminal of who runs the tests."""
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    ask = credentials.AssumeRoleProvider.__init__
    usual = tuple(getpass.fallback_getpass if one is getpass.getpass else one for one in ask.__defaults__)
    assert usual != ask.__defaults__
    monkeypatch.setattr(ask, "__defaults__", usual)


@pytest.mark.filterwarnings("ignore::getpass.GetPassWarning")
@pytest.mark.parametrize(
    "stdin", [closed, io.StringIO, lambda: None], ids=["in the worker", "in a module", "without one"]
)
@pytest.mark.parametrize("asked", WAYS)
def test_a_code_that_nobody_can_enter_is_named(
    asked: str, stdin: Callable[[], io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin())
    with pytest.raises(Problem) as raised:
        WAYS[asked]()
    assert str(raised.value) == (
        f"{asked}: the AWS profile asks for an MFA code, and a run has no terminal for it. Get session credentials"
        " first, for example with `aws sts get-session-token`, or use another profile."
    )


def test_other_mistakes_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eks_access, "create_session", lambda _asked: int("no number"))
    with pytest.raises(ValueError, match="invalid literal"):
        eks_access.find_cluster_access(ASKED, lambda: 0.0)
