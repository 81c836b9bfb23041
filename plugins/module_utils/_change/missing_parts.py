# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live object that others made lacks of the manifest of a bundle, in words. Private.

Such an object is used as it is, so a run only says what is missing. Example: a ServiceAccount without the role and the
Secret of the registry that the collectors need, and a Namespace without a label:

    ["annotation eks.amazonaws.com/role-arn", "imagePullSecret registry"]
    ["label pod-security.kubernetes.io/enforce=baseline"]
"""

from __future__ import annotations

from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.objects import Manifest


def list_missing_account_parts(live: Manifest, account: Manifest) -> list[str]:
    """Return what a ServiceAccount of others lacks of `account`, the one of the bundle. Values are not shown."""
    missing_parts = []
    live_annotations = mapping_at(live, "metadata", "annotations")
    for key, value in mapping_at(account, "metadata", "annotations").items():
        if live_annotations.get(key) != value:
            missing_parts.append(f"annotation {key}")
    live_secrets = {secret.get("name") for secret in list_at(live, "imagePullSecrets")}
    for secret in list_at(account, "imagePullSecrets"):
        if secret["name"] not in live_secrets:
            missing_parts.append(f"imagePullSecret {secret['name']}")
    return missing_parts


def list_missing_metadata(live: Manifest, manifest: Manifest) -> list[str]:
    """Return the labels and annotations of a manifest that a live object lacks, with their values."""
    missing_metadata = []
    for metadata_part, word in (("labels", "label"), ("annotations", "annotation")):
        live_metadata = mapping_at(live, "metadata", metadata_part)
        for key, value in mapping_at(manifest, "metadata", metadata_part).items():
            if live_metadata.get(key) != value:
                missing_metadata.append(f"{word} {key}={value}")
    return missing_metadata
