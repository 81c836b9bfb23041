# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which releases of the Collector the tables lack; with --update, asks each of them and writes the answers.

python -m tools.follow
python -m tools.follow --update [--folder DIR]
python -m tools.follow --announced v0.165.0

An update builds a Collector of each release from all modules that the proxy has, asks its decoder, adds its answers
to fields.json, prints what is new and gone (also to .cache/follow.md), and compares rules and Collector with the
integration tests. An interrupted update continues: what is built in DIR is not built again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from plugins.module_utils._otelcol.catalogue.rows import CONTRIB_PREFIX, CORE_PREFIX, Module
from plugins.module_utils._otelcol.config.collector_versions import parse_version
from tools.catalogue import fields, fields_facts
from tools.catalogue.fields import ComponentsAnswer, FieldRow, VersionRange

from . import announced, collector, proxy, report

COMPONENTS_FILE = fields_facts.FIELDS_FILE.with_name("components.json")
ROOT = Path(__file__).parents[2]
COMPARED_TESTS = tuple(f"tests/integration/{name}.py" for name in ("test_real_collector", "test_values", "probe"))
REPORT_FILE = ROOT / ".cache" / "follow.md"
BUILDS_FOLDER = Path.home() / ".cache" / "o11y-follow"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 1 if rules and Collector disagree on a release, 2 if the proxy refuses all of one."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.follow", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--update", action="store_true", help="ask each newer release, and write its answers")
    parser.add_argument(
        "--folder", type=Path, default=BUILDS_FOLDER, help=f"where releases are built; {BUILDS_FOLDER} by default"
    )
    parser.add_argument("--announced", metavar="RELEASE", help="only quote what a release deprecates and plans")
    options = parser.parse_args(arguments)
    if options.announced:
        return _print_announced(options.announced)
    try:
        rows = _read_field_rows()
        newer_releases = list_missing_releases(rows, proxy.list_releases(proxy.OTELCOL_MODULE))
        print(describe_state(rows, newer_releases))
        exit_codes = [_follow_release(options.folder, version) for version in newer_releases] if options.update else []
        return max(exit_codes, default=0)
    except (proxy.RefusedModule, OSError) as error:
        print(f"{'error: ' if options.update else ''}The releases of the Collector could not be read: {error}")
        return 2 if options.update else 0


def _print_announced(version: str) -> int:
    """Print what a release deprecates and plans. Return the exit code: 2 if that could not be read."""
    try:
        print(announced.describe_release(version))
    except (proxy.RefusedModule, OSError) as error:
        print(f"error: What {version} deprecates and plans could not be read: {error}")
        return 2
    return 0


def _read_field_rows() -> list[FieldRow]:
    """Return the rows of fields.json."""
    rows: list[FieldRow] = json.loads(fields_facts.FIELDS_FILE.read_text(encoding="utf-8"))
    return rows


def _read_component_rows() -> list[dict[str, Any]]:
    """Return the rows of components.json, which tools/catalogue/README.md describes."""
    rows: list[dict[str, Any]] = json.loads(COMPONENTS_FILE.read_text(encoding="utf-8"))
    return rows


def _find_first_unknown_release(rows: Iterable[FieldRow]) -> str:
    """Return the first release for which the settings of the Collector's own telemetry are not known."""
    range_ends = [VersionRange.of_row(row).until for row in rows if row.get("section") == "service"]
    return max(range_ends, key=parse_version)


def list_missing_releases(rows: Iterable[FieldRow], releases: Iterable[str]) -> list[str]:
    """Return the releases that the table of settings lacks, in their order; a patch has the settings of its release."""
    range_end = parse_version(_find_first_unknown_release(rows))
    return [version for version in releases if version.endswith(".0") and parse_version(version) >= range_end]


def describe_state(rows: Iterable[FieldRow], newer_releases: Sequence[str]) -> str:
    """Return which releases the tables lack, or that they lack none; as a warning of GitHub in its workflows."""
    if not newer_releases:
        end_version = _find_first_unknown_release(rows)
        return f"The settings of all releases of the Collector before {end_version} are known; there is no newer one."
    warning_mark = "::warning::" if os.environ.get("GITHUB_ACTIONS") else "warning: "
    return (
        f"{warning_mark}The tables lack {', '.join(newer_releases)} of the Collector. Run python -m tools.follow"
        " --update."
    )


def _follow_release(folder: Path, version: str) -> int:
    """Ask a release, write what it answers, print what is new, and compare rules and Collector.

    Return the exit code of the comparison. Raises RefusedModule if the release cannot be built.
    """
    release_collector = collector.prepare_collector(folder, version, _list_built_modules())
    release_collector.build_program()
    answer = _ask_collector(release_collector.program, version.removeprefix("v"))
    rows_before = _read_field_rows()
    rows_after = fields.build_table(rows_before, [answer])
    fields.write_table(rows_after)
    components = _read_component_rows()
    differences = [*report.list_other_names(components, answer["aliases"])]
    differences += report.list_other_signals(components, answer["stability"])
    release_text = report.describe_release(release_collector, rows_before, rows_after, differences)
    _print_report(f"{release_text}\n\n{_describe_announced(version)}")
    return _compare_rules(release_collector.folder)


def _ask_collector(program: Path, version: str) -> ComponentsAnswer:
    """Return what the Collector of a release such as `0.165.0` says of its components."""
    completed = subprocess.run([str(program), "fields"], check=True, capture_output=True, text=True)
    answer: ComponentsAnswer = json.loads(completed.stdout)
    answer["version"] = version
    return answer


def _print_report(text: str) -> None:
    """Print a report, and add it to the file of reports."""
    REPORT_FILE.parent.mkdir(exist_ok=True)
    with REPORT_FILE.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")
    print(text, flush=True)


def _compare_rules(build_folder: Path) -> int:
    """Run the integration tests that compare rules with the Collector in a folder, and return their exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", *COMPARED_TESTS]
    environment = {**os.environ, "O11Y_COLLECTOR": str(build_folder)}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment).returncode


def _describe_announced(version: str) -> str:
    """Return what a release says of itself; a proxy without the Collector's own module does not end an update."""
    try:
        return announced.describe_release(version)
    except proxy.RefusedModule as error:
        return f"What {version} deprecates and plans could not be read: {error}"


def _list_built_modules() -> list[Module]:
    """Return section and module of every component of the two repositories that a build has today."""
    components: list[Module] = []
    for row in _read_component_rows():
        is_built_today = any(span.endswith("..") for span in row["in"].values())
        if is_built_today and row["module"].startswith((CORE_PREFIX, CONTRIB_PREFIX)):
            components.append((row["section"], row["module"]))
    return components


if __name__ == "__main__":
    sys.exit(main())
