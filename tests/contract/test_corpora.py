# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public configs, each at its own distribution and version: no error in what is right.

They are no part of the project. Where their folder is not beside the checkout, the tests are skipped.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _validate

from .corpora_reviewed import MERGED, REVIEWED

ROOT = Path(__file__).resolve().parents[2]
CORPORA = Path(os.environ.get("O11Y_CORPORA", ROOT.parent / "shared" / "corpora"))
DEFAULTS = {name: option.get("default") for name, option in read_argument_spec("pipeline_validate").items()}

pytestmark = pytest.mark.skipif(
    not (CORPORA / "index.json").is_file(),
    reason="the folder of public configs is not beside the checkout; O11Y_CORPORA names another one",
)


class Answer(NamedTuple):
    """A row of the index, its findings, how many configs it has and how long they took."""

    row: dict[str, Any]
    findings: list[dict[str, Any]]
    configs: int
    seconds: float

    @property
    def errors(self) -> set[str]:
        return {item["rule"] for item in self.findings if item["severity"] == "error"}


def validated(row: dict[str, Any], *files: str, **arguments: Any) -> Answer:
    start = time.perf_counter()
    build = {"distribution": row["distribution"], "version": row["version"]}
    paths = [str(CORPORA / name) for name in files or (row["file"],)]
    wanted = {**DEFAULTS, **build, "paths": paths, "fail_on": "never", **arguments}
    result = _validate.validate_configs(wanted, lambda _text: None)
    return Answer(row, result["findings"], len(result["checked"]), time.perf_counter() - start)


@cache
def answers() -> tuple[Answer, ...]:
    index: list[dict[str, Any]] = json.loads((CORPORA / "index.json").read_text(encoding="utf-8"))
    validated(index[0])  # reads the catalogue, which nobody's config has to pay for
    return tuple(validated(row) for row in index)


def reviewed(file: str) -> set[str]:
    return {rule for item in REVIEWED if fnmatchcase(file, item.file) for rule in item.rules}


def test_every_error_in_a_public_config_is_a_true_one() -> None:
    false = [
        f"{answer.row['file']}:{item['line']} {item['path']} [{item['rule']}] {item['message']}"
        for answer in answers()
        for item in answer.findings
        if item["severity"] == "error"
        and not answer.row["named_invalid"]
        and item["rule"] not in reviewed(answer.row["file"])
    ]
    assert false == []


def test_what_calls_itself_invalid_has_errors() -> None:
    assert [answer.row["file"] for answer in answers() if answer.row["named_invalid"] and not answer.errors] == []


def test_every_review_is_still_needed() -> None:
    seen = [(answer.row["file"], rule) for answer in answers() for rule in answer.errors]
    needed = [
        (item.file, rule)
        for item in REVIEWED
        for rule in item.rules
        if not any(fnmatchcase(file, item.file) and rule == found for file, found in seen)
    ]
    assert needed == []
    assert all(item.why for item in REVIEWED)


@pytest.mark.parametrize("files", MERGED, ids=lambda files: files[-1])
def test_parts_are_right_together(files: tuple[str, ...]) -> None:
    row = next(answer.row for answer in answers() if answer.row["file"] == files[0])
    assert validated(row, *files, merge=True).errors == set()


def test_public_configs_by_source(record_property: Callable[[str, object], None]) -> None:
    head = ("source", "configs", "with errors", "reviewed", "errors", "warnings", "infos", "configs/s")
    rows: list[tuple[object, ...]] = [head]
    for source in sorted({answer.row["source"].split("@")[0] for answer in answers()}):
        own = [answer for answer in answers() if answer.row["source"].startswith(f"{source}@")]
        rows.append((source, *_summary(own)))
    rows.append(("all", *_summary(list(answers()))))
    for row in rows:
        record_property("corpus", f"{row[0]:12} " + " ".join(f"{cell:>11}" for cell in row[1:]))
    assert len(answers()) >= 300


def _summary(own: list[Answer]) -> tuple[object, ...]:
    count = Counter(item["severity"] for answer in own for item in answer.findings)
    configs, wrong = sum(answer.configs for answer in own), [answer for answer in own if answer.errors]
    known = sum(1 for answer in wrong if answer.row["named_invalid"] or answer.errors <= reviewed(answer.row["file"]))
    speed = round(configs / sum(answer.seconds for answer in own))
    return configs, len(wrong), known, count["error"], count["warning"], count["info"], speed
