# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of an inventory, as data."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import (
    helm,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import (
    lock_file as lock,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.customization import (
    Customization,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.mirror_images import MirrorImage
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.pinned_images import move_images
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from . import samples

A, B, C = (f"sha256:{digit * 64}" for digit in "abc")
FOUND = [
    ("images", "quay.io/x:1", A, "docker://quay.io/x:1"),
    ("images", "ghcr.io/y:2", B, "docker://ghcr.io/y:2"),
    ("manifests", "cert-manager v1.21.2", C, "https://me:hunter2@m.example/cert-manager.yaml?sig=hunter3"),
]


def checksums(found: Any) -> list[lock.Checksum]:
    return [lock.Checksum(*fields) for fields in found]


def locked(*found: tuple[str, str, str, str], exclude: tuple[str, ...] = ()) -> lock.Lock:
    return lock.read_lock(lock.build_lock_content(checksums(found or FOUND), exclude, None), "/inventory/otel.lock.yml")


def test_an_image_gets_its_digest_or_is_refused_unless_it_is_excluded() -> None:
    assert locked().pin_image("quay.io/x:1") == f"quay.io/x:1@{A}"
    assert locked().pin_image(f"quay.io/x:1@{C}") == f"quay.io/x:1@{C}"
    assert locked().pin_image(f"other.io/z@{C}") == f"other.io/z@{C}"
    with pytest.raises(Problem, match=r"Use quay.io/x:2: the lock does not have this image .*o11y.opentelemetry.lock"):
        locked().pin_image("quay.io/x:2")
    assert locked().add_known_digest("quay.io/x:2") == "quay.io/x:2"
    assert locked(exclude=("quay.io/*",)).pin_image("quay.io/x:2") == "quay.io/x:2"


def test_another_sum_is_refused_with_both_and_without_secrets() -> None:
    locked().verify_sum("manifests", "cert-manager v1.21.2", C, "here")
    with pytest.raises(Problem) as caught:
        locked().verify_sum("manifests", "cert-manager v1.21.2", A, "https://me:hunter2@m.example/a.yaml?sig=hunter3")
    for part in (A, C, "https://m.example/a.yaml", "/inventory/otel.lock.yml"):
        assert part in str(caught.value)
    assert "hunter" not in str(caught.value)
    with pytest.raises(Problem, match=r"Use cert-manager v1\.20\.0: the lock does not have this manifest"):
        locked().verify_sum("manifests", "cert-manager v1.20.0", A, "here")


def test_the_content_is_the_same_in_any_order_without_secrets_and_keeps_its_origin_with_its_sum() -> None:
    (text,) = {
        repr(lock.build_lock_content(checksums(order), ["b", "a", "b"], None))
        for order in itertools.permutations(FOUND)
    }
    assert "hunter" not in text and "'exclude': ['a', 'b']" in text
    assert text.index("ghcr.io/y:2") < text.index("quay.io/x:1")
    name, elsewhere = "cert-manager v1.21.2", "/media/releases/cert-manager.yaml"
    same = lock.build_lock_content(checksums([("manifests", name, C, elsewhere)]), [], locked())
    other = lock.build_lock_content(checksums([("manifests", name, A, elsewhere)]), [], locked())
    rows = [content["all"]["vars"]["otel_lock"]["manifests"][name] for content in (same, other)]
    assert rows == [{"sum": C, "from": "https://m.example/cert-manager.yaml"}, {"sum": A, "from": elsewhere}]


@pytest.mark.parametrize("missing", ["", "sha256:", "sha256:xyz", "md5:1", f"{A} ", "-"])
def test_what_has_no_digest_is_not_locked(missing: str) -> None:
    with pytest.raises(Problem, match=r"there is no digest of quay.io/x:1 .*otel_lock_exclude"):
        lock.build_lock_content(checksums([("images", "quay.io/x:1", missing, "docker://quay.io/x:1")]), [], None)


def inside(**content: Any) -> dict[str, Any]:
    return {"all": {"vars": {"otel_lock": content}}}


@cases(
    "content, said",
    (None, "not a lock"),
    ([], "not a lock"),
    ({"all": {}}, "not a lock"),
    (inside(), "not a lock"),
    (inside(format=2), "its format is 2, not 1"),
    (inside(format=1, images=["x"]), "not a lock"),
    (inside(format=1, images={"x": "y"}), "not a lock"),
    (inside(format=1, images={"x": {"from": "y"}}), "not a lock"),
    (inside(format=1, images={"x": {"sum": "y"}}), "x has no SHA-256"),
    (inside(format=1, images={"x": {"sum": A[:-1]}}), "x has no SHA-256"),
    (inside(format=1, images={"x": {"sum": A, "from": 5}}), "x has no text as its origin"),
    (inside(format=1, images={"x": {"sum": A, "from": None}}), "x has no text as its origin"),
    (inside(format=1, exclude="docker.io/*"), "`exclude` is no list of patterns"),
    (inside(format=1, exclude={"docker.io/*": True}), "`exclude` is no list of patterns"),
    (inside(format=1, exclude=[None]), "`exclude` is no list of patterns"),
)
def test_another_file_is_no_lock(content: Any, said: str) -> None:
    with pytest.raises(Problem, match=rf"Read the lock: .*{said}.*\(at /inventory"):
        lock.read_lock(content, "/inventory/otel.lock.yml")


def test_options_are_pinned_where_they_are_named() -> None:
    options = {"image": "quay.io/x:1", "config": {"image": "x"}, "extensions": [{"image": "quay.io/x:1"}]}
    options["languages"] = {"java": {"image": "ghcr.io/y:2"}, "go": {}}
    assert lock.pin_options(options, ("image", "languages", "extensions"), locked().pin_image) == {
        "image": f"quay.io/x:1@{A}",
        "config": {"image": "x"},
        "languages": {"java": {"image": f"ghcr.io/y:2@{B}"}, "go": {}},
        "extensions": [{"image": f"quay.io/x:1@{A}"}],
    }


def test_images_of_a_workload_are_pinned_before_they_move_and_read_with_their_digest() -> None:
    arguments = ["--acme-http01-solver-image=ghcr.io/y:2", "--v=1"]
    made = samples.deployment("a", "b", "quay.io/x:1", container={"args": arguments})
    move_images(made, "mirror:5000", locked().pin_image)
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"mirror:5000/x:1@{A}"
    assert container["args"] == [f"--acme-http01-solver-image=mirror:5000/y:2@{B}", "--v=1"]
    row = MirrorImage("quay.io/x:1", ("a",)).build_row("mirror:5000/m", locked().pin_image)
    assert (row["source"], row["digest"], row["repository"]) == (f"quay.io/x@{A}", A, "quay.io/x")
    assert row["target"] == "mirror:5000/m/x:1"


def test_a_chart_starts_the_images_that_are_locked() -> None:
    custom = Customization(image_registry="mirror:5000", pin=lambda image: f"{image}@sha256:ab")
    made = helm.build_chart_values(samples.CERTIFIER, custom, {}, samples.NEWEST)
    assert made["image"] == {"repository": "mirror:5000/jetstack/cert-manager-controller", "digest": "sha256:ab"}
    assert {made[name]["image"]["digest"] for name in ("webhook", "cainjector", "acmesolver")} == {"sha256:ab"}
    made = helm.build_chart_values(
        samples.OPERATING, custom, {"collector": "mirror:5000/c:1@sha256:cd"}, samples.NEWEST
    )["manager"]
    assert made["image"]["tag"] == "1.2.3@sha256:ab"
    assert made["collectorImage"] == {"repository": "mirror:5000/c", "tag": "1@sha256:cd"}


def test_inventories_with_locks_of_their_own_agree() -> None:
    one, other = locked(FOUND[0]), locked(("images", "quay.io/x:1", B, "docker://quay.io/x:1"))
    assert lock.join_locks([one, None])("quay.io/x:1") == f"quay.io/x:1@{A}"
    assert lock.join_locks([one, None])("quay.io/x:2") == lock.join_locks([None])("quay.io/x:2") == "quay.io/x:2"
    assert lock.join_locks([])("quay.io/x:2") == "quay.io/x:2"
    with pytest.raises(Problem, match="does not have this image"):
        lock.join_locks([one, one])("quay.io/x:2")
    with pytest.raises(Problem, match=f"two locks differ: .*{A} and .*{B}"):
        lock.join_locks([one, other])("quay.io/x:1")


@cases("order", 1, -1)
def test_an_image_that_one_inventory_excludes_needs_no_digest_in_any_order_of_the_locks(order: int) -> None:
    pin = lock.join_locks([locked(exclude=("localhost/*",)), locked()][::order])
    assert pin("localhost/x:1") == "localhost/x:1"
    assert pin("quay.io/x:1") == f"quay.io/x:1@{A}"
    with pytest.raises(Problem, match="does not have this image"):
        pin("quay.io/x:2")
