# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Providers that install the operator themselves, from the recorded arguments. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._core.collector.names import RELEASE_LABEL
from ...module_utils._core.releases.found import EKS, OLM
from ...module_utils._core.releases.products import Product
from . import addon, olm

KEEPERS = {EKS: addon, OLM: olm}
# Keys that only a release applied by this collection has.
_NOTHING_APPLIED: dict[str, Any] = {
    "manifests": [],
    "adopt": [],
    "chart_values": {},
    "chart_version": "",
    "images": [],
    "certificate_hosts": [],
    "certificate_secret": "",
}


def kept(wanted: Product, arguments: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a provider: no manifests to apply, and the installed version."""
    found = arguments["installed"]
    return {
        **_NOTHING_APPLIED,
        "dry_run": wanted.dry_runs(given["namespace"]),
        "prune_selector": f"{RELEASE_LABEL}={wanted.name}",
        "workloads": found["workloads"],
        "webhooks": found["webhooks"],
        **given,
    }
