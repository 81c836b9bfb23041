# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of cert-manager whose Secrets a collector mounts."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.certificate_resources import (
    list_certificate_resources,
)


def test_certificates_of_mounted_secrets() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "False", "message": "no issuer"}]}
    item: dict[str, Any] = {"metadata": {"name": "c", "namespace": "ns"}, "spec": {"secretName": "s"}, "status": ready}
    told = {"name": "c", "namespace": "ns", "secret": "s", "ready": False, "message": "no issuer"}
    assert (
        list_certificate_resources([item], ["s"]),
        list_certificate_resources([item], ["t"]),
    ) == ([told], [])
