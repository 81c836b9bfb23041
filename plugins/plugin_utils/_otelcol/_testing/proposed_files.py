# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of proposed tests, one for each config, and the lines about branches without a proposal. Private.

propose.py makes the proposals. A branch is a statement, condition, policy or route, see branch_model.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.bounded.live.bounded_reads import read_file_text
from ....module_utils._otelcol.config.secret_kinds import secret_kind_at
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing.case import Suite
from .. import _files, _yaml
from .coverage import ConfigCoverage
from .propose import BranchProposal
from .result_rows import ProposedTest

_FILE_ENDING = "_proposed.yml"
_FILE_HEADER = """---
# What the config does now with records that no test has. Judge each case: is it what you want? Then move it to the
# tests, with a name that says why.
"""
_PLACEHOLDER = "placeholder"


def write_proposals(
    proposals: Sequence[BranchProposal], covered_configs: Sequence[ConfigCoverage], folder: Path, check: bool
) -> bool:
    """Write a file of tests for each config; return whether one changed.

    Raises Problem for a file of the same name with other content, which may be the user's. Nothing is written then.
    """
    text_by_file = dict(_build_file_texts(proposals, covered_configs, folder))
    for file, text in text_by_file.items():
        if file.exists() and read_file_text(file) != text:
            fix = "Move the cases that you want to your tests, then remove the file; or name another folder."
            raise Problem(f"{file} exists, and cases would replace it", fix=fix)
    are_changed = [_files.write_or_check(file, text, check) for file, text in text_by_file.items()]
    return any(are_changed)


def format_proposals(proposals: Sequence[BranchProposal]) -> Iterator[str]:
    """Yield the number of proposals, and a line for each branch for which there is none."""
    with_test = sum(proposal.test is not None for proposal in proposals)
    yield f"proposed: {with_test} of {len(proposals)} that no test takes"
    for proposal in proposals:
        if proposal.missing_reason:
            position = proposal.position
            source_place = f"{position.file}:{position.line}" if position.line else position.file
            yield f"not proposed {source_place}: {proposal.path}: {proposal.missing_reason}"


def _build_file_texts(
    proposals: Sequence[BranchProposal], covered_configs: Sequence[ConfigCoverage], folder: Path
) -> Iterator[tuple[Path, str]]:
    """Yield path and text of the file of each config with proposals; files of the same name get numbers."""
    earlier_names: list[str] = []
    for covered_config in covered_configs:
        name = _choose_file_name(covered_config)
        earlier_names.append(name)  # also without a proposal, so that the numbers of the other files do not change
        tests = [proposal.test for proposal in proposals if proposal.test and proposal.config_key == covered_config.key]
        if tests:
            number = earlier_names.count(name)
            suffix = f"_{number}" if number > 1 else ""
            file = folder / f"{name}{suffix}{_FILE_ENDING}"
            yield file, _build_file_text(tests, covered_config.suites[0], folder)


def _choose_file_name(covered_config: ConfigCoverage) -> str:
    """Return the name of a file of tests, without its ending: that of the collector or of the config."""
    suite = covered_config.suites[0]
    return suite.collector or str(suite.config_map.get("name") or Path(suite.config).stem)


def _build_file_text(tests: Sequence[ProposedTest], suite: Suite, folder: Path) -> str:
    """Return the text of a file of tests; placeholders replace values of variables that look like secrets."""
    secrets = [name for name, value in suite.environment.items() if secret_kind_at({}, (name,), str(value))]
    header = _FILE_HEADER
    if secrets:
        header += f"# Placeholders stand for values that look like secrets: {', '.join(secrets)}.\n"
    return header + _yaml.dump({**_describe_subject(suite, folder, secrets), "tests": tests})


def _describe_subject(suite: Suite, folder: Path, secrets: Sequence[str]) -> dict[str, Any]:
    """Return the keys of a file of tests that name its subject: the config, variables and cluster.

    A path of a config leads from `folder`, in which the file will be.
    """
    subject: dict[str, Any] = {}
    if suite.config_map:
        subject["config_map"] = dict(suite.config_map)
    elif suite.collector:
        subject["collector"] = suite.collector
    else:
        subject["config"] = os.path.relpath(Path(suite.file).parent / suite.config, folder)
    environment = {**suite.environment, **dict.fromkeys(secrets, _PLACEHOLDER)}
    if environment:
        subject["environment"] = environment
    if suite.cluster_objects:
        subject["cluster"] = dict(suite.cluster_objects)
    return subject
