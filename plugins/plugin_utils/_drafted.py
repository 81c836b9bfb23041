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
class Written:
    """What the user wrote for a collector, whose texts know where they stand; the options are copies of it.

    `decrypted` has the texts in its config and its variables that Ansible decrypted.
    """

    config: Any
    recipes: Any
    decrypted: frozenset[str]


def written_for(item: Mapping[str, Any], common: Mapping[str, Any]) -> Written:
    """Return what is written for a collector: a key that its item has hides the common one, also with null."""
    written = {**common, **item}
    config = written.get("config") or {}
    return Written(config, written.get("recipes") or [], _origins.decrypted([config, written.get("env")]))


def _custom_resource(build: CollectorBuild) -> Manifest | None:
    return BACKENDS[build.collector.backend].resource(build)


@dataclass(frozen=True)
class Surroundings:
    """What the rules learn of the place that a collector runs in: its variables, its deployment and its resource."""

    environment: Callable[[Any], frozenset[str]] = deployed.environment
    deployment: Callable[[Any, Needs | None, Platform], Deployment] = deployed.deployment
    resource: Callable[[CollectorBuild], Manifest | None] = _custom_resource


IN_CLUSTERS = Surroundings()


@dataclass(frozen=True)
class DraftedCollector:
    """A collector with all that its options decide.

    `facts` are those of its platform that recipes use. `version` is the version of the Collector whose names its
    recipes use, `target` the build if the catalogue knows it. `image` and `user` are those of its pods: empty where the
    operator chooses the image, None where the image or the platform does not fix the user. `has_identity` says that it
    may get AWS credentials in a way that nothing here shows, `asks_for_storage` that it asks for storage by itself.
    """

    collector: Collector
    written: Written
    platform: Platform
    facts: Mapping[str, Any]
    version: str
    target: Target | None
    image: str = ""
    user: int | None = None
    has_identity: bool = True
    asks_for_storage: bool = False
    surroundings: Surroundings = IN_CLUSTERS
