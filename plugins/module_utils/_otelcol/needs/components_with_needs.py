# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The started components of a config that need something of Kubernetes. Private.

derive_needs.py collects their needs, and rules on rights and consent judge them. A component is started if a pipeline
or the service names it (listeners.py); component_table.py says what its type needs. Of `receivers: {otlp: …,
k8s_cluster: …}`, k8s_cluster is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .component_needs import ComponentNeeds
from .component_table import find_component_needs
from .started_components import StartedComponent


class ComponentWithNeeds(NamedTuple):
    """A started component that needs something, and what its type needs."""

    needs: ComponentNeeds
    component: StartedComponent


def find_components_with_needs(components: Iterable[StartedComponent]) -> list[ComponentWithNeeds]:
    """Return every started component that needs something."""
    found_components: list[ComponentWithNeeds] = []
    for component in components:
        needs = find_component_needs(component.section, component.type)
        if needs:
            found_components.append(ComponentWithNeeds(needs, component))
    return found_components
