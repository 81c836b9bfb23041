# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters of EKS that moto has."""

from __future__ import annotations

from typing import Any

from moto.eks.models import eks_backends

from tests.testbed.aws.world import ACCOUNT, AwsError


def find_cluster(region: str, name: str) -> Any:
    """Return moto's cluster. Raises AwsError if there is none."""
    moto_cluster = eks_backends[ACCOUNT][region].clusters.get(name)
    if moto_cluster is None:
        raise AwsError("ResourceNotFoundException", f"No cluster found for name: {name}.")
    return moto_cluster
