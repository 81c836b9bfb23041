# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `otelcol validate` takes and the Collector refuses when it starts: the rules refuse it, and nothing else.

Each config runs for a moment, in a network namespace of its own: loopback alone, and every port free.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import lint
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject, Target

from .collector import Validate, said_at_start
from .real_collector_cases import changed
from .test_real_collector import FOLDER, TESTBED, program, target, validate
from .test_values import VALUES, started

__all__ = ["program", "target", "validate"]
EXTENSIONS: dict[str, Any] = {
    "basicauth/client": {"client_auth": {"username": "a", "password": "${env:PASSWORD}"}},
    "basicauth/server": {"htpasswd": {"inline": "${env:USERS}"}},
    "bearertokenauth": {"token": "${env:PASSWORD}"},
    "sigv4auth": {"region": "eu-west-1", "service": "x"},
    "zpages": {"endpoint": "localhost:54999"},
}


def config_of(section: str, kind: str, settings: Any, signal: str = "") -> Any:
    """Return a config that starts a component, or has this telemetry of the service, and the extensions it names."""
    if section == "service":
        return changed({"service/telemetry": settings})
    base = started(section, kind, settings, signal)
    named = {name: given for name, given in EXTENSIONS.items() if f"'{name}'" in repr(settings)}
    extensions = {**base.get("extensions", {}), **named}
    return changed(
        {
            "extensions": extensions,
            "service/extensions": list(extensions),
            "service/telemetry": {"metrics": {"level": "none"}},
        },
        base,
    )


@pytest.mark.skipif(FOLDER != TESTBED, reason="another build has other components")
@pytest.mark.parametrize("row", VALUES["started"], ids=lambda row: f"{row[1]} {row[2]}"[:80])
def test_what_is_refused_at_start_is_an_error(
    program: Path, validate: Validate, target: Target, tmp_path: Path, row: list[Any]
) -> None:
    config = config_of(*row)
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    assert validate(file) == ""
    found = lint(Subject(config, target=target, listeners=target.catalogue.listeners))
    errors = [str(item) for item in found if item.severity == "error"]
    refused = said_at_start(program, file)
    assert bool(refused) == bool(errors), (refused, errors)
