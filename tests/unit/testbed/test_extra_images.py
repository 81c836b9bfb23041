# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images with Python, and those of backends."""

from __future__ import annotations

import shutil
import sys
from importlib import util
from pathlib import Path

import pytest

from tests.testbed import backends, images, python_images
from tests.testbed.build import COMPONENTS, JAEGER_VERSION, PROMETHEUS_VERSION, Builds
from tests.testbed.home import Home
from tests.testbed.image import Image

LDD = """/usr/bin/python3.11:
\tlinux-vdso.so.1 (0x00007ffd1b5f2000)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f8ed0c21000)
\tlibgone.so.1 => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f8ed14b5000)
"""
APP = Path(__file__).parents[2] / "support/python_app/app.py"


def test_shared_libraries_are_read_from_what_ldd_prints() -> None:
    assert python_images.libraries(LDD) == {"/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"}


@pytest.mark.parametrize("name", ["interpreter.txt", "autoinstrumentation.txt"])
def test_every_package_is_pinned(name: str) -> None:
    lines = [line for line in (python_images.LISTS / name).read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert all(line.count("==") == 1 for line in lines)


def test_the_instrumentation_is_of_the_images_version() -> None:
    version = python_images.INSTRUMENTATION.rpartition(":")[2]
    lines = (python_images.LISTS / "autoinstrumentation.txt").read_text().splitlines()
    for name in ("opentelemetry-distro", "opentelemetry-instrumentation", "opentelemetry-instrumentation-flask"):
        assert f"{name}=={version}" in lines


def test_the_application_has_no_telemetry_of_its_own() -> None:
    assert "opentelemetry" not in APP.read_text().lower()


def test_without_an_installer_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/uv")
    assert python_images.lacks() is None
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(python_images, "LOCAL_UV", Path("/no/such/file"))
    monkeypatch.setattr(python_images, "find_spec", lambda _: None)
    reason = python_images.lacks()
    assert reason is not None
    assert "neither uv nor pip" in reason.why
    monkeypatch.setattr(python_images, "find_spec", lambda _: util.spec_from_loader("pip", None))
    assert python_images.installer() == [sys.executable, "-m", "pip", "--python", "/usr/bin/python3", "install"]


def test_backends_have_upstreams_names(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Builds(home, "go1.26 amd64")
    monkeypatch.setattr(images, "CERTIFICATES", Path("/no/such/file"))
    made: list[Image] = []

    def archive_of(name: str, content: Image, _: Builds) -> Path:
        made.append(content)
        return home.images / name

    monkeypatch.setattr(images, "archive_of", archive_of)
    for name, describe in (("prometheus", backends.prometheus), ("jaeger", backends.jaeger)):
        builds.dir(name).mkdir()
        builds.program(name, name).touch()
        describe(builds)
    assert [content.reference for content in made] == [
        f"docker.io/prom/prometheus:v{PROMETHEUS_VERSION}",
        f"docker.io/jaegertracing/jaeger:{JAEGER_VERSION}",
    ]
    for content in made:
        assert all(path.exists() for path in content.files.values())
        assert content.entrypoint[0] in content.files


def test_prometheus_is_of_the_version_that_is_said() -> None:
    major, minor, patch = PROMETHEUS_VERSION.split(".")
    required = f"github.com/prometheus/prometheus v0.{major}{minor}.{patch} "
    assert required in (COMPONENTS["prometheus"].folder / "go.mod").read_text()
