# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of a file are found by its name: `_kube/bundle.py` has `_kube/test_bundle.py` and `test_bundle_keys.py`.

A file with tests in the unit tests is named by the file that it tests, in the mirrored folder, and what follows is its
topic. Files in a folder that is named so are too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .role import ROOT

UNIT = ROOT / "tests" / "unit"
PLUGINS = Path("plugins")

# Tests of several files, or of a whole that none of them is. The list only shrinks.
OF_SEVERAL = {
    "plugins/module_utils/_diagnose/live/test_hostile_configs.py": "all that reads configs of a cluster",
    "plugins/module_utils/_diagnose/live/test_sidecars.py": "the diagnosis of a collector beside an application",
    "plugins/module_utils/_diagnose/live/test_unknown.py": "the diagnosis where the account sees little",
    "plugins/module_utils/_otelcol/languages/test_languages.py": "all languages with the same hostile texts",
    "plugins/module_utils/_otelcol/rules/test_fleet.py": "rules on several collectors",
    "plugins/module_utils/_rollout/live/test_follow.py": "apply and wait together",
    "plugins/module_utils/test_hostile_answers.py": "every room that reads answers of a server",
    "plugins/module_utils/test_hostile_cluster.py": "every room that reads a cluster",
    "plugins/modules/test_aws_doors.py": "all modules of AWS",
    "plugins/modules/test_aws_identity.py": "the modules of identities",
    "plugins/modules/test_cluster_doors.py": "all modules of a cluster",
    "plugins/plugin_utils/_otelcol/_testing/test_odd_files.py": "all that reads files of tests",
    "plugins/plugin_utils/test_hostile_input.py": "all that reads options",
    "plugins/plugin_utils/test_two_tiers.py": "render, validate and diagnose together",
}


def sources_beside(test: Path) -> set[str]:
    """Return the names of the files in the folder that mirrors that of a test, without a leading underscore."""
    folder = ROOT / test.parent
    return {path.stem.lstrip("_") for path in folder.glob("*.py") if path.stem != "__init__"}


def is_named(test: Path) -> bool:
    """Whether a test begins with the name of a file, or stands in a folder with the name of one."""
    words = test.stem.removeprefix("test_").split("_")
    starts = {"_".join(words[:end]) for end in range(1, len(words) + 1)}
    folder = ROOT / test.parent
    return bool(starts & sources_beside(test)) or folder.with_suffix(".py").is_file()


TESTS = sorted(path.relative_to(UNIT) for path in (UNIT / PLUGINS).rglob("test_*.py"))


@pytest.mark.parametrize("test", TESTS, ids=str)
def test_a_file_of_tests_has_the_name_of_what_it_tests(test: Path) -> None:
    is_listed = str(test) in OF_SEVERAL
    assert is_named(test) is not is_listed, "rename it; or remove its row, as its name leads to its file now"


def test_every_row_is_a_test() -> None:
    assert set(OF_SEVERAL) <= {str(test) for test in TESTS}
