# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.support.airgap hide|show`: the images of the internet leave the nodes, and come back."""

from __future__ import annotations

import os
import sys

from tests.testbed import registry
from tests.testbed.__main__ import DEFAULT_NAME
from tests.testbed.cluster import load_cluster
from tests.testbed.home import Home

if __name__ == "__main__":
    cluster = load_cluster(Home.from_environment(os.environ), os.environ.get("O11Y_TESTBED_NAME", DEFAULT_NAME))
    {"hide": registry.hide_images, "show": registry.show_images}[sys.argv[1]](cluster)
