# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of each task on a host: its result, failure or warning, in which nothing acts on a terminal. Private.

The tasks of the modules host_… do their work in `run_task`. Lines of a journal and names of files are texts of others:
characters in them could move the cursor of a terminal or change its colours, so they are escaped here. An error of the
operating system becomes a message with a fix, such as `/etc/otelcol: No space left on device. Make room there, then run
again.`
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.errors import Problem, escape_tree, make_printable

# What the user can do about an error of the operating system.
_FIX_BY_ERROR_NUMBER = {
    errno.ENOSPC: "Make room there, then run again.",
    errno.EDQUOT: "Make room there, then run again.",
    errno.EROFS: "Let this file system be written, then run again.",
}


def run_task(module: AnsibleModule, compute_result: Callable[[], dict[str, Any]]) -> None:
    """Do the work, and exit with its result or its failure."""
    try:
        result = compute_result()
    except (Problem, OSError) as error:
        problem = to_problem(error)
        module.fail_json(**escape_tree({"msg": str(problem), **problem.facts}))
        return
    module.exit_json(**escape_tree(result))


def warn_printable(module: AnsibleModule, text: str) -> None:
    """Give a warning."""
    module.warn(make_printable(text))


def to_problem(error: Problem | OSError) -> Problem:
    """Return an error of a file system or the network as a Problem; return a Problem as it is."""
    if isinstance(error, Problem):
        return error
    wrong = f"{error.filename or 'the host'}: {error.strerror or error}"
    return Problem(wrong, fix=_FIX_BY_ERROR_NUMBER.get(error.errno or 0, "Mend this, then run again."))
