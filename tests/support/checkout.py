# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The maintainers' tools, as `python -m tools.…` imports them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def import_tools_from_checkout() -> Iterator[None]:
    """Import `plugins` from the checkout alone: tests/unit has a folder of that name too, and pytest adds its path."""
    other_plugins, search_path = {name: sys.modules.pop(name) for name in _list_plugin_modules()}, sys.path[:]
    sys.path[:] = [str(ROOT), *(entry for entry in search_path if not (Path(entry) / "plugins").exists())]
    try:
        yield
    finally:
        sys.path[:] = search_path
        for name in _list_plugin_modules():
            del sys.modules[name]
        sys.modules.update(other_plugins)


def _list_plugin_modules() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "plugins"]
