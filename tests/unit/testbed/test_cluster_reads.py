# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of logs by tests wait for pods that start, and fail for all else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import testinfra

from tests.support.cluster import Cluster

STARTING = (
    'Error from server (BadRequest): container "collector" in pod "gateway-1" is waiting to start: ContainerCreating'
)
GONE = 'Error from server (NotFound): pods "gateway-1" not found'
REFUSED = "The connection to the server 127.0.0.1:6443 was refused"
KUBECTL = """#!/bin/sh
test -e {first_call} && echo record-1 && exit
touch {first_call}
echo '{error}' >&2
exit 1
"""
AnswerOnce = Callable[[str], None]


@pytest.fixture
def answer_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnswerOnce:
    """Put a kubectl on the path whose first call fails with a text, and whose others print a record."""

    def write_program(error: str) -> None:
        first_call = tmp_path / "first"
        program = tmp_path / "kubectl"
        program.write_text(KUBECTL.format(first_call=first_call, error=error), encoding="utf-8")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return write_program


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(testinfra.get_host("local://"), "telemetry")


@pytest.mark.parametrize("error", [STARTING, GONE])
def test_logs_are_read_again_until_each_pod_has_started(answer_once: AnswerOnce, cluster: Cluster, error: str) -> None:
    answer_once(error)
    assert cluster.logs("app=gateway") == "record-1\n"


def test_logs_that_cannot_be_read_fail_at_once(answer_once: AnswerOnce, cluster: Cluster) -> None:
    answer_once(REFUSED)
    with pytest.raises(AssertionError, match="was refused"):
        cluster.logs("app=gateway")
