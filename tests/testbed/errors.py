# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one kind of error that the testbed reports: what went wrong, why, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


class ClusterError(Exception):
    """Something that `up`, `install`, `down`, `status` or `env` set out to do did not work."""

    exit_code = 1

    def __init__(self, what: str, why: str, do: str) -> None:
        super().__init__(what)
        self.what, self.why, self.do = what, why, do

    def __str__(self) -> str:
        return f"{self.what}\n  why: {self.why}\n  do:  {self.do}"


class UnavailableError(ClusterError):
    """Something cannot be had on this machine; callers tell it from a failure by the exit code and skip."""

    exit_code = 3


@dataclass(frozen=True)
class Reason:
    """Why something is not to be had, and what would change that."""

    why: str
    do: str
