# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _images

from tests.support.cases import cases


@cases(
    "image, build",
    ("otel/opentelemetry-collector:0.158.0", ("core", "0.158.0")),
    ("localhost:5000/opentelemetry-collector-contrib:v0.1.2-x", ("contrib", "v0.1.2")),
    ("opentelemetry-collector-contrib", ("contrib", "")),
    ("opentelemetry-collector-contrib@sha256:12", ("contrib", "")),
    ("opentelemetry-collector-contrib:latest", ("contrib", "")),
    ("opentelemetry-collector-mine:1.2.3", None),
    ("", None),
)
def test_an_image_is_recognised_wherever_it_comes_from(image: str, build: tuple[str, str] | None) -> None:
    assert _images.recognise_image(image) == build
