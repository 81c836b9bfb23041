# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process in which Ansible's worker does the work of a module: when it ends, and where its output goes. Private.

`_worker.py` calls this file. A worker is a process that Ansible forks for each task and host.
"""

from __future__ import annotations

import ctypes
import io
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def end_with_parent() -> None:
    """Let a worker end as soon as its ansible-playbook does: one that is left would go on to write to the cluster.

    Linux sends the signal, as Ansible does to its workers when it is interrupted. Elsewhere a worker that is left stops
    when it meets what the next run has written.
    """
    parent = multiprocessing.parent_process()
    if parent is None or sys.platform != "linux":
        return
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent.pid:  # it has ended before
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def silence_output() -> Iterator[None]:
    """Drop what libraries print and log, as Ansible does with what a module prints beside its result.

    A worker has the terminal and the log of Ansible. A command that makes tokens would ask for input there.
    """
    level = logging.root.manager.disable
    logging.disable()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(level)
