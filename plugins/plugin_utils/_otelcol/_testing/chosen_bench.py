# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the Collector that runs a config: that of its image, a given program, or the one of PATH. Private."""

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
from .bench import Bench

_GET_PROGRAM_FIX = "Install that Collector on the controller, or give the path of one with `binary`."


@dataclass(frozen=True)
class ChosenConfig:
    """A config that is to run: where it is from, and the image beside it."""

    config: Mapping[str, Any]
    image: str
    where: str


def choose_bench(
    chosen_config: ChosenConfig, arguments: Mapping[str, Any], isolation: Isolation, warn: Callable[[str], None]
) -> Bench:
    """Return what runs a config. `arguments` have the options of builds, `binary` and `programs`.

    Raises Problem without a Collector that runs it.
    """
    target = _builds.resolve_build(BuildRequest.from_arguments(arguments), chosen_config.image)
    binary = _find_program(chosen_config.image, arguments.get("programs") or {}) or arguments["binary"]
    chosen_program = _binary.choose_program(binary, target if binary == _binary.AUTO else None)
    if isinstance(chosen_program, _binary.Unavailable):
        raise Problem(
            f"there is no Collector to run the tests: {chosen_program.reason}",
            where=chosen_config.where,
            fix=_GET_PROGRAM_FIX,
        )
    program = chosen_program.path
    _binary.check_program(program, isolation.is_isolated)
    if binary != _binary.AUTO and (
        mismatch := _binary.describe_version_mismatch(program, target, isolation.is_isolated)
    ):
        warn(f"{chosen_config.where}: {mismatch}. The tests say what that version does.")
    version = target.version if target else ""
    return Bench(
        program=program,
        config=chosen_config.config,
        environment=_placeholders.build_placeholder_environment(chosen_config.config, target),
        cluster_objects={},
        otlp_http=_builds.load_catalogue().choose_name("exporters", "otlp_http", version) if version else "otlp_http",
        dump_yaml=_yaml.dump,
        hide_secrets=make_masker(find_secrets(chosen_config.config)),
        isolation=isolation,
    )


def _find_program(image: str, programs: Mapping[str, str]) -> str:
    """Return the program of an image, or the first one for a config that names none."""
    return programs.get(image, "") if image else next(iter(programs.values()), "")
