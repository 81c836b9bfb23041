# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exit codes of the command, and what it writes to the standard error: all that is no part of a report.

Commands and `command_line.py` write so. A warning looks like `otelcoltool: warning: 1 file skipped and not checked.`
"""

from __future__ import annotations

import sys

from .option_texts import replace_playbook_words

EXIT_CLEAN = 0
EXIT_FOUND = 1
EXIT_UNUSABLE = 2
EXIT_BROKEN = 3
EXIT_CODES_HELP = """\
exit codes:
  0  nothing was found that is as severe as asked
  1  something was found: findings, manual changes, failed tests
  2  the command was used wrongly, or what it was given cannot be read
  3  the command itself failed: please report that
"""


def tell_user(text: str) -> None:
    """Write a line to the standard error, for what is no part of a report."""
    print(f"otelcoltool: {replace_playbook_words(text)}", file=sys.stderr)


def warn_user(text: str) -> None:
    """Write a warning to the standard error, for what is no finding."""
    tell_user(f"warning: {text}")
