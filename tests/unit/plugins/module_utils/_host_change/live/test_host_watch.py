# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector counted before a change is read, and metrics that cannot be read do not end the change."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_judgement import EarlierCounts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_release import CollectorBundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_watch import (
    read_earlier_counts,
)

from .fake_host import FakeMachine


class ServingMachine(FakeMachine):
    """A host whose collector serves these metrics."""

    metrics = ""

    def get(self, _url: str) -> str:
        return self.metrics


@pytest.mark.parametrize("value", ["1e999", "+-"])
def test_metrics_with_a_count_that_is_none_count_nothing(tmp_path: Path, value: str) -> None:
    machine = ServingMachine(tmp_path)
    machine.metrics = f'otelcol_exporter_sent_spans{{exporter="debug"}} {value}'
    assert read_earlier_counts(machine, CollectorBundle("agent", metrics_url="http://127.0.0.1:8888")) == EarlierCounts(
        {}, 0.0
    )
