# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work and objects in which Python does not look for garbage. Private.

This only saves time: nothing here changes a result.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Pause Python's garbage collector, which looks at all objects again and again, where none of them is garbage.

    Modules stay until the end; configs and positions have no cycles.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def freeze_present_objects() -> None:
    """Let Python never look for garbage among the objects that this process has now.

    Before Ansible starts a process for each host: each of them would look at all of what it gets from this one.
    """
    gc.freeze()
