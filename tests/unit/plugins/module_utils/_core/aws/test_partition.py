# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.policy import eks_cluster_of, filled
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem


def test_the_arn_of_a_cluster_says_where_it_is() -> None:
    eks_cluster = eks_cluster_of("arn:aws-cn:eks:cn-north-1:123456789012:cluster/prod", "https://a")
    assert eks_cluster[:3] == ("aws-cn", "cn-north-1", "123456789012")
    assert eks_cluster.issuer == "https://a"
    for wrong in ("prod", "arn:aws:iam::1:role/a", "arn:aws:eks:a"):
        with pytest.raises(Problem, match="is no ARN of an EKS cluster"):
            eks_cluster_of(wrong)


def test_placeholders_are_filled_in_everywhere_and_nothing_else_is() -> None:
    eks_cluster = eks_cluster_of("arn:aws:eks:eu-west-1:1:cluster/a")
    given = {"a": ["arn:<partition>:x:<region>:<account>:y", 1, ("<region>",)], "b": "{region} <other>"}
    assert filled(given, eks_cluster) == {"a": ["arn:aws:x:eu-west-1:1:y", 1, ["eu-west-1"]], "b": "{region} <other>"}
