# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the Collector that runs a config: that of its image, a given program, or the one of PATH. Private.

Tests of configs, forecasts and savings ask here. The result is a `CollectorSetup`, see collector_setup.py. The first
row that fits counts:

| the arguments | the program |
|---|---|
| `programs: {IMAGE: /a}`, and the config has the image IMAGE | `/a` |
| `programs: {IMAGE: /a}`, and the config has no image | `/a`, the first of them |
| `binary: /b` | `/b` |
| `binary: auto` | the program of the distribution in PATH, if it has the version of the target |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ....module_utils._otelcol.config.config_secrets import find_secrets
from ....module_utils._otelcol.config.masking import make_masker
from ....module_utils._otelcol.errors import Problem
from .. import _binary, _builds, _placeholders, _yaml
from .._build_request import BuildRequest
from .._isolation.choice import Isolation
from .collector_setup import CollectorSetup

_GET_PROGRAM_FIX = "Install that Collector on the controller, or give the path of one with `binary`."


@dataclass(frozen=True)
class ChosenConfig:
    """A config that is to run."""

    config: Mapping[str, Any]
    image: str
    """The image of its collector; empty if none is known."""
    where: str
    """Where the config is from, as messages name it: a file, or `gateway of the inventory`."""


def choose_collector(
    chosen_config: ChosenConfig, arguments: Mapping[str, Any], isolation: Isolation, warn: Callable[[str], None]
) -> CollectorSetup:
    """Return a config with the Collector that runs it.

    `arguments` have the options of `BuildRequest`, `binary` (a path or `auto`) and perhaps `programs`, which has the
    path of a Collector by image. Raises Problem without a Collector that runs the config.
    """
    request = BuildRequest.from_arguments(arguments)
    target = _builds.resolve_build(request, chosen_config.image)
    binary = _find_program(chosen_config.image, arguments.get("programs") or {}) or arguments["binary"]
    # `auto` finds nothing but the version of the target. A program that the user names runs anyway, with a warning.
    is_chosen_by_target = binary == _binary.AUTO
    chosen_program = _binary.choose_program(binary, target if is_chosen_by_target else None)
    if isinstance(chosen_program, _binary.Unavailable):
        raise Problem(
            f"there is no Collector to run the config: {chosen_program.reason}",
            where=chosen_config.where,
            fix=_GET_PROGRAM_FIX,
        )
    program = chosen_program.path
    _binary.check_program(program, isolation.is_isolated)
    if not is_chosen_by_target:
        mismatch = _binary.describe_version_mismatch(program, target, isolation.is_isolated)
        if mismatch:
            warn(f"{chosen_config.where}: {mismatch}. The results are those of that version.")
    version = target.version if target else ""
    if not _is_version_given(request, chosen_config.image):
        version = _binary.read_program_version(program, isolation.is_isolated) or version
    return CollectorSetup(
        program=program,
        config=chosen_config.config,
        environment=_placeholders.build_placeholder_environment(chosen_config.config, target),
        cluster_objects={},
        otlp_http=_find_otlp_http_name(version),
        dump_yaml=_yaml.dump,
        hide_secrets=make_masker(find_secrets(chosen_config.config)),
        isolation=isolation,
    )


def _find_program(image: str, programs: Mapping[str, str]) -> str:
    """Return the program of an image, or the first program for a config without an image; empty if there is none."""
    if image:
        return programs.get(image, "")
    return next(iter(programs.values()), "")


def _is_version_given(request: BuildRequest, image: str) -> bool:
    """Whether the user says which version runs a config. A build of the user's own may count its versions itself."""
    return bool(request.version or request.manifest or request.schema or image)


def _find_otlp_http_name(version: str) -> str:
    """Return the name that the exporter otlp_http has in a version; the newest name if no version is known."""
    return _builds.load_catalogue().choose_name("exporters", "otlp_http", version) if version else "otlp_http"
