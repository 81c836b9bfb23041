# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the Collector that runs a config: that of its image, a given program, or the one of PATH. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ....module_utils._otelcol.config.config_secrets import secrets_in
from ....module_utils._otelcol.config.masking import masker
from ....module_utils._otelcol.errors import Problem
from .. import _binary, _builds, _placeholders, _yaml
from .._build_request import BuildRequest
from .._isolation.choice import Isolation
from .bench import Bench

_GET_ONE = "Install that Collector on the controller, or give the path of one with `binary`."


@dataclass(frozen=True)
class Chosen:
    """A config that is to run: where it is from, and the image beside it."""

    config: Mapping[str, Any]
    image: str
    where: str


def chosen_bench(
    chosen: Chosen, arguments: Mapping[str, Any], isolation: Isolation, warn: Callable[[str], None]
) -> Bench:
    """Return what runs a config. `arguments` have the options of builds, `binary` and `programs`.

    Raises Problem without a Collector that runs it.
    """
    target = _builds.resolve_build(BuildRequest.from_arguments(arguments), chosen.image)
    binary = _program_of(chosen.image, arguments.get("programs") or {}) or arguments["binary"]
    found = _binary.program(binary, target if binary == _binary.AUTO else None)
    if isinstance(found, _binary.Unavailable):
        raise Problem(f"there is no Collector to run the tests: {found.why}", where=chosen.where, fix=_GET_ONE)
    program = found.path
    _binary.check_program(program, isolation.apart)
    if binary != _binary.AUTO and (other := _binary.version_mismatch(program, target, isolation.apart)):
        warn(f"{chosen.where}: {other}. The tests say what that version does.")
    version = target.version if target else ""
    return Bench(
        program=program,
        config=chosen.config,
        environment=_placeholders.placeholder_environment(chosen.config, target),
        cluster={},
        otlp_http=_builds.tables().name_for("exporters", "otlp_http", version) if version else "otlp_http",
        dump=_yaml.dump,
        hidden=masker(secrets_in(chosen.config)),
        isolation=isolation,
    )


def _program_of(image: str, programs: Mapping[str, str]) -> str:
    """Return the program of an image, or the first one for a config that names none."""
    return programs.get(image, "") if image else next(iter(programs.values()), "")
