# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs moved to another version or distribution, in the files that hold them. Controller only. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._otelcol.config.config_secrets import secrets_in
from ...module_utils._otelcol.config.masking import masker
from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position, dotted
from ...module_utils._otelcol.errors import Problem, cleaned
from ...module_utils._otelcol.kube.keepers import keeper
from ...module_utils._otelcol.migrate.data_edits import Change, Unsolved
from ...module_utils._otelcol.migrate.steps import STEPS, Step
from ...module_utils._otelcol.rules import batching
from ...module_utils._otelcol.rules.build_facts import Target
from ...module_utils._otelcol.rules.rules import RULES
from ...module_utils._otelcol.rules.subject import Subject
from . import _builds, _files, _inputs, _rewrite, _yaml
from ._build_request import BuildRequest
from ._testing import comparing
from ._testing.compared_forms import ConfigPair

_GATE = "feature-gate"  # a warning, because a gate may be set where the Collector is started
_REJECTING = tuple(rule for rule in RULES if rule.shared or rule.id == _GATE)


@dataclass
class Moved:
    """A text before and after its migration, with what was done and what was not."""

    name: str
    before: str
    text: str
    changes: list[dict[str, Any]] = field(default_factory=list)
    unsolved: list[dict[str, Any]] = field(default_factory=list)
    pairs: list[ConfigPair] = field(default_factory=list)


def migrate(
    arguments: Mapping[str, Any],
    check: bool,
    how: _inputs.Reading = _inputs.AS_USUAL,
    warn: Callable[[str], None] = lambda _text: None,
) -> dict[str, Any]:
    """Return the changes as a task result. Writes the files unless `check` is set. Raises Problem.

    `warn` is told which files of folders were not read.
    """
    config, dest = arguments["config"], arguments["dest"]
    if (config is None) == (not arguments["paths"]):
        raise Problem("either `paths` or `config` is required", fix="Give one of them.")
    collected = _read(arguments, how, warn)
    wanted = BuildRequest.from_arguments(arguments)
    if config is not None and not isinstance(config, str):
        return _of_data(collected, wanted, arguments.get("compare"))
    if dest and len(collected.texts) != 1:
        raise Problem("`dest` supports only one config", fix="Give one file or one text, or omit `dest`.")
    _files.check_apart(dest, _others(collected), "dest")
    moved = []
    for name, text in collected.texts.items():
        with collected.guarded(f"migrating {name}", name):
            moved.append(move(text, name, collected, wanted))
    result = _result(moved, collected, arguments.get("compare"))
    written = [_write(item, dest, check) for item in moved if dest or config is None]
    result["changed"] = any(written) if dest else result["changed"]
    if config is not None and not dest and moved:
        result["config"] = moved[0].text
    return result


def _read(arguments: Mapping[str, Any], how: _inputs.Reading, warn: Callable[[str], None]) -> _inputs.Collected:
    """Return the configs to migrate. Raises Problem for paths and texts that have none."""
    config = arguments["config"]
    collected = _inputs.collect_inputs(arguments["paths"], config, how=how)
    for text in collected.warnings():
        warn(text)
    if config is not None:
        _check_not_empty(config, collected, how.variable)
    return collected


def _others(collected: _inputs.Collected) -> list[str]:
    """Return the files that were read and are not migrated."""
    return [name for name in (*collected.skipped, *collected.read_files) if name not in collected.texts]


def _check_not_empty(config: Any, collected: _inputs.Collected, variable: str) -> None:
    """Raise Problem for a text without a document; one in which something was found is not read again."""
    has_data = any(item.config is not None for item in collected.inputs)
    if isinstance(config, str) and not has_data and _is_empty(config):
        raise Problem(f"there is nothing in {variable}", fix="Give the text of a collector config.")


def _is_empty(text: str) -> bool:
    """Whether a text has no document. What is no YAML is told where it is read."""
    try:
        return not any(_yaml.load_all(text, _inputs.VARIABLE))
    except Problem:
        return False


