# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C ends the command without a traceback, also while Python imports it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.cases import cases

from .test_options import SOURCE

# Python imports a module of this name in place of the real one, which is a user who presses Ctrl-C meanwhile.
INTERRUPTED = "raise KeyboardInterrupt\n"


@cases("module", "argparse", "difflib")
def test_ctrl_c_ends_the_imports_in_silence(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text(INTERRUPTED)
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(SOURCE)])}
    command = [sys.executable, "-m", "otelcoltool", "validate", "absent.yaml"]
    done = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
