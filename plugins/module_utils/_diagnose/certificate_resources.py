# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Certificates of cert-manager whose Secrets a collector mounts, as rows of its diagnosis. Private.

`certificate_facts.py` is about the certificates that files of the pods have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from .._kube.conditions import find_condition
from .._otelcol.config.paths import value_at
from .._otelcol.errors import clean_text

Object = Mapping[str, Any]
"""An object of Kubernetes."""
# Characters of a message.
_LONGEST_MESSAGE = 400


class CertificateResourceRow(TypedDict):
    """A Certificate of cert-manager. `message` says why it is ready or not."""

    name: str
    namespace: str
    secret: str
    ready: bool
    message: str


def list_certificate_resources(
    certificates: Iterable[Object], mounted_secrets: Iterable[str]
) -> list[CertificateResourceRow]:
    """Return the Certificates of cert-manager whose Secrets a collector mounts."""
    secret_names = set(mounted_secrets)
    rows: list[CertificateResourceRow] = []
    for certificate in certificates:
        secret = value_at(certificate, ("spec", "secretName"))
        if secret not in secret_names:
            continue
        ready_condition = find_condition(certificate, "Ready")
        message = str(ready_condition.get("message") or "cert-manager has not looked at it")
        rows.append(
            {
                "name": value_at(certificate, ("metadata", "name")),
                "namespace": value_at(certificate, ("metadata", "namespace")),
                "secret": secret,
                "ready": ready_condition.get("status") == "True",
                "message": clean_text(message, _LONGEST_MESSAGE),
            }
        )
    return rows
