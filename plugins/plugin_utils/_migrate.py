# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs moved to another version or distribution, in the files that hold them. Controller only. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..module_utils._core.errors import Problem
from ..module_utils._core.lint.subject import Target
from ..module_utils._core.masking import masked, secrets_in
from ..module_utils._core.migrate import edits
from ..module_utils._core.migrate.edits import Change, Unsolved
from ..module_utils._core.migrate.steps import STEPS
from ..module_utils._core.paths import Position, at, dotted
from . import _files, _inputs, _nodes, _operation, _target, _yaml


@dataclass
class Moved:
    """A text after its migration, with what was done and what was not."""

    text: str
    changes: list[dict[str, Any]] = field(default_factory=list)
    unsolved: list[dict[str, Any]] = field(default_factory=list)


def migrate(arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Return what changes as a task result; files are written unless `check` says no. Raises Problem."""
    collected = _inputs.collect(arguments["paths"], arguments["config"])
    wanted = _target.Wanted.from_arguments(arguments)
    if arguments["config"] is not None and not isinstance(arguments["config"], str):
        return _of_data(collected, wanted)
    if arguments["dest"] and len(collected.texts) != 1:
        raise Problem("`dest` is for one config", fix="Give one file or one text, or leave `dest` out.")
    moved = {name: move(text, name, collected, wanted) for name, text in collected.texts.items()}
    secrets = {secret for item in collected.inputs for secret in secrets_in(item.config)}
    result = _result(moved.values(), collected, secrets)
    result["diff"] = []
    for name, item in moved.items():
        _finish(name, item, collected.texts[name], arguments["dest"], result, secrets, check)
    return result


def move(text: str, name: str, collected: _inputs.Collected, wanted: _target.Wanted) -> Moved:
    """Return a text whose configs are moved to the wanted build; the last one first, so that places stay right."""
    moved = Moved(text)
    mine = [item for item in collected.inputs if item.file == name or (not item.file and name == _inputs.VARIABLE)]
    for item in reversed(mine):
        work = _operation.operation(moved.text, name, item.found)
        done, left = run(work, target_of(wanted, item))
        moved.text = work.whole()
        moved.changes[:0] = [_row(item, change, name) for change in done]
        moved.unsolved[:0] = [_row(item, one, name) for one in left]
    return moved


def run(work: _operation.Operation, target: Target) -> tuple[list[Change], list[Unsolved]]:
    """Take every step on a text or on data; return what was done, and what a person has to do."""
    done: list[Change] = []
    left: dict[tuple[Any, str], Unsolved] = {}
    for step in STEPS:
        found = list(step(work.data, target))
        left |= {(one.path, one.what): one for one in found if isinstance(one, Unsolved)}
        changes = [one for one in found if isinstance(one, Change)]
        if work.apply(changes):
            done += changes
            continue
        # Together they cannot be done: one at a time, each found anew, since each moves what is left.
        failed: set[tuple[Any, str]] = set()
        while changes:
            change = changes[0]
            if work.apply([change]):
                done.append(change)
            else:
                failed.add((change.path, change.what))
                left[change.path, change.what] = Unsolved(change.path, change.what, work.why)
            again = (one for one in step(work.data, target) if isinstance(one, Change))
            changes = [one for one in again if (one.path, one.what) not in failed]
    return done, list(left.values())


def target_of(wanted: _target.Wanted, item: _inputs.Input) -> Target:
    """Return the build to move to: what is not said is as the image beside the config says, or as we test it."""
    seen = _target.build_of(item.context.image, _target.images()) if item.context.image else None
    name = wanted.distribution or (seen[0] if seen and not wanted.manifest else "")
    full = _target.Wanted(name or ("" if wanted.manifest else _target.DEFAULT), wanted.version, wanted.manifest)
    target = _target.resolve(full, "")
    if target is None:
        raise Problem("there is no build to move to", fix="Give `distribution` and `version`.")
    return target


def _of_data(collected: _inputs.Collected, wanted: _target.Wanted) -> dict[str, Any]:
    moved = Moved("")
    results = []
    for item in collected.inputs:
        work = _operation.Data(item.config)
        done, left = run(work, target_of(wanted, item))
        moved.changes += [_row(item, change, "") for change in done]
        moved.unsolved += [_row(item, one, "") for one in left]
        results.append(work.data)
    secrets = {secret for item in collected.inputs for secret in secrets_in(item.config)}
    plain = [data for item, data in zip(collected.inputs, results, strict=True) if not item.found.owner]
    return {**_result([moved], collected, secrets), **{"config": data for data in plain}}


def _result(moved: Iterable[Moved], collected: _inputs.Collected, secrets: set[str]) -> dict[str, Any]:
    all_of_it = list(moved)
    changes = [row for item in all_of_it for row in item.changes]
    unsolved = [row for item in all_of_it for row in item.unsolved]
    unsolved += [_invalid(invalid) for invalid in collected.invalid]
    return {
        "changed": bool(changes),
        "changes": [_without_secrets(row, secrets) for row in changes],
        "unsolved": [_without_secrets(row, secrets) for row in unsolved],
        "skipped_files": collected.skipped,
    }


def _finish(
    name: str, moved: Moved, before: str, dest: str | None, result: dict[str, Any], secrets: set[str], check: bool
) -> None:
    """Write a text where it belongs, and add its difference to the result."""
    here = name == _inputs.VARIABLE
    if here and not dest:
        result["config"] = moved.text
    if moved.text != before:
        headers = {"before_header": name, "after_header": dest or name}
        result["diff"].append({"before": masked(before, secrets), "after": masked(moved.text, secrets), **headers})
    target = Path(dest) if dest else Path(name)
    if dest or (not here and moved.text != before):
        old = _inputs.read(target) if target.is_file() else None
        result["changed"] = result["changed"] if not dest else old != moved.text
        if not check:
            _files.write(target, moved.text)


def _row(item: _inputs.Input, one: Change | Unsolved, file: str) -> dict[str, Any]:
    place: Position = item.locate(one.path) if one.path else Position(file)
    return {"file": file, "line": place.line, "config": item.name, "path": dotted(one.path), "what": one.what, "why": one.why}


def _invalid(invalid: _nodes.Invalid) -> dict[str, Any]:
    place = invalid.position
    return {"file": place.file, "line": place.line, "config": place.file, "path": "", "what": invalid.wrong, "why": invalid.fix}


def _without_secrets(row: dict[str, Any], secrets: set[str]) -> dict[str, Any]:
    return {key: masked(value, secrets) if isinstance(value, str) else value for key, value in row.items()}
