# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task asks of the rendering of the collectors of a Linux host: mostly options of module host_render. Private.

`_host_render.py` renders a request. `RenderRequest` of _render_request.py is the same for collectors of a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..module_utils._host.host_options import HOST_OPTIONS, SHARED_OPTIONS
from ..module_utils._host.published_archives import ArchiveSource
from . import _lock_file
from ._host_groups import InventoryGroups
from ._inventory_hosts import COLLECTORS_VARIABLE, PREFIX
from ._render_request import SOURCES


@dataclass(frozen=True)
class HostRequest:
    """The collectors of one host with common defaults, the user's folders, the mirror and the lock.

    Most fields are the options of module host_render, and have their names.
    """

    collectors: Sequence[Mapping[str, Any]]
    """The options of each collector by name, as `otel_host_collectors` lists them."""
    defaults: Mapping[str, Any]
    """The common options by name. An option of a collector hides the common one."""
    recipe_paths: Sequence[str] = ()
    rule_paths: Sequence[str] = ()
    overlay_policy: Mapping[str, Any] = field(default_factory=dict)
    mirror: str = ""
    """Where archives are instead of the internet; empty without a mirror."""
    lock_file: str = ""
    """The path of the lock file; empty without one."""
    groups: InventoryGroups | None = None
    """The groups of the inventory; None if there is no inventory, so that a recipe can name no group."""
    unlocked: Sequence[str] = ()
    """The architectures whose archives need no sum while there is no lock."""
    sdks: Sequence[Mapping[str, Any]] = ()
    """Rows of services of the host that send to the collectors."""

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> HostRequest:
        """Return the request of these arguments of a module; those that are no field are left out."""
        options = [option.name for option in fields(cls)]
        return cls(**{name: arguments[name] for name in options if name in arguments})

    @classmethod
    def from_variables(cls, variables: Mapping[str, Any]) -> HostRequest:
        """Return what role otel_host asks for on a host with these variables.

        For example, of `otel_host_recipes: [otlp_ingest]` the request has `recipes: [otlp_ingest]` among its defaults.
        It has only what a config follows from: no rules, no mirror and no groups.
        """
        defaults = {name: variables[PREFIX + name] for name in list_host_option_names() if PREFIX + name in variables}
        return cls(
            collectors=variables.get(COLLECTORS_VARIABLE) or [],
            defaults=defaults,
            recipe_paths=variables.get(f"{PREFIX}recipe_paths") or [],
        )

    @property
    def names_any(self) -> bool:
        """Whether it names a collector: in the list, or a single one by the common options."""
        return bool(self.collectors or any(self.defaults.get(name) for name in SOURCES))

    def find_releases(self) -> ArchiveSource:
        """Return where archives are, and their sums in the lock. Raises Problem for a file that is no lock."""
        return ArchiveSource(self.mirror, _lock_file.read_lock_if_given(self.lock_file), tuple(self.unlocked))


def list_host_option_names() -> list[str]:
    """Return the names of the options of a collector of a host, without the prefix of role otel_host."""
    return [*SHARED_OPTIONS, *HOST_OPTIONS]
