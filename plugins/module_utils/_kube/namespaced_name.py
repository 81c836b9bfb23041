# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespace and the name of an object whose kind is known from the context. Private.

`ObjectRef` of _otelcol/kube/objects.py has the kind too.
"""

from __future__ import annotations

from typing import NamedTuple


class NamespacedName(NamedTuple):
    """The namespace and the name of an object; the type of the same name in Kubernetes' Go library."""

    namespace: str
    """Empty for an object of the whole cluster."""
    name: str

    def __str__(self) -> str:
        """Return `namespace/name`, as messages and annotations name an object, such as `obs/gateway`."""
        return f"{self.namespace}/{self.name}"
