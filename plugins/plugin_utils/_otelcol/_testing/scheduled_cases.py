# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A case of a run with all that is needed to run it. Private.

A suite is a file of tests, and a case one test of it (case.py). config_tests.py lists the scheduled cases of a run;
judged_case.py, comparing.py and coverage.py each run all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ....module_utils._otelcol.testing.case import ConfigCase, Suite
from ....module_utils._otelcol.testing.policies import Policy
from .collector_setup import CollectorSetup


class ScheduledCase(NamedTuple):
    """A case that a run has on its list."""

    suite: Suite
    """The file of the case."""
    setup: CollectorSetup
    """The config with its Collector; all cases of a suite have the same."""
    case: ConfigCase
    policies: Sequence[Policy]
    """What holds for every record that leaves, by all files of the run."""