def move(text: str, name: str, collected: _inputs.Collected, wanted: BuildRequest) -> Moved:
    """Return a text with migrated configs. The last config goes first, so that positions stay valid."""
    moved = Moved(name, text, text)
    mine = [item for item in collected.inputs if name in (item.file, item.name)]
    for item in reversed(mine):
        work = _rewrite.editable_config(moved.text, name, item.found)
        target = target_of(wanted, item)
        done, left = run(work, target)
        moved.text = work.whole()
        moved.pairs[:0] = [ConfigPair(item.name, item.config, work.data, target)]
        moved.changes[:0] = [_row(item, change, name) for change in done]
        moved.unsolved[:0] = [_row(item, one, name) for one in left]
    return moved


def run(work: _rewrite.EditableConfig, target: Target) -> tuple[list[Change], list[Unsolved]]:
    """Apply every step to a text or to data; return the applied steps and the manual ones."""
    done: list[Change] = []
    left: dict[_Place, Unsolved] = {}
    for step in STEPS:
        found = list(step(work.data, target))
        left |= {_place_of(one): one for one in found if isinstance(one, Unsolved)}
        changes = [one for one in found if isinstance(one, Change)]
        if work.apply(changes):
            done += changes
        else:
            _apply_one_by_one(step, work, target, done, left)
    return done, [*left.values(), *_still_rejected(work.data, target, [one.path for one in left.values()])]


def _apply_one_by_one(
    step: Step, work: _rewrite.EditableConfig, target: Target, done: list[Change], left: dict[_Place, Unsolved]
) -> None:
    """Apply the changes of a step that fail together, and add them to those that are done or left.

    Each change moves the others, so the step searches again after each.
    """
    failed: set[_Place] = set()
    while change := _next_change(step, work, target, failed):
        if work.apply([change]):
            done.append(change)
        else:
            failed.add(_place_of(change))
            left[_place_of(change)] = Unsolved(change.path, change.what, work.why)


def _next_change(step: Step, work: _rewrite.EditableConfig, target: Target, failed: set[_Place]) -> Change | None:
    """Return the first change of a step that has not failed; None if there is no other."""
    for one in step(work.data, target):
        if isinstance(one, Change) and _place_of(one) not in failed:
            return one
    return None


class _Place(NamedTuple):
    """Where a step does something, and what."""

    path: KeyPath
    what: str


def _place_of(one: Change | Unsolved) -> _Place:
    return _Place(one.path, one.what)


def _still_rejected(config: Any, target: Target, reported: Sequence[KeyPath]) -> Iterator[Unsolved]:
    """Yield what the target still rejects, beyond what was reported around it."""
    subject = Subject(config, target=target, listeners=target.catalogue.listeners)
    for rule in _REJECTING:
        for fault in sorted(rule.check(subject), key=lambda fault: dotted(fault.path)):
            is_error = rule.id == _GATE or (fault.severity or rule.severity) == "error"
            if is_error and not _is_inside(fault.path, reported):
                fix = cleaned(fault.fix) or f"{target.version} rejects it."
                yield Unsolved(fault.path, cleaned(fault.message), fix)


def _is_inside(path: KeyPath, others: Sequence[KeyPath]) -> bool:
    """Whether a path is one of others, or leads below one."""
    return any(other == path[: len(other)] for other in others if other)


def target_of(wanted: BuildRequest, item: _inputs.Input) -> Target:
    """Return the target build. Missing parts come from the image beside the config, or from the tested versions.

    Raises Problem if there is none.
    """
    target = _builds.resolve_build(replace(wanted, distribution=_wanted_distribution(wanted, item)), "")
    if target is None:
        raise Problem("the target build is missing", fix="Give `distribution` and `version`.")
    return target


def _wanted_distribution(wanted: BuildRequest, item: _inputs.Input) -> str:
    """Return the distribution that is given, or that of the image; none beside a manifest or a schema."""
    if wanted.distribution:
        return wanted.distribution
    in_image = _builds.recognised_image(item.context.image) if item.context.image else None
    if in_image and not wanted.manifest:
        return in_image.distribution
    return "" if wanted.manifest or wanted.schema else _builds.DEFAULT


