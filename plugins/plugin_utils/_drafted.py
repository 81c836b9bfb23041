# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector as its options decide it, before it has a config. Private.

A collector passes these forms, each a class of plugin_utils: drafted (this file), composed with a config
(`_composed_collectors.py`), connected with the collectors around it (`_connected_collectors.py`), and planned: judged
by the rules, with its build (`_planned.py`). `_cluster_drafts.py` and `_host_drafts.py` make the drafts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..module_utils._collector import deployed
from ..module_utils._collector.backends import BACKENDS
from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.options import Collector
from ..module_utils._collector.platform import Platform
from ..module_utils._otelcol.kube.objects import Manifest
from ..module_utils._otelcol.needs.derive_needs import Needs
from ..module_utils._otelcol.rules.build_facts import TargetBuild
from ..module_utils._otelcol.rules.subject import Deployment
from . import _origins


@dataclass(frozen=True)
class WrittenOptions:
    """What the user wrote for a collector, with the places of its texts.

    Ansible notes on each text in which file and line it stands (see `_origins.py`). The options of the collector are
    copies without these notes.
    """

    config: Any
    """The option `config`; an empty mapping if it is not given."""
    recipes: Any
    """The option `recipes`; an empty list if it is not given."""
    decrypted: frozenset[str]
    """The texts in its config and its variables that Ansible decrypted."""


def read_written_options(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> WrittenOptions:
    """Return what the user wrote for a collector. A key of its own item hides the common one, also with null."""
    given_options = {**common_options, **collector_item}
    config = given_options.get("config") or {}
    return WrittenOptions(
        config, given_options.get("recipes") or [], _origins.find_decrypted_texts([config, given_options.get("env")])
    )


def _build_custom_resource(build: CollectorBuild) -> Manifest | None:
    return BACKENDS[build.collector.backend].build_custom_resource(build)


@dataclass(frozen=True)
class RuleSurroundings:
    """What the rules learn of the place that a collector runs in. The defaults are those of a cluster."""

    list_variables: Callable[[Any], frozenset[str]] = deployed.list_variables
    """Returns the names of the environment variables that the collector of these options has."""
    build_deployment: Callable[[Any, Needs | None, Platform], Deployment] = deployed.build_deployment
    """Returns how it is deployed; without needs, if its config is malformed."""
    build_resource: Callable[[CollectorBuild], Manifest | None] = _build_custom_resource
    """Returns its custom resource; None if it has none, as on a host."""


CLUSTER_SURROUNDINGS = RuleSurroundings()


@dataclass(frozen=True)
class DraftedCollector:
    """A collector with all that its options decide."""

    collector: Collector
    """Its options."""
    written_options: WrittenOptions
    platform: Platform
    platform_facts: Mapping[str, Any]
    """The facts of its platform that recipes use, as the file of the platform has them."""
    version: str
    """The version of the Collector whose names its recipes use."""
    target: TargetBuild | None
    """The build that the rules judge for; None if the catalogue does not know it."""
    image: str = ""
    """The image of its pods; empty where the operator chooses it, and on a host."""
    run_as_user: int | None = None
    """The user of its pods; None where neither the image nor the platform fixes one."""
    has_identity: bool = True
    """Whether it may get AWS credentials in a way that nothing here shows."""
    asks_for_storage: bool = False
    """Whether the user gives storage to this collector itself, and not to all of them."""
    surroundings: RuleSurroundings = CLUSTER_SURROUNDINGS
