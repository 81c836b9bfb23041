# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes objects as the text of a file, or as a terminal may show them. Controller only. Private."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..module_utils._kube.bundle import redact_manifest
from ..module_utils._otelcol.errors import MASK
from ..module_utils._otelcol.kube.objects import Manifest
from ._otelcol import _yaml


def dump_objects(objects: Sequence[Any], *, masked: bool) -> str:
    """Return Kubernetes objects as documents of YAML, with keys in their own order; `masked` ones show no secret."""
    plain_objects = _yaml.strip_ansible_types(objects)
    if masked:
        plain_objects = [_mask_object(manifest) for manifest in plain_objects]
    return _yaml.dump(*plain_objects)


def _mask_object(manifest: Manifest) -> Manifest:
    """Return an object with a mask in place of each secret."""
    return redact_manifest(manifest, lambda _secret: MASK, _yaml.parse_or_none)
