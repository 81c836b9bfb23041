# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real Collector says, against what the rules say.

Every config goes to `otelcol validate`, and to the rules marked `shared`, judged for exactly that build. What one
refuses the other must refuse, for the same reason.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.catalogue import Catalogue
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.rows import SECTION_ORDER
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.version_ranges import is_in_ranges
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import mapping_at
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate.batch_processor import (
    move_batches_to_exporters,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate.data_edits import (
    ConfigChange,
    apply_edits,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.batch_announcements import GONE_SINCE
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import run_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Deployment, Subject

from tests.support.collectors import find_newest_build

from . import settings_cases, types_cases, wiring_cases
from .accepted_cases import ACCEPTED
from .collector import Validate, validating
from .real_collector_cases import BASE, Broken, changed
from .recipe_cases import NOT_IN_THE_BUILD, own
from .verdicts import HEDGED, OLDER, OWN_MODULES, TRUE_ERRORS, Verdict

ROOT = Path(__file__).parents[2]
CORPORA = Path(os.environ.get("O11Y_CORPORA", ROOT.parent / "shared" / "corpora"))
# A folder with another build and its manifest, such as one that `python -m tools.follow` made.
TESTBED = ROOT / "tests" / "testbed" / "go" / "otelcol"
FOLDER = Path(os.environ.get("O11Y_COLLECTOR", TESTBED))
MANIFEST = yaml.safe_load((FOLDER / "manifest.yaml").read_text(encoding="utf-8"))
VERSION = MANIFEST["dist"]["version"]
BUILD = "testbed"
BROKEN = [*wiring_cases.BROKEN, *types_cases.BROKEN, *settings_cases.BROKEN]
SHARED = [rule for rule in RULES if rule.shared]

ALLOCATOR_LABEL = "opentelemetry.io/target-allocator"


@pytest.fixture(scope="session")
def program() -> Path:
    """The real Collector: on the path, or as the testbed built it."""
    if "O11Y_COLLECTOR" in os.environ:
        return FOLDER / "otelcol-contrib"
    found = shutil.which("otelcol-contrib")
    if found and VERSION in subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout:
        return Path(found)
    built = find_newest_build()
    if built is None:
        pytest.skip(f"no otelcol-contrib {VERSION} on PATH, and the testbed has not built one")
    return built


@pytest.fixture(scope="session")
def validate(program: Path) -> Iterator[Validate]:
    """Ask the real Collector about one config after the other."""
    with validating(program) as asked:
        yield asked


@pytest.fixture(scope="session")
def target() -> TargetBuild:
    """The build of the testbed, from the manifest it was built with."""
    folder = ROOT / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue"
    tables = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    theirs = {
        name: [item for item in value if not item["gomod"].startswith(OWN_MODULES)] if name in SECTION_ORDER else value
        for name, value in MANIFEST.items()
    }
    catalogue, unknown = Catalogue.from_tables(tables).add_manifest(BUILD, theirs, VERSION)
    assert not unknown
    return TargetBuild(catalogue, BUILD, VERSION)


def verdict(validate: Validate, target: TargetBuild, folder: Path, case: tuple[int, Broken]) -> Verdict:
    """Ask both."""
    number, (name, expected, config, operated) = case
    file = folder / f"{number}.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")
    message = validate(file)
    deployment = Deployment("statefulset", has_target_allocator=True) if operated else None
    found = run_rules(
        SHARED, Subject(config, target=target, deployment=deployment, listeners=target.catalogue.listeners)
    )
    errors = {
        item.rule: f"{item.path}: {item.message}" for item in found if item.severity == "error" or item.rule in HEDGED
    }
    return Verdict(name, expected, message, errors, operated)


def compare(validate: Validate, target: TargetBuild, folder: Path, cases: Iterable[Broken]) -> list[Verdict]:
    """Ask both of every case, print the table, and return what they disagree on."""
    asked = [case for case in cases if FOLDER == TESTBED or _is_about(case, target)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        verdicts = list(pool.map(lambda case: verdict(validate, target, folder, case), enumerate(asked)))
    counts = Counter(one.kind for one in verdicts)
    print("\n" + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    bad = [one for one in verdicts if _is_disagreement(one)]
    for item in bad:
        print(f"  {item.kind}: {item.name}\n    it: {' '.join(item.message.split())[:300]}\n    we: {item.errors}")
    return bad


def _is_disagreement(found: Verdict) -> bool:
    """Whether one side alone refuses a config, or both do and not as the case expects."""
    if found.kind in ("false error", "missed", "other reason"):
        return True
    if not found.expected:
        return False
    return found.kind != "both refuse" or found.expected not in found.causes & set(found.errors)


def _is_about(case: Broken, target: TargetBuild) -> bool:
    """Whether a case tells something about another build than the testbed's."""
    return not case.name.startswith("unknown-component") and usable(case.config, target)


def usable(config: Any, target: TargetBuild) -> bool:
    """Whether the build has every component of a config, at the version that it says."""
    used = [(name, str(key).partition("/")[0]) for name in SECTION_ORDER for key in mapping_at(config, name)]
    return bool(used) and all(
        key not in OLDER and target.catalogue.find_component(*key, target.distribution, target.version) for key in used
    )


def public() -> Iterator[tuple[dict[str, Any], Any, bool]]:
    """Yield row of the index, config, and whether an operator completes it, of every public config."""
    for row in json.loads((CORPORA / "index.json").read_text(encoding="utf-8")):
        for document in yaml.safe_load_all((CORPORA / row["file"]).read_text(encoding="utf-8")):
            operated = bool(mapping_at(document, "spec", "targetAllocator").get("enabled"))
            operated = operated or ALLOCATOR_LABEL in mapping_at(document, "metadata", "labels")
            for config in _configs(document, row["kind"]):
                if isinstance(config, dict):
                    yield row, config, operated


def from_corpora(target: TargetBuild) -> Iterator[Broken]:
    """Yield the public configs that need no more than this build has."""
    for row, config, operated in public():
        if usable(config, target):
            yield Broken(row["file"], "", config, operated)


def _configs(document: Any, kind: str) -> list[Any]:
    """Return the configs in a document of the public ones: itself, the CR's, or those in a ConfigMap."""
    if kind == "config":
        return [document]
    if kind == "cr":
        return [mapping_at(document, "spec").get("config")]
    if kind == "cr-string":
        return [yaml.safe_load(str(mapping_at(document, "spec").get("config")))]
    return [yaml.safe_load(text) for text in mapping_at(document, "data").values() if "receivers:" in str(text)]


def probes(target: TargetBuild) -> Iterator[Broken]:
    """Yield a few broken settings of every component whose settings are known exactly."""
    for row in target.catalogue.field_rows:
        exact = is_in_ranges(row.get("exact", ""), VERSION) and "doubt" not in row
        if exact and row["section"] in SECTION_ORDER and usable({row["section"]: {row["type"]: {}}}, target):
            place = f"{row['section']}/{row['type']}"
            for rule, path, value in _list_faults(target.catalogue.shared_fields, row["fields"]):
                settings: Any = value
                for key in reversed(path):
                    settings = [settings] if key == 0 else {key: settings}
                yield Broken(f"{place} {path}", rule, changed({place: settings}, BASE))


class Fault(NamedTuple):
    """A rule, and where in the settings of a component a value breaks it: `("tls", "no_such_key")`."""

    rule: str
    path: tuple[Any, ...]
    value: Any


class Shape(NamedTuple):
    """What is known of a setting: fields by name, an item of a list, or a word such as `duration` of a single value."""

    path: tuple[Any, ...]
    node: Any


def _list_faults(shared: dict[str, Any], fields: Any) -> Iterator[Fault]:
    """Yield an unknown key in every mapping, and a wrong shape for a fourth of the values."""
    for number, shape in enumerate(_list_shapes(shared, fields), 1):
        if isinstance(shape.node, dict):
            if number < 40 and _knows_all_keys(shape.node):
                yield Fault("unknown-field", (*shape.path, "no_such_key"), 1)
        elif shape.path and number % 4 == 0 and number < 200:
            yield from _list_wrong_values(shape)


def _list_shapes(shared: dict[str, Any], fields: Any) -> Iterator[Shape]:
    """Yield settings of all depths, those inside a part before those beside it."""
    stack = [Shape((), fields)]
    while stack:
        path, node = stack.pop()
        found = Shape(path, shared.get(node, node) if isinstance(node, str) else node)
        yield found
        stack.extend(_list_inner_shapes(found))


def _list_inner_shapes(shape: Shape) -> Iterator[Shape]:
    if isinstance(shape.node, list):
        yield Shape((*shape.path, 0), shape.node[1])
    if isinstance(shape.node, dict):
        for key, below in shape.node.items():
            if key != "...":
                yield Shape((*shape.path, "k" if key == "*" else key), below)


def _knows_all_keys(node: dict[str, Any]) -> bool:
    return "..." not in node and "*" not in node


def _list_wrong_values(shape: Shape) -> Iterator[Fault]:
    """Yield a value that a single setting does not take; nothing where its shape is not known or takes a list."""
    if isinstance(shape.node, list) or shape.node == "?":
        return
    if shape.node.startswith("d"):
        yield Fault("invalid-duration", shape.path, "5 parsecs")
    elif "l" not in shape.node.partition("=")[0].partition("~")[0]:
        yield Fault("wrong-type", shape.path, ["x"])


def test_broken_configs(validate: Validate, target: TargetBuild, tmp_path: Path) -> None:
    assert len(BROKEN) >= 150
    assert compare(validate, target, tmp_path, BROKEN) == []


def test_correct_configs(validate: Validate, target: TargetBuild, tmp_path: Path) -> None:
    assert compare(validate, target, tmp_path, ACCEPTED) == []


def test_settings(validate: Validate, target: TargetBuild, tmp_path: Path) -> None:
    assert compare(validate, target, tmp_path, probes(target)) == []


def test_our_configs(validate: Validate, target: TargetBuild, tmp_path: Path) -> None:
    cases = list(own(VERSION))
    left_out = {case.name.split()[0] for case in cases if not usable(case.config, target)}
    assert FOLDER != TESTBED or left_out == NOT_IN_THE_BUILD
    assert compare(validate, target, tmp_path, [case for case in cases if usable(case.config, target)]) == []


def without_batch(config: Any, target: TargetBuild) -> Any:
    """Return a config with the batches of its processors made by its exporters; None if no processor goes."""
    found = [one for one in move_batches_to_exporters(config, target) if isinstance(one, ConfigChange)]
    return apply_edits(config, [edit for one in found for edit in one.edits]) if found else None


@pytest.mark.parametrize("version", [VERSION, GONE_SINCE])
def test_public_configs_without_batch_processors(
    validate: Validate, target: TargetBuild, tmp_path: Path, version: str
) -> None:
    if not CORPORA.is_dir():
        pytest.skip("the folder of public configs is not here; O11Y_CORPORA names another one")
    moved, refused = 0, []
    for case in from_corpora(target):
        for name, config in (
            ("before", case.config),
            ("after", without_batch(case.config, replace(target, version=version))),
        ):
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        if config is not None and not validate(tmp_path / "before.yaml"):
            moved += 1
            why = validate(tmp_path / "after.yaml")
            refused += [f"{case.name}: {why}"] if why else []
    print(f"\n{moved} configs moved")
    assert refused == []
    assert moved > 10 or FOLDER != TESTBED


def test_public_configs_at_their_own_build(target: TargetBuild) -> None:
    """Every error in a public config is a true one: its file is in the table below, with the reason."""
    if not CORPORA.is_dir():
        pytest.skip("the folder of public configs is not here; O11Y_CORPORA names another one")
    found: Counter[str] = Counter()
    unexplained = []
    for row, config, operated in public():
        version = row["version"]
        if row["distribution"] == "adot":
            version = target.catalogue.find_collector_version("adot", f"v{version}")
        deployment = Deployment("statefulset", has_target_allocator=True) if operated else None
        subject = Subject(
            config,
            target=TargetBuild(target.catalogue, row["distribution"], version),
            deployment=deployment,
            listeners=target.catalogue.listeners,
        )
        for item in run_rules(SHARED, subject):
            if item.severity != "error" or row["named_invalid"]:
                continue
            reason = next((why for text, why in TRUE_ERRORS.items() if re.search(text, f"{row['file']} {item}")), "")
            found[reason] += 1
            unexplained += [] if reason else [f"{row['file']}: {item}"]
    for reason, count in sorted(found.items()):
        print(f"{count:4} {reason or 'NOT EXPLAINED'}")
    assert unexplained == []


def test_public_configs(validate: Validate, target: TargetBuild, tmp_path: Path) -> None:
    if not CORPORA.is_dir():
        pytest.skip("the folder of public configs is not here; O11Y_CORPORA names another one")
    assert compare(validate, target, tmp_path, from_corpora(target)) == []
