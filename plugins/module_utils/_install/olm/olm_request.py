# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user wants of OLM: a package of a catalog, and how OLM installs it. olm_decision.py decides on it. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem

# Whether this collection approves each version, or OLM installs the newest one by itself.
MANUAL_APPROVAL = "manual"
AUTOMATIC_APPROVAL = "automatic"


class OlmRequest(NamedTuple):
    """What the user wants: a package of a catalog, and how OLM installs it."""

    package: str
    source: str
    """The name of the CatalogSource."""
    source_namespace: str
    namespace: str
    channel: str = ""
    """Empty for the channel that the Subscription has, or else the default of the package."""
    csv: str = ""
    """The pinned ClusterServiceVersion; empty for the newest one of the channel."""
    approval: str = AUTOMATIC_APPROVAL
    """MANUAL_APPROVAL with a pin, AUTOMATIC_APPROVAL without one."""
    operator_group: str = ""
    """The name of a new OperatorGroup; empty for that of the namespace."""
    config: Mapping[str, Any] = {}
    """What the Subscription changes in the operator's Deployment."""

    @property
    def catalog(self) -> str:
        """The CatalogSource as NAMESPACE/NAME."""
        return f"{self.source_namespace}/{self.source}"

    def build_catalog_problem(self, wrong: str, fix: str) -> Problem:
        """Return the problem of something that the catalog does not have."""
        return Problem(wrong, where=f"CatalogSource {self.catalog}", fix=fix)
