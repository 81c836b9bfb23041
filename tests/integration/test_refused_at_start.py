# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `otelcol validate` takes and the Collector refuses when it starts: the rules refuse it, and nothing else.

Each config runs for a moment, in a network namespace of its own: loopback alone, and every port free. Most of a start
is waiting, up to a minute where a component asks for a cluster or a broker. So they run side by side, each in a process
and a folder of its own; a row fails for what its own start said.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import lint_config
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

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


AT_THE_SAME_TIME = 8
Starts = dict[str, Future[str]]


def label(row: list[Any]) -> str:
    """Return the name of a row in the report of the tests."""
    return f"{row[1]} {row[2]}"[:80]


def written(row: list[Any], folder: Path) -> Path:
    """Write the config of a row into a folder of its own, and return the file."""
    folder.mkdir()
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config_of(*row), sort_keys=False), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def starts(request: pytest.FixtureRequest, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starts]:
    """Start the rows whose tests were chosen, and give for each test what its start will have said."""
    folder = tmp_path_factory.mktemp("starts")
    chosen = [item for item in request.session.items if "starts" in getattr(item, "fixturenames", ())]
    with ThreadPoolExecutor(AT_THE_SAME_TIME) as pool:
        yield {
            item.nodeid: pool.submit(said_at_start, program, written(item.callspec.params["row"], folder / str(number)))
            for number, item in enumerate(chosen)
        }
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def said(request: pytest.FixtureRequest, starts: Starts) -> Future[str]:
    """What the Collector of this test will have said: why it does not start, or nothing."""
    return starts[request.node.nodeid]


@pytest.mark.skipif(FOLDER != TESTBED, reason="another build has other components")
@pytest.mark.parametrize("row", VALUES["started"], ids=label)
def test_what_is_refused_at_start_is_an_error(
    said: Future[str], validate: Validate, target: TargetBuild, tmp_path: Path, row: list[Any]
) -> None:
    config = config_of(*row)
    assert validate(written(row, tmp_path / "own")) == ""
    found = lint_config(Subject(config, target=target, listeners=target.catalogue.listeners))
    errors = [str(item) for item in found if item.severity == "error"]
    refused = said.result()
    assert bool(refused) == bool(errors), (refused, errors)
