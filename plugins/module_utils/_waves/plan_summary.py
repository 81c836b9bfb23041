# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines by which a run says what it will do in waves, before it changes the first host. Private.

`_wave_planning.py` of plugin_utils puts them into key `summary` of the plan, and playbook site prints them:

    Wave canary (1 of 2): 1 host: dev. No host may fail. Its data is compared for 60 s.
      --limit leaves out test.
    The run ends after wave canary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._otelcol.errors import join_at_most
from .wave_gates import ROLL_BACK, ROLL_BACK_ALL, Gate
from .wave_run import RunWave

# How many hosts a line names.
_SHOWN_HOSTS = 10


def describe_plan(waves: Sequence[RunWave], planned_count: int) -> Iterator[str]:
    """Yield the lines on each wave: its hosts, how many may fail, and who is left out.

    `planned_count` is the number of all waves of the inventory. The run has fewer if it ends after a named wave.
    """
    for index, wave in enumerate(waves):
        yield f"Wave {wave.name} ({index + 1} of {planned_count}): {_describe_wave(wave)}"
        if wave.failed_hosts:
            yield (
                f"  {join_at_most(_SHOWN_HOSTS, wave.failed_hosts)} failed before the first wave: not changed, and"
                " counted as failed."
            )
        if wave.left_out_hosts:
            yield f"  --limit leaves out {join_at_most(_SHOWN_HOSTS, wave.left_out_hosts)}."
    if len(waves) < planned_count:
        yield f"The run ends after wave {waves[-1].name}."


def _describe_wave(wave: RunWave) -> str:
    """Return the hosts of a wave and the terms of its gate, such as `2 hosts: eu, us. No host may fail.`."""
    if not wave.hosts:
        return "no host."
    hosts = f"{len(wave.hosts)} {_host_noun(len(wave.hosts))}: {join_at_most(_SHOWN_HOSTS, wave.hosts)}."
    return " ".join([hosts, *_describe_gate(wave.gate)])


def _describe_gate(gate: Gate) -> Iterator[str]:
    """Yield a sentence for each term of a gate: when the wave begins, when it passes, and what its failure does."""
    yield f"{gate.max_failed or 'No'} {_host_noun(gate.max_failed or 1)} may fail."
    if gate.watch_seconds:
        yield f"Its data is compared for {gate.watch_seconds:g} s."
    if gate.on_failure == ROLL_BACK:
        yield "If it fails, its hosts go back."
    if gate.on_failure == ROLL_BACK_ALL:
        yield "If it fails, its hosts and those of earlier waves go back."
    if gate.approval:
        yield "A person lets it begin."


def _host_noun(count: int) -> str:
    return "host" if count == 1 else "hosts"
