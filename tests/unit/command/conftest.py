# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command itself, for tests of what it says."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from .test_options import OLD, SOURCE


@pytest.fixture(name="command_line", scope="module")
def import_command_line() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SOURCE))
        yield import_module("otelcoltool.command_line")


@pytest.fixture(name="config")
def write_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write agent.yaml in the folder where the command runs."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "agent.yaml"
    config.write_text(OLD)
    return config
