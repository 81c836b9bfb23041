# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import role

from ..helpers import rows


def test_names_of_policies_are_aws_own() -> None:
    assert role.policy_arn("A", "aws-cn") == "arn:aws-cn:iam::aws:policy/A"
    assert role.policy_arn("arn:aws:iam::1:policy/x", "aws") == "arn:aws:iam::1:policy/x"


def test_what_iam_says_is_read() -> None:
    live = {"Path": "/a/", "AssumeRolePolicyDocument": {}, "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:b"}}
    expected = rows("""
      {path: /a/, trust: {}, policies: {p: {}}, managed_policies: [a, b], permissions_boundary: "arn:b", tags: {t: "1"}}
    """)
    assert role.role_settings(live, {"p": {}}, ["b", "a"], {"t": "1"}) == expected
