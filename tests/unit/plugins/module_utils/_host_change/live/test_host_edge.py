# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that a host says acts on the terminal of who runs a playbook."""

from __future__ import annotations

import errno
import os
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_edge import (
    run_task,
    warn_printable,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from .fake_host import FakeModule

CLEAR, SHOWN = "a\x1b[2Jb\nc", "a\\u001b[2Jb\nc"


def ended(work: Any) -> dict[str, Any]:
    module = FakeModule({"name": "agent"})
    run_task(module, work)  # type: ignore[arg-type]
    return module.result


def test_a_result_a_failure_and_a_warning_show_control_characters_as_text() -> None:
    assert ended(lambda: {"changed": True, "notes": [CLEAR]}) == {"changed": True, "notes": [SHOWN]}

    def fails() -> dict[str, Any]:
        raise Problem("it failed", facts={"journal": [CLEAR]})

    assert ended(fails)["journal"] == [SHOWN]
    module = FakeModule({"name": "agent"})
    warn_printable(module, CLEAR)  # type: ignore[arg-type]
    assert module.warnings == [SHOWN]


def test_what_a_file_system_refuses_is_a_failure_with_its_place() -> None:
    def fails() -> dict[str, Any]:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "/etc/otelcol")

    assert (
        ended(fails)["msg"] == "/etc/otelcol: Read-only file system. Let this file system be written, then run again."
    )
