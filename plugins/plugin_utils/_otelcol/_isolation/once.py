# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that runs once and says something. Private."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....module_utils._otelcol.bounded.live.bounded_reads import printed, run_program
from . import sandbox

Said = tuple[int, str]
_ERROR = 1


def run_once(
    command: Sequence[str], environment: Mapping[str, str], seconds: float, shown: Sequence[Path], isolated: bool
) -> Said:
    """Return the exit code of a program and what it said, on either output; or why it did not run.

    Isolated, it reads nothing but these files and folders, and reaches no network. Raises Problem if it prints more
    than is read.
    """
    try:
        return _apart(command, environment, seconds, shown) if isolated else _beside(command, environment, seconds)
    except subprocess.TimeoutExpired:
        return _ERROR, f"no answer within {seconds} seconds"
    except OSError as error:
        return _ERROR, f"it does not start: {error.strerror or error}"
    except sandbox.UnavailableError as error:
        return _ERROR, f"it does not start: {error}"


def _beside(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> Said:
    done = run_program(command, env=environment, seconds=seconds)
    return done.returncode, _text(done.stdout, done.stderr)


def _apart(command: Sequence[str], environment: Mapping[str, str], seconds: float, shown: Sequence[Path]) -> Said:
    with sandbox.opened_namespaces(subprocess.PIPE, subprocess.PIPE) as box:
        program = box.run(command, dict(environment), shown)
        said = printed(program.helper, seconds)
        return program.wait(), _text(*said)


def _text(output: bytes, errors: bytes) -> str:
    return (errors or output).decode(errors="replace")
