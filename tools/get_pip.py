# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for pip's bootstrap script where only a package index can be reached: the pip that comes with Python."""

from __future__ import annotations

import runpy
import subprocess
import sys

# Options of the bootstrap script that pip itself does not know.
BOOTSTRAP_ONLY = {"--no-setuptools", "--no-wheel"}

subprocess.run([sys.executable, "-m", "ensurepip", "--default-pip"], check=True, stdout=subprocess.DEVNULL)
arguments = [argument for argument in sys.argv[1:] if argument not in BOOTSTRAP_ONLY]
sys.argv = ["pip", "install", *arguments]
runpy.run_module("pip", run_name="__main__")
