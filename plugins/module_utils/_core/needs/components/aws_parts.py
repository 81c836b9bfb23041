# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the grants of components are made of: ARNs, patterns of names, and the pages that say so. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...aws.partition import ACCOUNT, PARTITION, REGION
from ...aws.policy import Grant
from ...config.paths import at
from .row import Settings

Config = Mapping[str, Any]
Grants = tuple[Grant, ...]
Granting = Callable[[Settings, Config], Grants]

CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/v0.158.0"
REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference"
_ASSUME = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_permissions-to-switch.html"
# `{ClusterName}` and the like are filled in from the telemetry; what is left of `${…}` is known at run time only.
_PLACEHOLDER = re.compile(r"\$?\{[^}]*\}")


def pattern(name: Any, unset: str = "*") -> str:
    """Return a name as a pattern of IAM: what the telemetry fills in can be anything."""
    return re.sub(r"\*+", "*", _PLACEHOLDER.sub("*", str(name))) if name else unset


def arn(service: str, region: str, resource: str) -> str:
    """Return an ARN in the partition and account of the cluster."""
    return f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{resource}"


def region_of(settings: Any, key: str = "region") -> str:
    """Return the region; without one the SDK takes that of the pod's environment, which is the cluster's."""
    return pattern(at(settings, (key,)), REGION)


def through(role: Any, *direct: Grant) -> Grants:
    """Return the grants, or the right to assume the role that has them. EKS Pod Identity passes its tags on to it."""
    if not role:
        return direct
    return (Grant(("sts:AssumeRole", "sts:TagSession"), _ASSUME, (pattern(role),)),)
