# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart that a user gives."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.products import PRODUCTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import chart_on_disk

OPERATOR = PRODUCTS["opentelemetry-operator"]
CHART = "name: opentelemetry-operator\nversion: 0.122.0\nappVersion: 0.158.0\n"


def folder(path: Path, text: str = CHART) -> str:
    (path / "Chart.yaml").write_text(text)
    return str(path)


def archive(path: Path, text: str = CHART, name: str = "opentelemetry-operator/Chart.yaml") -> str:
    with tarfile.open(path / "chart.tgz", "w:gz") as file:
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        file.addfile(entry, io.BytesIO(text.encode()))
    return str(path / "chart.tgz")


@pytest.mark.parametrize("write", [folder, archive])
def test_a_chart_on_disk_says_what_it_is(write: object, tmp_path: Path) -> None:
    described = chart_on_disk.read_chart(write(tmp_path))  # type: ignore[operator]
    assert described is not None
    assert chart_on_disk.check_chart_version(OPERATOR, described, "") == "0.158.0"
    assert chart_on_disk.check_chart_version(OPERATOR, described, "v0.158.0") == "0.158.0"


@pytest.mark.parametrize("given", ["", "oci://ghcr.io/x/opentelemetry-operator", "open-telemetry/operator"])
def test_a_chart_elsewhere_is_not_read(given: str) -> None:
    assert chart_on_disk.read_chart(given) is None


def test_a_chart_of_another_version_or_product_is_refused(tmp_path: Path) -> None:
    described = chart_on_disk.read_chart(folder(tmp_path))
    assert described is not None
    with pytest.raises(Problem, match=r"the chart has version 0\.158\.0 .*, not v0\.152\.0"):
        chart_on_disk.check_chart_version(OPERATOR, described, "v0.152.0")
    with pytest.raises(Problem, match="this is the chart of opentelemetry-operator"):
        chart_on_disk.check_chart_version(PRODUCTS["cert-manager"], described, "")


def test_what_is_no_chart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="this is not a Helm chart"):
        chart_on_disk.read_chart(archive(tmp_path, name="other.txt"))
    (tmp_path / "text.tgz").write_text("text")
    with pytest.raises(Problem, match="cannot read this chart"):
        chart_on_disk.read_chart(str(tmp_path / "text.tgz"))
    (tmp_path / "Chart.yaml").write_text("name: opentelemetry-operator\n")
    with pytest.raises(Problem, match=r"Chart\.yaml has no version"):
        chart_on_disk.read_chart(str(tmp_path))


def linked(path: Path, name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> str:
    """Return an archive with a chart and one more entry, which is a link."""
    with tarfile.open(path / "chart.tgz", "w:gz") as file:
        for entry, content in ((tarfile.TarInfo("o/Chart.yaml"), CHART.encode()), (tarfile.TarInfo(name), b"")):
            if entry.name == name:
                entry.type, entry.linkname = kind, target
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
    return str(path / "chart.tgz")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("name", ["o/Chart.yaml", "o/values.yaml", "a"])
def test_an_archive_with_a_link_is_refused_by_the_name_of_the_entry(name: str, kind: bytes, tmp_path: Path) -> None:
    given = linked(tmp_path, name, "/etc/passwd", kind)
    with pytest.raises(Problem, match=rf"its entry {name} is a link to /etc/passwd \(at {given}\)"):
        chart_on_disk.read_chart(given)


@pytest.mark.parametrize("name", ["../Chart.yaml", "/o/Chart.yaml", "o/../../Chart.yaml"])
def test_an_archive_that_leads_out_of_itself_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=rf"its entry {name} leads out of it"):
        chart_on_disk.read_chart(archive(tmp_path, name=name))


@pytest.mark.parametrize("left", [0, 1, 15, 80, -30, -9, -1])
def test_an_archive_that_is_cut_short_is_refused_wherever_it_ends(left: int, tmp_path: Path) -> None:
    path = Path(archive(tmp_path))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(Problem, match=rf"cannot read this chart: .* \(at {path}\)"):
        chart_on_disk.read_chart(str(path))


@pytest.mark.parametrize(("name", "target"), [("Chart.yaml", "/etc/passwd"), ("a.tpl", "../x"), ("gone", "nowhere")])
def test_a_folder_with_a_link_out_of_it_is_refused_by_the_name_of_the_file(
    name: str, target: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("secret")
    chart = tmp_path / "chart"
    chart.mkdir()
    folder(chart)
    (chart / name).unlink(missing_ok=True)
    (chart / name).symlink_to(target)
    with pytest.raises(Problem, match=f"its file {name} is a link to {target}"):
        chart_on_disk.read_chart(str(chart))


def test_a_folder_may_link_to_files_of_its_own(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "same.yaml").symlink_to("Chart.yaml")
    assert chart_on_disk.read_chart(str(tmp_path)) is not None


@pytest.mark.parametrize("place", ["~no-such-user-here/a", "/a\0b"])
def test_a_path_that_no_chart_can_have_is_refused(place: str) -> None:
    with pytest.raises(Problem, match=r"no user 'no-such-user-here'|holds a NUL"):
        chart_on_disk.read_chart(place)


def test_a_chart_of_a_name_that_no_file_can_have_is_elsewhere() -> None:
    assert chart_on_disk.read_chart(f"/{'x' * 300}") is None
