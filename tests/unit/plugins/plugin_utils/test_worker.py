# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is around the work of a module in Ansible's worker process."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._worker import quiet


def test_libraries_find_no_terminal_and_no_log(capsys: pytest.CaptureFixture[str], caplog: Any) -> None:
    with quiet():
        print("printed")
        logging.error("logged")
        terminal = sys.stdout.isatty()
    logging.warning("after")
    assert (terminal, capsys.readouterr().out, caplog.messages) == (False, "", ["after"])
