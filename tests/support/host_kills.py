# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill a run that changes collector `trial` of a host at a moment that its output or the host shows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.host_site import LinuxHost
from tests.support.runs import kill_run

# Waits until something stands on the host, stops the module, which holds the lock of runs, and tells its id. Then it
# sends the signal that it is told. Without an id, the moment has not come within three minutes: five runs at once take
# long to begin on a machine that is busy.
_WATCHER = """
cd /etc/otelcol/trial || exit 1
release=$(readlink current)
last=$(ls releases | tail -n 1)
process() { systemctl show --value --property=MainPID otelcol-trial; }
pid=$(process)
echo watching
tries=0
until STANDS; do
  tries=$((tries + 1))
  test "$tries" -lt 9000 || exit 1
  sleep 0.02
done
module=$(lslocks --noheadings --raw --output PID,PATH | sed -n 's, /run/otelcol-runs.lock$,,p')
kill -s STOP "$module" && echo "$module" || exit 1
read -r signal
kill -s "$signal" "$module"
"""


@dataclass(frozen=True)
class Moment:
    """When a run is killed: it prints a text, or a condition of the shell stands on the host.

    The condition knows `$release` and `$pid`, which were in use before the run, and `$last`, the newest release. Then
    the module is stopped while the run is killed. Afterwards it gets `signal`: KILL as if the host lost its power, CONT
    if only the controller has died.
    """

    description: str
    printed_text: str = ""
    shell_condition: str = ""
    signal: str = "KILL"

    def kill_run(self, host: LinuxHost, start: Callable[[], subprocess.Popen[str]]) -> None:
        """Start a run, and kill it at this moment."""
        if self.printed_text:
            _kill_when_printed(start(), self.printed_text)
        else:
            _kill_when_standing(host, start, self)


def _kill_when_printed(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout
    printed_lines = []
    for line in process.stdout:
        printed_lines.append(line)
        if text in line:
            break
    else:
        raise AssertionError(f"the run does not print '{text}': {''.join(printed_lines)}")
    kill_run(process)


def _kill_when_standing(host: LinuxHost, start: Callable[[], subprocess.Popen[str]], moment: Moment) -> None:
    command = host.build_command(_WATCHER.replace("STANDS", moment.shell_condition))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout
        assert watcher.stdout.readline() == "watching\n"
        process = start()
        is_stopped = watcher.stdout.readline().strip().isdigit()
        if not is_stopped:
            raise AssertionError(f"{host.name}: {moment.description}: it has not come: {process.communicate()[0]}")
        assert process.poll() is None, process.communicate()[0]
        kill_run(process)
        watcher.communicate(f"{moment.signal}\n")
    assert watcher.returncode == 0
