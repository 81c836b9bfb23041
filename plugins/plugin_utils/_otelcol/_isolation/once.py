# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that runs once and says something. Private.

`_binary.py` runs `COLLECTOR --version` and `COLLECTOR validate` so, isolated or not (sandbox.py).
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....module_utils._otelcol.bounded.live.bounded_reads import read_output, run_program
from . import sandbox

ExitAndOutput = tuple[int, str]
_ERROR_CODE = 1


def run_once(
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
    visible_paths: Sequence[Path],
    is_isolated: bool,
) -> ExitAndOutput:
    """Return the exit code of a program and what it said, on either output; or why it did not run.

    Isolated, it reads nothing but these files and folders, and reaches no network. Raises Problem if it prints more
    than is read.
    """
    try:
        return (
            _run_isolated(command, environment, seconds, visible_paths)
            if is_isolated
            else _run_beside_play(command, environment, seconds)
        )
    except subprocess.TimeoutExpired:
        return _ERROR_CODE, f"no answer within {seconds} seconds"
    except OSError as error:
        return _ERROR_CODE, f"it does not start: {error.strerror or error}"
    except sandbox.UnavailableError as error:
        return _ERROR_CODE, f"it does not start: {error}"


def _run_beside_play(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> ExitAndOutput:
    process = run_program(command, env=environment, seconds=seconds)
    return process.returncode, _decode_output(process.stdout, process.stderr)


def _run_isolated(
    command: Sequence[str], environment: Mapping[str, str], seconds: float, visible_paths: Sequence[Path]
) -> ExitAndOutput:
    with sandbox.open_namespaces(subprocess.PIPE, subprocess.PIPE) as namespaces:
        program = namespaces.run(command, dict(environment), visible_paths)
        outputs = read_output(program.helper, seconds)
        return program.wait(), _decode_output(*outputs)


def _decode_output(output: bytes, errors: bytes) -> str:
    return (errors or output).decode(errors="replace")
