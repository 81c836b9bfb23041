# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task asks of the rendering of collectors in clusters: most fields are options of module otel_render. Private.

`_render.py` renders a request. `HostRequest` of _host_request.py is the same for collectors of a Linux host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..module_utils._install.releases.lock_file import Pin, keep_unpinned
from ._host_groups import InventoryGroups

# What gives a collector its config.
SOURCES = ("recipes", "config", "config_files")


@dataclass(frozen=True)
class RenderRequest:
    """A task's request: collectors with common defaults, the user's folders, and the hosts of the inventory."""

    collectors: Sequence[Mapping[str, Any]]
    """The options of each collector by name; empty if the common options are those of a single one."""
    defaults: Mapping[str, Any]
    """The common options by name. An option of a collector hides the common one."""
    recipe_paths: Sequence[str] = ()
    platform_paths: Sequence[str] = ()
    identity_annotations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The annotations of ServiceAccounts that give AWS credentials, as _identity/carried_identity.py reads them."""
    has_identity: bool = True
    """Whether collectors may get AWS credentials in a way that this request does not show."""
    pin: Pin = keep_unpinned
    """Returns an image with the digest of the lock."""
    rule_paths: Sequence[str] = ()
    overlay_policy: Mapping[str, Any] = field(default_factory=dict)
    groups: InventoryGroups | None = None
    """The groups of the inventory; None if there is no inventory, so that a recipe can name no group."""
    critical_components: Sequence[str] | None = None
    """The critical components that the cluster has, by name; None if nobody looked."""

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> RenderRequest:
        """Return the request of these arguments of a module."""
        options = [option.name for option in fields(cls)]
        return cls(**{name: arguments[name] for name in options if name in arguments})

    @property
    def names_any(self) -> bool:
        """Whether it names a collector: in the list, or a single one by the common options."""
        return bool(self.collectors) or any(self.defaults.get(name) for name in SOURCES)
