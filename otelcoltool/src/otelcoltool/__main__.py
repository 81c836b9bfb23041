# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m otelcoltool` is the command `otelcoltool`."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

# The exit code by which a shell says that Ctrl-C ended a program: 128 and the number of the signal.
_EXIT_AFTER_SIGINT = 130


def main() -> int:
    """Run the command and return its exit code.

    Most of a run on one file is the import of the library. Python searches it for garbage meanwhile, for a tenth of the
    time, and there is none; the command turns the search on again before it works.
    Ctrl-C during the import ends the command in silence, as it does later.
    """
    gc.disable()
    try:
        return int(import_module(".command_line", __package__).main())
    except KeyboardInterrupt:
        return _EXIT_AFTER_SIGINT


if __name__ == "__main__":
    sys.exit(main())
