# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the state folder of a collector is on a host, and its removal. Private.

A collector keeps its queues in its state folder. `state` is its path as the unit has it, such as
`/var/lib/otelcol/agent`; it is empty for a collector without one. A service with a dynamic user has it below
`/var/lib/private`, and a link to it at its path. Source: systemd.exec(5), StateDirectory.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from .whole_files import remove_link


def private_state_path(root: Path, state: str) -> Path:
    """Return where the state folder of a dynamic user is. Source: systemd.exec(5), StateDirectory."""
    variable_folder = root / "var/lib"
    return variable_folder / "private" / Path(state).relative_to("/var/lib")


def list_state_places(root: Path, state: str) -> list[Path]:
    """Return where the state folder is, or was: a dynamic user's place is a link to the private one."""
    places = (root / state.lstrip("/"), private_state_path(root, state))
    return [place for place in places if not place.is_symlink()]


def has_state(root: Path, state: str) -> bool:
    """Whether something is at the path of the state folder; not for an empty path."""
    return bool(state) and os.path.lexists(str(root / state.lstrip("/")))


def remove_state(root: Path, state: str) -> None:
    """Remove the state folder, and the folder above it with the last collector's."""
    remove_link(root / state.lstrip("/"))
    for place in list_state_places(root, state):
        shutil.rmtree(str(place), ignore_errors=True)
        if place.parent.name not in ("lib", "private"):
            with suppress(OSError):  # another collector has its state there
                place.parent.rmdir()
