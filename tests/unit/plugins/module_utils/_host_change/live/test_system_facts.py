# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SELinux has denied to a Collector is told where it enforces its policy, and of no other program."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.machine import CommandResult
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.system_facts import read_system_facts

from .fake_host import FakeMachine

DENIED = [f'avc:  denied  {{ read }} for pid={pid} comm="otelcol-contrib"' for pid in range(5)]
OUTPUTS = {
    "timedatectl": "yes\n",
    "journalctl": "\n".join([*DENIED, DENIED[4], 'avc:  denied  { read } for comm="nginx"', "otelcol has started"]),
}


class SaidMachine(FakeMachine):
    """A host whose programs print what the table has."""

    def run(self, *words: str) -> CommandResult:
        return CommandResult(0, OUTPUTS[words[0]])


@pytest.mark.parametrize(("enforces", "denials"), [(True, DENIED[2:]), (False, [])])
def test_the_last_denials_are_told_once_where_selinux_enforces(
    tmp_path: Path, enforces: bool, denials: list[str]
) -> None:
    (tmp_path / "var/log/journal").mkdir(parents=True)
    machine = SaidMachine(tmp_path)
    machine.selinux = "bin_t" if enforces else None
    facts = read_system_facts(machine, tmp_path)
    assert (facts["denials"], facts["enforcing"]) == (denials, enforces)
    assert (facts["systemd"], facts["synchronized"], facts["journal_is_kept"]) == (252, "yes", True)
