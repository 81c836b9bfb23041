# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let systemd read what a change of a collector has written: the units, and the file for systemd-tmpfiles. Private.

`host_change.py` and `candidate_check.py` call these functions after they have written files or set links.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..._otelcol.errors import Failure
from ..bundle_form import TMPFILES
from ..host_release import StoredFile
from .host_store import Store
from .machine import Machine


def reload_units(machine: Machine) -> None:
    """Let systemd read its units again. Raises Failure if it does not."""
    reload_result = machine.run_systemctl("daemon-reload")
    if reload_result.exit_code:
        raise Failure(f"systemd does not read its units: {reload_result.output.strip()[-300:]}")


def make_tmpfiles(machine: Machine, store: Store, files: Mapping[str, StoredFile]) -> None:
    """Let systemd-tmpfiles make the folders that a release needs, if it has a file for that. Raises Failure."""
    if TMPFILES in files:
        create_result = machine.run("systemd-tmpfiles", "--create", str(store.links.tmpfiles))
        if create_result.exit_code:
            raise Failure(f"systemd-tmpfiles fails: {create_result.output.strip()[-300:]}")
