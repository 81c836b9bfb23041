# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`version_added` is a version that was released, or the next one; the changelog says which modules a release had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.documentation import read_documentation

from .source import files, text

Version = tuple[int, ...]
RELEASES: dict[str, Any] = yaml.safe_load(text("changelogs/changelog.yaml"))["releases"]


def number(version: Any) -> Version:
    return tuple(map(int, str(version).split(".")))


LAST = max(map(number, RELEASES))
NEXT = max((LAST[0], LAST[1] + 1, 0), number(yaml.safe_load(text("galaxy.yml"))["version"]))


def listed() -> dict[str, Version]:
    """Return what the changelog lists as new, such as `modules/bundle_apply`, with the release that brought it."""
    found: dict[str, Version] = {}
    for version, release in RELEASES.items():
        kinds = {"modules": release.get("modules", []), **release.get("plugins", {}), **release.get("objects", {})}
        found |= {f"{kind}/{one['name']}": number(version) for kind, ones in kinds.items() for one in ones}
    return found


LISTED = listed()


def interfaces() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every module, role and filter with its documentation."""
    for path in files("plugins/modules/*.py"):
        yield f"modules/{Path(path).stem}", read_documentation(Path(path).stem)
    for path in files("roles/*/meta/argument_specs.yml"):
        for entry, spec in yaml.safe_load(text(path))["argument_specs"].items():
            name = Path(path).parts[1]
            yield f"role/{name}" if entry == "main" else f"role/{name}/{entry}", spec
    for path in files("plugins/filter/*.py"):
        parts = text(path).split('DOCUMENTATION = r"""')[1:] or text(path).split('DOCUMENTATION = """')[1:]
        yield f"filter/{Path(path).stem}", yaml.safe_load(parts[0].split('"""')[0])


INTERFACES = dict(interfaces())


def wrong(name: str, found: Mapping[str, Any], parent: Version | None = None) -> Iterator[str]:
    """Yield each version that cannot be: of an interface the one that lists it, of an option no older than that."""
    own = number(found["version_added"]) if "version_added" in found else parent
    if own is None or own not in {*map(number, RELEASES), NEXT}:
        yield f"{name}: version_added is {found.get('version_added')}, the next release is {spelled(NEXT)}"
        return
    is_listed = parent is None and name.count("/") == 1  # unlike an option, and an entry point of a role beside `main`
    if is_listed and own != LISTED.get(name, NEXT):
        yield f"{name}: the changelog has it since {spelled(LISTED.get(name, NEXT))}"
    if parent and own < parent:
        yield f"{name}: version_added is older than what has the option"
    for option, spec in options(found).items():
        yield from wrong(f"{name}.{option}", spec, own)


def options(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of an interface, or the suboptions of an option."""
    return {**(found.get("options") or {}), **(found.get("suboptions") or {})}


def spelled(version: Version) -> str:
    return ".".join(map(str, version))


@pytest.mark.parametrize("name", INTERFACES)
def test_a_version_added_is_a_release_or_the_next(name: str) -> None:
    assert list(wrong(name, INTERFACES[name])) == []


def test_what_a_release_lists_still_exists() -> None:
    assert sorted(set(LISTED) - set(INTERFACES)) == []


def of(version: str | None, **option: Any) -> dict[str, Any]:
    return {**({"version_added": version} if version else {}), "options": {"a": option} if option else {}}


LATER = spelled((NEXT[0], NEXT[1] + 1, 0))
UNRELEASED = spelled(NEXT)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("modules/bundle_apply", of(LATER)),
        ("modules/bundle_apply", of(None)),
        ("modules/bundle_apply", of(UNRELEASED)),
        ("modules/unheard_of", of("1.0.0")),
        ("modules/unheard_of", of("0.9.0")),
        ("modules/bundle_apply", of("1.0.0", version_added=LATER)),
        ("modules/bundle_apply", of("1.0.0", version_added="0.1.0")),
        ("modules/bundle_apply", of("1.0.0", suboptions={"b": {"version_added": LATER}})),
        ("modules/unheard_of", of(UNRELEASED, version_added="1.0.0")),
    ],
)
def test_a_wrong_version_is_found(name: str, found: dict[str, Any]) -> None:
    assert len(list(wrong(name, found))) == 1
