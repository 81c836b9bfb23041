# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the testbed itself, and of what runs jobs on it, without a cluster."""

import sys
from pathlib import Path

# The testbed is a program of this checkout, not of an installed package.
sys.path.insert(0, str(Path(__file__).parents[3]))
