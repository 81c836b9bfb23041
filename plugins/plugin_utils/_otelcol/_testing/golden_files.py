# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what an exporter gets with its golden file, and writes that file on request. Private.

A golden file has everything that an exporter should get, see golden.py; the option `update_golden` writes it.
judged_case.py calls this.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import expectations, golden
from ....module_utils._otelcol.testing.records import Record
from .. import _documents, _files, _yaml
from .collector_setup import CollectorSetup

_UPDATE_FIX = "Read what would be in it, then write it with `update_golden`."


@dataclass(frozen=True)
class GoldenFile:
    """The golden file of an exporter in a test."""

    exporter: str
    path: Path
    arrived_records: Mapping[str, Sequence[Record]]
    """What the exporter got, by kind, such as `spans`."""
    ignored_names: Collection[str] = ()
    """Names of metrics that count only if the golden file names them, such as those that a scrape adds."""

    def check_path(self, folders: Sequence[Path]) -> None:
        """Raise Problem for a file in no folder of the tests: a test reads and writes nothing else of the user."""
        path = self.path.resolve()
        if not any(path.is_relative_to(folder.resolve()) for folder in folders):
            wrong = f"the golden file {self.path} is outside of the folders of the tests"
            raise Problem(wrong, fix="Move it beside its tests, or name a folder that has both with `paths`.")

    def list_differences(self) -> list[str]:
        """Return a line for each difference. Raises Problem for a file that is no golden file."""
        if not self.path.is_file():
            wrong = f"there is no golden file {self.path}"
            return [f"{self.exporter}: {Problem(wrong, fix=_UPDATE_FIX)}"]
        expected = golden.read_golden_expectation(
            _yaml.strip_ansible_types(_documents.read_unique_yaml(self.path)), str(self.path)
        )
        return expectations.list_record_differences(self.exporter, expected, self.arrived_records, self.ignored_names)

    def write_file(self, setup: CollectorSetup) -> None:
        """Write the file, in check mode not. Raises Problem if it would show a secret."""
        text = _yaml.dump(golden.build_golden_content(self.arrived_records, self.ignored_names))
        if setup.hide_secrets(text) != text:
            fix = "Give the variable another value in `environment`, or expect records."
            raise Problem(f"the golden file {self.path} would show a secret of the config", fix=fix)
        _files.write_or_check(self.path, text, setup.is_check_mode)
