# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that follows from the judged config of a collector of a Linux host. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..module_utils._host.host_bundle import HostBuild, check_host
from ..module_utils._host.host_credentials import HostEnvironment, host_environment, read_from_files
from ..module_utils._host.host_needs import derive_host_needs
from ..module_utils._host.host_options import HostCollector
from ..module_utils._host.host_program import Releases, host_program
from ..module_utils._host.host_tls import tls_credentials
from ..module_utils._otelcol.config.config_secrets import secrets_in_objects
from ..module_utils._otelcol.config.masking import masked_tree, masker
from ..module_utils._otelcol.errors import Problem, about
from ..module_utils._otelcol.needs.listeners import listeners, started_parts
from ._host_drafts import HostRequest, has_secret
from ._host_secrets import secret_of_file
from ._otelcol import _builds, _yaml
from ._planned import Planned


def host_builds(planned: Sequence[Planned], request: HostRequest) -> list[HostBuild]:
    """Return the builds of the collectors of a host, each with the names by which others reach it.

    Raises Problem for what a host cannot give.
    """
    releases, groups = request.releases(), request.groups
    builds: list[HostBuild] = []
    for item in planned:
        with about(f"collector '{item.collector.name}'"):
            build = _build(item, releases)
        names = groups.names_for(item.collector) if groups else ()
        builds.append(replace(build, names=names, sends_to=tuple(item.sends_to)))
    return builds


def _build(planned: Planned, releases: Releases) -> HostBuild:
    """Return the build of a collector, with three texts of its config.

    The composed one is what recipes and the user write. On the host, secrets are read from files of credentials. The
    shown one is that of the host without secrets.
    """
    collector, config = planned.collector, planned.composed.config
    if planned.build is None or not isinstance(collector, HostCollector):
        raise Problem("its config cannot be read", fix="Correct its findings.")
    _check_no_secret(config)
    composed_text = planned.build.config_text
    environment = host_environment(collector.env, secret_of_file)
    config_on_host = read_from_files(config, environment.credentials)
    all_credentials = _with_certificates(environment, collector, composed_text)
    opened = tuple(listeners(config, started_parts(config), _builds.tables().listeners))
    build = HostBuild(
        collector=collector,
        composed_text=composed_text,
        config_text=_yaml.dump(config_on_host),
        shown_text=_masked_text(config_on_host),
        listeners=opened,
        needs=planned.build.needs,
        host_needs=derive_host_needs(config, opened, collector.allow),
        environment=all_credentials,
        program=host_program(collector.program or {}, collector.distribution, collector.version, releases),
    )
    check_host(build)
    return build


def _check_no_secret(config: Mapping[str, Any]) -> None:
    """Raise Problem for a secret in clear text."""
    if has_secret(config):
        wrong = "its config has a secret in clear text, and every user of the host can read the config"
        raise Problem(wrong, fix="Put it into `env` as a credential, and write ${env:NAME} in the config.")


def _masked_text(config: Mapping[str, Any]) -> str:
    """Return a config as text without its secrets."""
    mask = masker(secrets_in_objects([config], _yaml.parsed))
    return _yaml.dump(masked_tree(config, mask))


def _with_certificates(environment: HostEnvironment, collector: HostCollector, config_text: str) -> HostEnvironment:
    """Return the environment of a service with the certificates of its receivers as credentials.

    The config names these by their paths, so they are not read from there as the credentials of variables are.
    """
    certificates = tls_credentials(collector.tls, config_text, secret_of_file)
    return replace(environment, credentials=(*environment.credentials, *certificates))
