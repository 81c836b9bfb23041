# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program that ends by itself, and returns what it said; isolated (sandbox.py) or not. Private.

`_binary.py` runs `COLLECTOR --version` so, and `_second_opinion.py` `COLLECTOR validate`. An example: a program that is
not there has the result `(1, "it does not start: No such file or directory")`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ....module_utils._otelcol.bounded.live.bounded_reads import read_output, run_program
from . import sandbox

_ERROR_CODE = 1


class ProgramResult(NamedTuple):
    """The exit code of a program, and what it said on either output; or 1, and why it did not run."""

    exit_code: int
    output: str


def run_once(
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
    visible_paths: Sequence[Path],
    is_isolated: bool,
) -> ProgramResult:
    """Return how a program ended and what it said, or why it did not run.

    Isolated, it reads nothing but `visible_paths`, which are files and folders, and reaches no network. Raises Problem
    if it prints more than is read.
    """
    try:
        if is_isolated:
            return _run_isolated(command, environment, seconds, visible_paths)
        return _run_beside_play(command, environment, seconds)
    except subprocess.TimeoutExpired:
        return ProgramResult(_ERROR_CODE, f"no answer within {seconds} seconds")
    except OSError as error:
        return ProgramResult(_ERROR_CODE, f"it does not start: {error.strerror or error}")
    except sandbox.UnavailableError as error:
        return ProgramResult(_ERROR_CODE, f"it does not start: {error}")


def _run_beside_play(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> ProgramResult:
    """Run a program as any other process of this machine."""
    process = run_program(command, env=environment, seconds=seconds)
    return ProgramResult(process.returncode, _decode_output(process.stdout, process.stderr))


def _run_isolated(
    command: Sequence[str], environment: Mapping[str, str], seconds: float, visible_paths: Sequence[Path]
) -> ProgramResult:
    """Run a program in namespaces of its own. Its outputs are those of the helper that makes them."""
    with sandbox.open_namespaces(subprocess.PIPE, subprocess.PIPE) as namespaces:
        program = namespaces.run(command, dict(environment), visible_paths)
        outputs = read_output(program.helper, seconds)
        return ProgramResult(program.wait(), _decode_output(*outputs))


def _decode_output(output: bytes, errors: bytes) -> str:
    """Return what a program said: its errors if there are some."""
    return (errors or output).decode(errors="replace")
