# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that follows from the judged config of a collector of a Linux host. Controller only. Private.

A planned collector has a config that the rules have judged (`_planned.py`). Its build (`HostBuild`) has what is put on
the host: texts of the config, files of credentials, ports and the program. `_host_render.py` calls this file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..module_utils._host.host_bundle import HostBuild, check_host_build
from ..module_utils._host.host_credentials import HostEnvironment, read_host_environment, replace_with_files
from ..module_utils._host.host_needs import derive_host_needs
from ..module_utils._host.host_options import HostCollector
from ..module_utils._host.host_program import Releases, read_host_program
from ..module_utils._host.host_tls import list_tls_credentials
from ..module_utils._otelcol.config.masking import make_masker, mask_tree
from ..module_utils._otelcol.config.object_secrets import find_secrets_in_objects
from ..module_utils._otelcol.errors import Problem, prefix_problems
from ..module_utils._otelcol.needs.listeners import find_listeners, started_parts
from ._host_drafts import HostRequest, has_secret
from ._host_secrets import read_secret_file
from ._otelcol import _builds, _yaml
from ._planned import Planned


def build_host_collectors(planned: Sequence[Planned], request: HostRequest) -> list[HostBuild]:
    """Return the builds of the collectors of a host, each with the names by which others reach it.

    Raises Problem for what a host cannot give.
    """
    releases, groups = request.find_releases(), request.groups
    builds: list[HostBuild] = []
    for planned_collector in planned:
        with prefix_problems(f"collector '{planned_collector.collector.name}'"):
            build = _build_collector(planned_collector, releases)
        host_names = groups.list_hosts_file_lines(planned_collector.collector) if groups else ()
        builds.append(
            replace(build, host_name_lines=host_names, receiving_collectors=tuple(planned_collector.sends_to))
        )
    return builds


def _build_collector(planned: Planned, releases: Releases) -> HostBuild:
    """Return the build of a collector, with three texts of its config.

    The composed one is what recipes and the user write. On the host, secrets are read from files of credentials. The
    shown one is that of the host without secrets.
    """
    collector, config = planned.collector, planned.composed_config.config
    if planned.build is None or not isinstance(collector, HostCollector):
        raise Problem("its config cannot be read", fix="Correct its findings.")
    _check_no_secret(config)
    composed_text = planned.build.config_text
    environment = read_host_environment(collector.env, read_secret_file)
    config_on_host = replace_with_files(config, environment.credentials)
    all_credentials = _add_certificates(environment, collector, composed_text)
    open_listeners = tuple(find_listeners(config, started_parts(config), _builds.load_catalogue().listeners))
    build = HostBuild(
        collector=collector,
        composed_text=composed_text,
        config_text=_yaml.dump(config_on_host),
        shown_text=_dump_masked(config_on_host),
        listeners=open_listeners,
        needs=planned.build.needs,
        host_needs=derive_host_needs(config, open_listeners, collector.allow),
        environment=all_credentials,
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