def _of_data(collected: _inputs.Collected, wanted: BuildRequest, compare: Any) -> dict[str, Any]:
    moved = Moved("", "", "")
    plain = {}
    for item in collected.inputs:
        work = _rewrite.ConfigAsData(item.config)
        target = target_of(wanted, item)
        done, left = run(work, target)
        moved.pairs += [ConfigPair(item.name, item.config, work.data, target)]
        moved.changes += [_row(item, change, "") for change in done]
        moved.unsolved += [_row(item, one, "") for one in left]
        if not item.found.owner:
            plain["config"] = work.data
    return {**_result([moved], collected, compare), **plain}


def _result(moved: Sequence[Moved], collected: _inputs.Collected, compare: Any) -> dict[str, Any]:
    mask = masker(secret for item in collected.inputs for secret in secrets_in(item.config))

    def clean(row: dict[str, Any]) -> dict[str, Any]:
        return {key: mask(value) if isinstance(value, str) else value for key, value in row.items()}

    changes = [row for item in moved for row in item.changes]
    return {
        "changed": bool(changes),
        "changes": [clean(row) for row in changes],
        "unsolved": [clean(row) for row in _unsolved(moved, collected)],
        "planned": list(_planned(collected, mask)),
        "skipped_files": collected.skipped,
        "diff": [clean(_difference(item)) for item in moved if item.text != item.before],
        **({} if compare is None else {"compared": _compared(moved, collected, compare)}),
    }


def _unsolved(moved: Sequence[Moved], collected: _inputs.Collected) -> list[dict[str, Any]]:
    """Return what is left to a person: in the files that were read, and the files that were not."""
    of_files = [row for item in moved for row in item.unsolved]
    invalid = [_unread(one.position, one.wrong, one.fix) for one in collected.invalid]
    failed = [_unread(one.position, one.message, one.fix) for one in collected.failed]
    return [*of_files, *invalid, *failed]


def _compared(moved: Sequence[Moved], collected: _inputs.Collected, compare: Any) -> list[dict[str, Any]]:
    """Return how each config behaves before and after; of a file that could not be read, that this is so."""
    both = bool(compare.get("before"))  # another Collector may do otherwise with the same config
    pairs = [pair for item in moved for pair in item.pairs if both or pair.old != pair.new]
    why = "it could not be read"
    rows = [{"config": file, **comparing.comparison_row(why=why)} for file in collected.faulty_files]
    return [*comparing.compare_configs(pairs, compare), *rows]


def _planned(collected: _inputs.Collected, mask: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """Yield each planned version of the Collector that breaks configs, with these and with their number by owner."""
    for version, what, breaks in batching.PLANNED:
        found = [item for item in collected.inputs if breaks(item.config, _builds.tables())]
        owners = Counter(mask(keeper(item.found.owner)) for item in found)
        if found:
            yield {
                "version": version,
                "what": what,
                "configs": [mask(item.name) for item in found],
                "owners": dict(owners.most_common()),
            }


def _difference(item: Moved) -> dict[str, Any]:
    return {"before": item.before, "after": item.text, "before_header": item.name, "after_header": item.name}


def _write(item: Moved, dest: str | None, check: bool) -> bool:
    """Write a text to its destination; return whether the file changed."""
    if not dest and item.text == item.before:
        return False
    target = Path(dest or item.name)
    if check:
        return not target.is_file() or _files.read(target) != item.text
    return _files.write(target, item.text)


def _row(item: _inputs.Input, one: Change | Unsolved, file: str) -> dict[str, Any]:
    position: Position = item.locate(one.path) if one.path else Position(file)
    return {
        "file": file,
        "line": position.line,
        "config": item.name,
        "path": dotted(one.path),
        "what": one.what,
        "why": one.why,
    }


def _unread(position: Position, what: str, why: str) -> dict[str, Any]:
    return {
        "file": position.file,
        "line": position.line,
        "config": position.file,
        "path": "",
        "what": what,
        "why": why,
    }
