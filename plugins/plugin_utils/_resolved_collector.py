# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector whose options are resolved: the first of the stages that `_render.py` draws. Private.

Resolved means: the options are valid and have their defaults, and what follows from them alone is found, such as the
platform, the version and the build of the Collector. There is no config yet. For example, the item `{name: agent}` of
`otel_collectors` is resolved to `mode: deployment`, platform `generic` and version 0.158.0 of distribution contrib.

`_cluster_options.py` resolves collectors of clusters, and `_host_options.py` those of Linux hosts.
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
    """The options that a finding has to locate, as the user wrote them.

    Ansible notes on each text in which file and line it stands, such as `hosts.yml:12` (see `_origins.py`).
    `ResolvedCollector.collector` has copies without these notes.
    """

    config: Any
    """The option `config`; an empty mapping if it is not given."""
    recipes: Any
    """The option `recipes`; an empty list if it is not given."""
    decrypted: frozenset[str]
    """The texts in its config and its variables that Ansible decrypted."""


def read_written_options(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> WrittenOptions:
    """Return what the user wrote for a collector.

    `collector_item` is its item of the list of collectors. A key of it hides the common option, also with null.
    """
    given_options = {**common_options, **collector_item}
    config = given_options.get("config") or {}
    recipes = given_options.get("recipes") or []
    decrypted_texts = _origins.find_decrypted_texts([config, given_options.get("env")])
    return WrittenOptions(config, recipes, decrypted_texts)


@dataclass(frozen=True)
class Runtime:
    """What runs a collector: Kubernetes or systemd. The rules ask it about a collector by these functions.

    There are two: `KUBERNETES` in this file, and `SYSTEMD` in _host_options.py.
    """

    list_variables: Callable[[Any], frozenset[str]]
    """Returns the names of the environment variables that a collector with these options has."""
    build_deployment: Callable[[Any, Needs | None, Platform], Deployment]
    """Returns how a collector is deployed; the needs are None if its config is malformed."""
    build_resource: Callable[[CollectorBuild], Manifest | None]
    """Returns the custom resource of a collector; None if it has none."""


def _build_custom_resource(build: CollectorBuild) -> Manifest | None:
    return BACKENDS[build.collector.backend].build_custom_resource(build)


KUBERNETES = Runtime(
    list_variables=deployed.list_variables,
    build_deployment=deployed.build_deployment,
    build_resource=_build_custom_resource,
)


@dataclass(frozen=True)
class ResolvedCollector:
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
    runtime: Runtime = KUBERNETES
