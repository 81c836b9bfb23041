# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may read a file of a host, by its owners and modes. Private.

`live/file_facts.py` asks this about the user of a collector and the files that its config names. A user reads a file if
he may pass each folder from the root to it, and read the file itself. For example, for user 998 and the file
/var/log/app/a.log in a folder of root with the mode 0700, `find_unreadable_entry` returns the entry of /var/log/app.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass

# A capability that reads every file. Source: capabilities(7).
_CAPABILITIES_TO_READ_ALL = ("cap_dac_read_search", "cap_dac_override")


@dataclass(frozen=True)
class Reader:
    """The user of a service, who reads files. A dynamic user whose service does not run has no id, and owns nothing."""

    user_id: int
    """-1 for a user without an id."""
    group_ids: tuple[int, ...]
    capabilities: tuple[str, ...] = ()
    """Capabilities of Linux in lower case, such as `cap_dac_read_search`."""

    @property
    def may_read_all(self) -> bool:
        return self.user_id == 0 or any(capability in self.capabilities for capability in _CAPABILITIES_TO_READ_ALL)


@dataclass(frozen=True)
class OwnedEntry:
    """A file or folder: its mode and the ids of its owner and group."""

    path: str
    mode: int
    """As `stat` returns it: with the type of the file."""
    user_id: int
    group_id: int
    has_list: bool = False
    """Whether it has an access control list."""

    @property
    def octal(self) -> str:
        """The rights of the mode, such as `0640`."""
        return f"{stat.S_IMODE(self.mode):04o}"


def may_read(reader: Reader, entry: OwnedEntry) -> bool:
    """Whether a user may read a file, or pass a folder. An access control list may allow it too, so it says yes."""
    if reader.may_read_all or entry.has_list:
        return True
    # Linux looks at one class of rights alone: the owner's for the owner, else the group's for its members, else those
    # of all others. So an owner without the right is refused, even if all others have it.
    # The rights of all others are the last three bits of a mode, those of the group are 3 bits higher, the owner's 6.
    needed_right = stat.S_IXOTH if stat.S_ISDIR(entry.mode) else stat.S_IROTH
    if entry.user_id == reader.user_id:
        return bool(entry.mode & needed_right << 6)
    if entry.group_id in reader.group_ids:
        return bool(entry.mode & needed_right << 3)
    return bool(entry.mode & needed_right)


def find_unreadable_entry(reader: Reader, entries_on_path: Iterable[OwnedEntry]) -> OwnedEntry | None:
    """Return the first entry that keeps a user from a file; None if he may read the file.

    `entries_on_path` are the folders from the root to the file, and then the file.
    """
    return next((entry for entry in entries_on_path if not may_read(reader, entry)), None)
