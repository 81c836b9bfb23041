# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cluster is at AWS. ARNs are derived before that is known; here their placeholders are filled in. Private."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import Problem

# No ARN and no name of AWS may have these characters, so nothing of a user's looks like one of them.
PARTITION, REGION, ACCOUNT = "<partition>", "<region>", "<account>"


class EksCluster(NamedTuple):
    """What the ARN of a cluster says, and the issuer of its tokens."""

    partition: str
    region: str
    account: str
    cluster_arn: str
    issuer: str = ""


def eks_cluster_of(cluster_arn: str, issuer: str = "") -> EksCluster:
    """Return where a cluster is."""
    parts = cluster_arn.split(":")
    if len(parts) != 6 or parts[2] != "eks":  # noqa: PLR2004 - the parts of every ARN
        raise Problem(f"'{cluster_arn}' is no ARN of an EKS cluster", fix="Check endpoint_url.")
    return EksCluster(parts[1], parts[3], parts[4], cluster_arn, issuer)


def filled(value: Any, eks_cluster: EksCluster) -> Any:
    """Return a tree with the placeholders filled in."""
    if isinstance(value, dict):
        return {key: filled(item, eks_cluster) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(item, eks_cluster) for item in value]
    if not isinstance(value, str):
        return value
    known = ((PARTITION, eks_cluster.partition), (REGION, eks_cluster.region), (ACCOUNT, eks_cluster.account))
    for placeholder, fact in known:
        value = value.replace(placeholder, fact)
    return value
