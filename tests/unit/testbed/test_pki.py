# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of a cluster."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.testbed import pki
from tests.testbed.cluster import Cluster
from tests.testbed.home import Home


def test_python_3_13_trusts_them(tmp_path: Path) -> None:
    """Since 3.13 Python checks certificates strictly, as RFC 5280 says."""
    cluster = Cluster(Home(tmp_path), "strict", slot=1)
    pki.create(cluster)
    folder = cluster.dir / "pki"
    for item in pki.certificates(cluster):
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", "ca.crt", f"{item.name}.crt"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
