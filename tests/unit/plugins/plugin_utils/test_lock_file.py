# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a lock, and what reads it: releases, mirrors and collectors."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _instrumentation, _lock_file, _written_lock
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import (
    fetched_manifest,
    release_mirror,
    render,
)

from .helpers import RELEASE, defaults, of_kind, rendered

MANIFEST = """\
{apiVersion: v1, kind: Namespace, metadata: {name: cert-manager}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cert-manager, namespace: cert-manager, labels: {app.kubernetes.io/version: v1.21.2}}
spec: {template: {spec: {containers: [{name: a, image: "quay.io/jetstack/cert-manager-controller:v1.21.2"}]}}}
"""
IMAGE = "quay.io/jetstack/cert-manager-controller:v1.21.2"
COLLECTOR = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.158.0"
A, B = (f"sha256:{digit * 64}" for digit in "ab")


def image(name: str, archive: str = "") -> dict[str, str]:
    return {"image": name, "source": name, "target": f"mirror:5000/{name}", "archive": archive}


def written(path: Path, check: bool = False, **given: Any) -> dict[str, Any]:
    return _written_lock.lock_or_verify({**defaults("release_lock"), "path": str(path), **given}, check=check)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


SUM = sha256(MANIFEST)
MANIFESTS = [{"name": "cert-manager v1.21.2", "from": "https://example.com/a.yaml", "sum": f"sha256:{SUM}"}]
IMAGES = [image(IMAGE), image(COLLECTOR)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A lock of the manifest and of two images."""
    path = tmp_path / "otel.lock.yml"
    written(path, images=IMAGES, digests=[A, B], manifests=MANIFESTS)
    return path


def test_the_file_is_written_once(file: Path) -> None:
    text = file.read_text()
    again = written(file, images=[*reversed(IMAGES)], digests=[B, f"{A}\n"], manifests=MANIFESTS)
    assert again["changed"] is False
    assert file.read_text() == text
    assert text.startswith("---\n# What this inventory was locked to.")


def test_programs_without_archives_make_no_lock_and_name_none(tmp_path: Path) -> None:
    path = tmp_path / "otel.lock.yml"
    done = written(path, programs=[])
    assert (done["changed"], path.exists()) == (False, False)
    assert done["msg"] == f"there is nothing to lock, and no lock at {path}"


def test_a_check_shows_the_difference_and_writes_nothing(file: Path) -> None:
    text = file.read_text()
    result = written(file, images=[image(IMAGE)], digests=[B], check=True)
    assert result["changed"] is True
    assert file.read_text() == result["diff"]["before"] == text
    assert B in result["diff"]["after"]


def test_digests_of_an_unreachable_registry_are_those_of_the_mirror(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "second.yml"
    with pytest.raises(Problem, match=f"Lock it: there is no digest of {IMAGE}"):
        written(path, images=[image(IMAGE)], digests=[""])
    written(path, images=[image(IMAGE)], digests=[""], mirror=str(file.parent))
    found = _lock_file.read_lock_if_given(str(path))
    assert found
    assert found.rows_by_part["images"] == {IMAGE: {"sum": A, "from": str(file)}}


def test_a_lock_that_is_no_utf8_is_refused_with_its_line(file: Path) -> None:
    text = file.read_bytes()
    file.write_bytes(text + b"# \xe4\n")
    with pytest.raises(Problem, match=r"otel\.lock\.yml: byte 0xe4 in line \d+ is not valid in UTF-8"):
        written(file, images=IMAGES, digests=[A, B])
    assert file.read_bytes() == text + b"# \xe4\n"


def test_a_lock_whose_row_stands_twice_is_refused(file: Path) -> None:
    """As after a merge of two branches: only the second row would be compared."""
    lines = file.read_text().splitlines(keepends=True)
    row_start = next(number for number, line in enumerate(lines) if IMAGE in line)
    file.write_text("".join([*lines[: row_start + 3], *lines[row_start:]]))
    with pytest.raises(Problem, match=r"otel\.lock\.yml:\d+:\d+ all\..*: this key stands twice"):
        _lock_file.read_lock(file)


@pytest.mark.parametrize("place", ["~no-such-user-here/lock.yml", "/a\0b"])
def test_a_path_that_no_file_can_have_is_refused(place: str, tmp_path: Path) -> None:
    for option in ("mirror", "archives"):
        with pytest.raises(Problem, match=r"no user 'no-such-user-here'|holds a NUL"):
            written(tmp_path / "lock.yml", images=[image(IMAGE, "a.tar")], digests=[A], **{option: place})
    with pytest.raises(Problem, match=r"no user 'no-such-user-here'|holds a NUL"):
        written(Path(place))
    with pytest.raises(Problem, match=r"no user 'no-such-user-here'|holds a NUL"):
        _lock_file.read_lock_if_given(place)


@pytest.mark.parametrize("option", ["manifests", "charts", "programs"])
@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, r"row 2 of `OPTION` has no text as its `name`"),
        ({"name": "a", "from": "b"}, r"row 2 of `OPTION` has no text as its `sum`"),
        ({"name": "a", "sum": A}, r"row 2 of `OPTION` has no text as its `from`"),
        ({"name": None, "sum": A, "from": "b"}, r"row 2 of `OPTION` has no text as its `name`"),
    ],
)
def test_a_row_without_a_name_a_sum_or_an_origin_is_refused(
    tmp_path: Path, option: str, row: dict[str, Any], said: str
) -> None:
    with pytest.raises(Problem, match=f"Lock the files: {said.replace('OPTION', option)}"):
        written(tmp_path / "lock.yml", **{option: [*MANIFESTS, row]})


@pytest.mark.parametrize("row", [{}, {**image("a:1"), "image": 5}, {"image": "a:1"}])
def test_an_image_without_its_keys_is_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    with pytest.raises(Problem, match=r"Lock the files: row 1 of `images` has no text as its `(image|source)`"):
        written(tmp_path / "lock.yml", images=[row], digests=[A])


@pytest.mark.parametrize(("digests", "said"), [([A], "1 digest"), ([A, B, A], "3 digests")])
def test_each_image_has_one_digest(tmp_path: Path, digests: list[str], said: str) -> None:
    with pytest.raises(Problem, match=f"Lock the images: 2 images cannot have {said}"):
        written(tmp_path / "lock.yml", images=IMAGES, digests=digests)


def test_an_image_with_a_digest_needs_no_lock(tmp_path: Path) -> None:
    written(tmp_path / "lock.yml", images=[image(f"x@{A}")], digests=[""])
    found = _lock_file.read_lock_if_given(str(tmp_path / "lock.yml"))
    assert found
    assert found.pin_image(f"x@{A}") == f"x@{A}"


def test_archives_are_compared_before_they_are_pushed(tmp_path: Path) -> None:
    path, rows = tmp_path / "otel.lock.yml", [image(IMAGE, "images/a.tar")]
    archive = tmp_path / "images" / "a.tar"
    archive.parent.mkdir()
    archive.write_text("archive")
    written(path, images=rows, digests=[A], archives=str(tmp_path))
    verified = {"state": "verified", "images": rows, "archives": str(tmp_path)}
    assert written(path, **verified)["msg"] == f"1 archive as in {path}"
    archive.write_text("another")
    with pytest.raises(Problem) as caught:
        written(path, **verified)
    assert [sha256(text) in str(caught.value) for text in ("archive", "another")] == [True, True]
    archive.unlink()
    with pytest.raises(Problem, match="Read the archive: cannot read it"):
        written(path, **verified)


def test_an_inventory_folder_may_hold_the_file(file: Path) -> None:
    (file.parent / "hosts.yml").write_text("all: {hosts: {one: {}}}")
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(file.parent), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert (found["all"]["children"], done.stderr) == (["ungrouped"], "")
    assert set(found["_meta"]["hostvars"]["one"]) == {"otel_lock"}


def test_a_lock_is_found_beside_the_inventory(file: Path, tmp_path: Path) -> None:
    beside = [("", file.parent, str(file)), ("/given", file.parent, "/given"), ("none", file.parent, "")]
    for given, inventory, found in (*beside, ("", tmp_path / "other", "")):
        assert _lock_file.find_lock_path(given, str(inventory)) == found
    assert _lock_file.find_lock_path("", None) == ""
    with pytest.raises(Problem, match=r"the file does not exist \(at /nowhere\)\. Run `ansible-playbook"):
        _lock_file.read_lock_if_given("/nowhere")


def released(file: Path | str, lock_file: str, **given: Any) -> dict[str, Any]:
    asked = {"product": "cert-manager", "source": str(file), "lock_file": lock_file}
    return render.render_release({**RELEASE, **asked, **given}, False)


def compared(lock_file: Path | str, exclude: Any = (), **given: Any) -> dict[str, Any]:
    """Return what a mirror of one release has, compared with a lock."""
    release = {"product": "cert-manager", "provider": "manifest", "allow_privileges": [], "images": {}}
    release |= {"version": "", "mirror": "", "sha256": "", "chart": "", **given}
    cluster = {"lock_file": str(lock_file), "manifests": [], "releases": [release]}
    options = {"path": "", "registry": "", "scope": "used", "exclude": list(exclude), "images": [], "compare": True}
    return release_mirror.mirror_releases({"clusters": [cluster], **options}, False)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "cert-manager.yaml"
    path.write_text(MANIFEST)
    return path


def test_a_release_has_the_sum_and_the_digests_of_the_lock(file: Path, manifest: Path) -> None:
    result = released(manifest, str(file), image_registry="mirror:5000")
    assert result["images"] == [f"mirror:5000/jetstack/cert-manager-controller:v1.21.2@{A}"]
    assert "trusted" not in result["msg"]


def test_a_changed_manifest_is_refused_with_both_sums(file: Path, manifest: Path) -> None:
    manifest.write_text(f"{MANIFEST}# changed\n")
    with pytest.raises(Problem) as caught:
        released(manifest, str(file))
    sums = (SUM, sha256(manifest.read_text()))
    assert [one for one in sums if f"sha256:{one}" not in str(caught.value)] == []


def test_without_a_lock_one_line_says_what_is_trusted(manifest: Path) -> None:
    message = released(manifest, "")["msg"]
    assert SUM in message
    assert "ansible-playbook o11y.opentelemetry.lock" in message
    assert "\n" not in message
    assert "trusted" not in released(manifest, "", sha256=SUM)["msg"]


def test_an_image_that_the_lock_lacks_is_refused(tmp_path: Path, manifest: Path) -> None:
    written(tmp_path / "lock.yml", manifests=MANIFESTS)
    with pytest.raises(Problem, match=f"Use {IMAGE}: the lock does not have this image"):
        released(manifest, str(tmp_path / "lock.yml"))


def test_a_plain_address_needs_a_sum(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_manifest, "_download_manifest", lambda _url: MANIFEST.encode())
    url = "http://me:hunter2@m.example/cert-manager.yaml?sig=hunter3"
    for refused in (url, url.replace("http:", "HTTP:"), url.replace("http:", "ftp:")):
        with pytest.raises(Problem, match=r"no SHA-256 is expected of it.*\(sha256\)") as caught:
            released(refused, "")
        assert "hunter" not in str(caught.value)
    assert released(url, str(file))["action"] == "install"
    assert released(url, "", sha256=SUM)["action"] == "install"
    with pytest.raises(Problem) as caught:
        released(url, "", sha256="ab")
    assert "hunter" not in str(caught.value)


def test_the_mirror_compares_with_the_lock(file: Path, manifest: Path) -> None:
    (found,) = compared(file, source=str(manifest))["images"]
    assert (found["image"], found["digest"]) == (IMAGE, A)
    manifest.write_text(f"{MANIFEST}# changed\n")
    with pytest.raises(Problem, match="the manifest has sha256"):
        compared(file, source=str(manifest))


def test_a_chart_is_compared_with_all_its_files(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "chart" / "templates").mkdir(parents=True)
    (tmp_path / "chart" / "Chart.yaml").write_text("{name: cert-manager, version: v1.21.2}")
    (tmp_path / "chart" / "templates" / "a.yaml").write_text("a")
    helm, path = {"provider": "helm", "chart": str(tmp_path / "chart")}, tmp_path / "charts.yml"
    message = released("", "", **helm)["msg"]
    assert "the chart cert-manager v1.21.2 is trusted as read, sha256:" in message
    found = compared("none", "*", source=str(manifest), **helm)
    written(path, charts=found["charts"], manifests=found["manifests"], exclude=["*"])
    assert "trusted" not in released("", str(path), **helm)["msg"]
    (tmp_path / "chart" / "templates" / "b.yaml").write_text("b")
    with pytest.raises(Problem, match=r"the chart has sha256:\w+, and the lock has sha256:"):
        released("", str(path), **helm)
    with pytest.raises(Problem, match="the chart has sha256"):
        compared(path, "*", source=str(manifest), **helm)


def test_a_chart_in_a_repository_cannot_be_locked(tmp_path: Path) -> None:
    path, helm = tmp_path / "charts.yml", {"provider": "helm", "chart": "oci://x/cert-manager"}
    written(path, exclude=["*"])
    with pytest.raises(Problem, match=r"Use the chart of cert-manager: the lock does not have .*helm pull"):
        released("", str(path), **helm)
    with pytest.raises(Problem, match=r"there is no digest of the chart of cert-manager .*helm pull"):
        written(path, charts=[{"name": "the chart of cert-manager", "sum": "", "from": "oci://x"}])
    assert "trusted" not in released("", "", **helm)["msg"]


def workload(pin: Any, kind: str = "Deployment", **given: Any) -> str:
    """Return the one workload of a collector."""
    bundle = rendered({"name": "one", "recipes": ["otlp_ingest", "debug_output"], **given}, pin=pin)
    return json.dumps(of_kind(bundle, kind)[0])


def test_collectors_run_the_locked_digest(file: Path) -> None:
    pin = _lock_file.choose_pin(str(file))
    assert f'"{COLLECTOR}@{B}"' in workload(pin)
    assert f"mirror:5000/{COLLECTOR.partition('/')[2]}@{B}" in workload(pin, image_registry="mirror:5000")
    assert f'"{COLLECTOR}@{B}"' in workload(pin, "OpenTelemetryCollector", backend="operator")


def test_a_collector_with_another_image_is_refused(file: Path) -> None:
    pin, own = _lock_file.choose_pin(str(file)), "example.com/own:1"
    with pytest.raises(Problem, match=r"Use example\.com/own:1: the lock does not have this image"):
        workload(pin, image=own)
    assert f'"{own}"' in workload(_lock_file.choose_pin(str(file), lenient=True), image=own)
    assert f'"{own}@{A}"' in workload(pin, image=f"{own}@{A}")


def test_instrumentations_run_the_locked_digest(file: Path) -> None:
    item = {"name": "a", "endpoint": "http://x:4318", "languages": {"java": {"image": IMAGE}}}
    made = _instrumentation.build_bundle([item], {"namespace": "a"}, _lock_file.choose_pin(str(file)))
    assert f'"{IMAGE}@{A}"' in json.dumps(of_kind(made, "Instrumentation")[0])
