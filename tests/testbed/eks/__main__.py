# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.testbed.eks HOME NAME MANIFEST`: the process that launch.py starts."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.testbed.cluster import load_cluster
from tests.testbed.eks.addon import AddonSite
from tests.testbed.eks.server import serve
from tests.testbed.home import Home

if __name__ == "__main__":
    home, name, manifest = sys.argv[1:]
    cluster = load_cluster(Home(Path(home)), name)
    serve(cluster, AddonSite(cluster, Path(manifest)))
