# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of the Operator Lifecycle Manager, from the Go module that has them; tests/support/olm plays OLM."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from tests.testbed import go_modules
from tests.testbed.errors import ClusterError, Reason

MODULE, VERSION = "github.com/operator-framework/api", "v0.45.0"


@cache
def list_definitions() -> list[Path]:
    """The files of its CustomResourceDefinitions, in the module cache: they are nobody's copy here."""
    return sorted((go_modules.find_module_folder(MODULE, VERSION) / "crds").glob("operators.coreos.com_*.yaml"))


def find_obstacle() -> Reason | None:
    """Why they cannot be had here."""
    if not shutil.which("go"):
        return Reason(f"its definitions are in the Go module {MODULE}, and there is no Go on PATH", "install Go")
    try:
        return None if list_definitions() else Reason(f"{MODULE} {VERSION} has no definitions", "change VERSION")
    except ClusterError as error:
        return Reason(error.why, "set GOPROXY to a proxy that has the module")
