# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector carries for the IAM role of its service account: annotations of the account and of pods. Private.

For example, with the identity `{"eks.amazonaws.com/role-arn": "arn:…/gateway"}` of the account `obs/gateway`, collector
`gateway` gets the options

    service_account_annotations: {eks.amazonaws.com/role-arn: "arn:…/gateway"}
    pod_annotations: {o11y.opentelemetry/identity: 5b1f0c2e9d3a7f64}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from .._collector.options import Collector
from .._otelcol.errors import Problem
from .identity import has_unknown_account

# The annotation of a pod that changes with the identity of its account, so that the pod is replaced.
IDENTITY_STAMP = "o11y.opentelemetry/identity"
_STAMP_LENGTH = 16


def add_identity(collector: Collector, identities: Mapping[str, Mapping[str, str]]) -> Collector:
    """Return a collector whose account carries its identity, and whose pods are replaced when that changes.

    `identities` has the annotations of accounts by `namespace/name`, such as
    `{"obs/gateway": {"eks.amazonaws.com/role-arn": "arn:…"}}`. Raises Problem if the user gave one another value.
    """
    annotations = identities.get(f"{collector.namespace}/{collector.service_account_name}")
    if not annotations or has_unknown_account(collector):
        return collector
    _refuse_other_values(collector, annotations)
    account_annotations = {**collector.service_account_annotations, **annotations}
    if collector.is_sidecar:  # its pods have another owner, who replaces them
        return replace(collector, service_account_annotations=account_annotations)
    pod_annotations = {**collector.pod_annotations, IDENTITY_STAMP: _hash_annotations(annotations)}
    return replace(collector, service_account_annotations=account_annotations, pod_annotations=pod_annotations)


def _refuse_other_values(collector: Collector, annotations: Mapping[str, str]) -> None:
    """Raise Problem for the first annotation that the user gave another value than the identity has."""
    user_annotations = collector.service_account_annotations
    for key, value in annotations.items():
        if user_annotations.get(key, value) != value:
            wrong = f"its service_account_annotations have another {key} than its identity"
            fix = "Remove the annotation, or the inputs of otel_identity."
            raise Problem(wrong, asked=f"Give collector '{collector.name}' its identity", fix=fix)


def _hash_annotations(annotations: Mapping[str, str]) -> str:
    """Return a short text that differs for other annotations."""
    serialized = json.dumps(annotations, sort_keys=True)
    return hashlib.sha256(serialized.encode()).hexdigest()[:_STAMP_LENGTH]
