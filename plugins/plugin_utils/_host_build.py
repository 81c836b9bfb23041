# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build what a Linux host gets for each of its collectors. Controller only; contacts no host. Private.

`_host_render.py` calls this file with collectors that the rules have judged. A `HostBuild` has the texts of the config,
the credentials, the ports and the program. Secrets are in none of the texts. For example, with
`env: {TOKEN: {credential: {file: token.txt}}}` the recipes write `${env:TOKEN}`. The config on the host has
`${file:${env:CREDENTIALS_DIRECTORY}/TOKEN}` there, and TOKEN is a file of credentials that systemd gives to the service
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..module_utils._host.host_build import HostBuild
from ..module_utils._host.host_build_checks import check_host_build
from ..module_utils._host.host_credentials import HostEnvironment, read_host_environment, replace_with_files
from ..module_utils._host.host_needs import derive_host_needs
from ..module_utils._host.host_options import HostCollector
from ..module_utils._host.host_program import read_host_program
from ..module_utils._host.host_tls import list_tls_credentials
from ..module_utils._host.published_archives import ArchiveSource
from ..module_utils._otelcol.config.masking import make_masker, mask_tree
from ..module_utils._otelcol.config.object_secrets import find_secrets_in_objects
from ..module_utils._otelcol.errors import Problem, prefix_problems
from ..module_utils._otelcol.needs.listeners import find_listeners
from ..module_utils._otelcol.needs.started_components import list_started_components
from ._host_request import HostRequest
from ._host_secrets import has_secret, read_secret_file
from ._judged_collectors import JudgedCollector
from ._otelcol import _builds, _yaml


def build_host_collectors(collectors: Sequence[JudgedCollector], request: HostRequest) -> list[HostBuild]:
    """Return the builds of the collectors of a host, in the same order. Raises Problem for what a host cannot give."""
    releases, groups = request.find_releases(), request.groups
    builds: list[HostBuild] = []
    for judged in collectors:
        with prefix_problems(f"collector '{judged.collector.name}'"):
            build = _build_collector(judged, releases)
        host_name_lines = groups.list_hosts_file_lines(judged.collector) if groups else ()
        builds.append(replace(build, host_name_lines=host_name_lines, receiving_collectors=tuple(judged.sends_to)))
    return builds


def _build_collector(judged: JudgedCollector, releases: ArchiveSource) -> HostBuild:
    """Return the build of a collector, with three texts of its config.

    `composed_text` is what recipes and the user write. `config_text` is for the host: it reads secrets from files of
    credentials. `shown_text` is the same without secrets, for people.
    """
    collector, config = judged.collector, judged.composed_config.config
    if judged.build is None or not isinstance(collector, HostCollector):
        raise Problem("its config cannot be read", fix="Correct its findings.")
    _check_no_secret(config)
    composed_text = judged.build.config_text
    environment = read_host_environment(collector.env, read_secret_file)
    config_on_host = replace_with_files(config, environment.credentials)
    open_listeners = tuple(find_listeners(config, list_started_components(config), _builds.load_catalogue().listeners))
    build = HostBuild(
        collector=collector,
        composed_text=composed_text,
        config_text=_yaml.dump(config_on_host),
        shown_text=_dump_masked(config_on_host),
        listeners=open_listeners,
        needs=judged.build.needs,
        host_needs=derive_host_needs(config, open_listeners, collector.allow),
        environment=_add_certificates(environment, collector, composed_text),
        program=read_host_program(collector.program or {}, collector.distribution, collector.version, releases),
    )
    check_host_build(build)
    return build


def _check_no_secret(config: Mapping[str, Any]) -> None:
    """Raise Problem for a secret in clear text."""
    if has_secret(config):
        wrong = "its config has a secret in clear text, and every user of the host can read the config"
        raise Problem(wrong, fix="Put it into `env` as a credential, and write ${env:NAME} in the config.")


def _dump_masked(config: Mapping[str, Any]) -> str:
    """Return a config as text without its secrets."""
    mask = make_masker(find_secrets_in_objects([config], _yaml.parse_or_none))
    return _yaml.dump(mask_tree(config, mask))


def _add_certificates(environment: HostEnvironment, collector: HostCollector, config_text: str) -> HostEnvironment:
    """Return the environment of a service with the certificates of its receivers as credentials.

    The config names these by their paths, so they are not read from there as the credentials of variables are.
    """
    certificates = list_tls_credentials(collector.tls, config_text, read_secret_file)
    return replace(environment, credentials=(*environment.credentials, *certificates))
