# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An option that is a Go duration takes every unit of Go."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._duration_checks import check_duration
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._value_shapes import OptionPlace

from tests.support.cases import cases

PLACE = OptionPlace("interval", "module otel_render")


# Both letters for micro: the sign and the Greek one.
@cases("duration", "5ns", "5us", "5\u00b5s", "5\u03bcs", "5ms", "5s", "5m", "5h", "1h1.5s")
def test_every_unit_of_go_passes(duration: str) -> None:
    check_duration(duration, "Go", PLACE)


def test_another_unit_is_no_duration() -> None:
    with pytest.raises(Problem, match="which is no duration"):
        check_duration("5d", "Go", PLACE)
