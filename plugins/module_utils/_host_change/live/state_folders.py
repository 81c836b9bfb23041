# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the state folder of a collector is on a host, and its removal. Private.

A collector keeps its queues in its state folder. `state` is its path as the unit has it, such as
`/var/lib/otelcol/agent`; it is empty for a collector without one. If systemd makes the user of the service
(`DynamicUser=yes`), the folder is `/var/lib/private/otelcol/agent`, and a link leads there from its path.
`host_store.py` removes the folder, and `stored_queue_files.py` reads the queues in it.
Source: systemd.exec(5), StateDirectory.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from .atomic_files import remove_link


def private_state_path(root: Path, state: str) -> Path:
    """Return where the state folder of a dynamic user is: `/var/lib/private/otelcol/agent` for the path of above."""
    variable_folder = root / "var/lib"
    return variable_folder / "private" / Path(state).relative_to("/var/lib")


def list_state_folders(root: Path, state: str) -> list[Path]:
    """Return the folders in which a collector may have its state: its path if that is no link, and the private one."""
    folders = (root / state.lstrip("/"), private_state_path(root, state))
    return [folder for folder in folders if not folder.is_symlink()]


def has_state(root: Path, state: str) -> bool:
    """Whether something is at the path of the state folder; not for an empty path."""
    return bool(state) and os.path.lexists(str(root / state.lstrip("/")))


def remove_state(root: Path, state: str) -> None:
    """Remove the state folder. With that of the last collector, the folder of all states goes too."""
    remove_link(root / state.lstrip("/"))
    for folder in list_state_folders(root, state):
        shutil.rmtree(str(folder), ignore_errors=True)
        # A state folder may be right below /var/lib, which is not this collection's.
        if folder.parent.name not in ("lib", "private"):
            with suppress(OSError):  # another collector has its state there
                folder.parent.rmdir()
