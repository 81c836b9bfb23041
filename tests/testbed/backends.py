# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of backends: where collectors send what they have."""

from __future__ import annotations

from pathlib import Path

from tests.testbed import images
from tests.testbed.build import COMPONENTS, JAEGER_VERSION, PROMETHEUS_VERSION, Builds
from tests.testbed.image import Image


def pack_prometheus(builds: Builds) -> Path:
    """The archive of Prometheus, started as upstream's image starts it."""
    config_path = "/etc/prometheus/prometheus.yml"
    files = {
        "/bin/prometheus": builds.program_path("prometheus", "prometheus"),
        config_path: COMPONENTS["prometheus"].folder / "prometheus.yml",
    }
    image = Image(
        f"docker.io/prom/prometheus:v{PROMETHEUS_VERSION}",
        images.with_certificates(files),
        # Its folder for data: everybody may write there.
        {"/prometheus": "tmp"},
        entrypoint=("/bin/prometheus",),
        command=(f"--config.file={config_path}", "--storage.tsdb.path=/prometheus"),
        user="65534",
    )
    return images.pack_described_image("prometheus", image, builds)


def pack_jaeger(builds: Builds) -> Path:
    """The archive of what stands for Jaeger."""
    program = "/cmd/jaeger/jaeger-linux"
    files = images.with_certificates({program: builds.program_path("jaeger", "jaeger")})
    image = Image(f"docker.io/jaegertracing/jaeger:{JAEGER_VERSION}", files, entrypoint=(program,), user="10001")
    return images.pack_described_image("jaeger", image, builds)
