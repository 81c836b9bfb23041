# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on who of several copies leads."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running


def elector(settings: Any, name: str = "k8s_leader_elector") -> Json:
    return running(extensions={name: settings})


CASES = [
    Case(
        "lease-missing",
        "none at all",
        elector(None),
        "extensions.k8s_leader_elector",
        "'k8s_leader_elector' has no lease_name and no lease_namespace Add `lease_name: NAME`",
    ),
    Case(
        "lease-missing",
        "no namespace",
        elector({"lease_name": "gateway", "lease_namespace": ""}, "k8s_leader_elector/a"),
        "extensions.k8s_leader_elector/a",
        "'k8s_leader_elector/a' has no lease_namespace",
    ),
    Case(
        "lease-missing",
        "one that is not started",
        {**running(), "extensions": {"k8s_leader_elector": {"lease_namespace": "a"}}},
        "extensions.k8s_leader_elector",
        "has no lease_name",
    ),
    Case("lease-missing", "a lease", elector({"lease_name": "gateway", "lease_namespace": "telemetry"})),
    Case("lease-missing", "a variable", elector({"lease_name": "${env:NAME}", "lease_namespace": "${env:NAMESPACE}"})),
    Case("lease-missing", "settings that are a variable", elector("${env:ELECTOR}")),
    Case("lease-missing", "another extension", elector(None, "zpages")),
]
