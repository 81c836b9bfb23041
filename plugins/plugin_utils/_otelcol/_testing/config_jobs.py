# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test of a config with all that its run needs. Private.

config_tests.py makes the jobs of a run; judged_case.py, coverage.py and comparing.py work through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ....module_utils._otelcol.testing.case import ConfigCase, Suite
from ....module_utils._otelcol.testing.policies import Policy
from .bench import Bench


class ConfigJob(NamedTuple):
    """A test: its file, what the tests of the file share, the case itself, and the policies of the run."""

    suite: Suite
    bench: Bench
    case: ConfigCase
    policies: Sequence[Policy]
