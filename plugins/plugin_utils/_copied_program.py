# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the archive of a program on the controller, before it is copied to a Linux host. Controller only. Private.

The actions of host_check and host_apply call it: the host itself would find a wrong sum only after the copy, which may
have a hundred megabytes.
"""

from __future__ import annotations

from pathlib import Path

from ..module_utils._otelcol.bounded.live.bounded_reads import compute_file_sum
from ..module_utils._otelcol.bounded.read_limits import ARCHIVE_LIMIT
from ..module_utils._otelcol.errors import Problem


def check_program_sum(program_file: Path, sha256: str) -> None:
    """Compare a file of the controller with its sum. Raises Problem if it is not there, or has another sum."""
    action = f"Copy {program_file} to the host"
    try:
        file_sum = compute_file_sum(program_file, ARCHIVE_LIMIT).removeprefix("sha256:")
    except OSError as error:
        fix = "Put the archive there, or correct the mirror or `file`."
        raise Problem(f"the controller cannot read it: {error.strerror}", asked=action, fix=fix) from error
    if file_sum != sha256.lower():
        wrong = f"it has the sum {file_sum}, and {sha256} was asked"
        raise Problem(wrong, asked=action, fix="Find out who changed it. Get it again, or correct its sum.")
