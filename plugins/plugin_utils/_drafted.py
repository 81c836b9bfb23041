# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector as its options decide it, before it has a config. Private."""

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
from ..module_utils._otelcol.rules.build_facts import Target
from ..module_utils._otelcol.rules.subject import Deployment
from . import _origins


@dataclass(frozen=True)
class WrittenOptions:
    """What the user wrote for a collector, whose texts know where they stand; the options are copies of it.

    `decrypted` has the texts in its config and its variables that Ansible decrypted.
    """

    config: Any
    recipes: Any
    decrypted: frozenset[str]


def read_written_options(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> WrittenOptions:
    """Return what is written for a collector: a key that its item has hides the common one, also with null."""
    given_options = {**common_options, **collector_item}
    config = given_options.get("config") or {}
    return WrittenOptions(
        config, given_options.get("recipes") or [], _origins.find_decrypted_texts([config, given_options.get("env")])
    )


def _build_custom_resource(build: CollectorBuild) -> Manifest | None:
    return BACKENDS[build.collector.backend].build_custom_resource(build)


@dataclass(frozen=True)
class RuleSurroundings:
    """What the rules learn of the place that a collector runs in: its variables, its deployment and its resource."""

    list_variables: Callable[[Any], frozenset[str]] = deployed.list_variables
    build_deployment: Callable[[Any, Needs | None, Platform], Deployment] = deployed.build_deployment
    build_resource: Callable[[CollectorBuild], Manifest | None] = _build_custom_resource


CLUSTER_SURROUNDINGS = RuleSurroundings()


@dataclass(frozen=True)
class DraftedCollector:
    """A collector with all that its options decide.

    `platform_facts` are those of its platform that recipes use. `version` is the version of the Collector whose names
    its recipes use, `target` the build if the catalogue knows it. `image` and `run_as_user` are those of its pods:
    empty where the operator chooses the image, None where the image or the platform does not fix the user.
    `has_identity` says that it may get AWS credentials in a way that nothing here shows, `asks_for_storage` that it
    asks for storage by itself.
    """

    collector: Collector
    written_options: WrittenOptions
    platform: Platform
    platform_facts: Mapping[str, Any]
    version: str
    target: Target | None
    image: str = ""
    run_as_user: int | None = None
    has_identity: bool = True
    asks_for_storage: bool = False
    surroundings: RuleSurroundings = CLUSTER_SURROUNDINGS
