# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task that changes objects of a cluster returns to its user. Private.

apply.py, remove.py and the annotation of instrumentations add to a `BundleReport` while they run, and return its
`build_result` at the end. For example, after a run that created a Deployment:

    {"changed": True, "msg": "1 created, 3 unchanged", "objects": [{"kind": "Deployment", …, "action": "created"}, …],
     "warnings": [], "rights": [], "plan": [], "verdicts": [], "kept_records": {}, "kept_rights": []}
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..._kube.live.api_errors import as_problem
from ..._kube.live.libraries import import_library, parse_foreign_yaml
from ..._kube.live.outage import LostError
from ..._otelcol.config.masking import make_salted_replacer
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest
from ..change_set import ChangeSet
from ..object_difference import build_difference

# How the fix of an error begins to say what was done before it.
DONE_BEFORE_ERROR = "\nDone before this error, and not undone: "


@dataclass
class BundleReport:
    """What the task returns to its user."""

    diff: bool
    """Whether the result has the difference of each object."""
    changes: ChangeSet = field(default_factory=ChangeSet)
    """What was done to which object."""
    hide_secret: Callable[[str], str] = field(default_factory=lambda: make_salted_replacer(secrets.token_hex(8)))
    """Returns a text in place of a secret, the same for equal secrets of one run."""
    warnings: list[str] = field(default_factory=list)
    plan_lines: list[str] = field(default_factory=list)
    """What check mode says about how the pods of changed collectors would be replaced."""
    verdict_lines: list[str] = field(default_factory=list)
    """How the changes of collectors were judged."""
    kept_records: dict[str, str] = field(default_factory=dict)
    """The run that keeps the record of each collector, by its name: a later task decides whether it goes back."""
    kept_rights: list[Manifest] = field(default_factory=list)
    """What the roles of these collectors were, which no record has."""

    def build_result(self) -> dict[str, Any]:
        """Return the result of the task."""
        result = {
            "changed": bool(self.changes.list_changing_entries()),
            "objects": [entry.as_dict() for entry in self.changes.entries],
            "msg": self.changes.summarize_actions(),
            "warnings": self.warnings,
            "rights": self.changes.list_rights_changes(),
            "plan": self.plan_lines,
            "verdicts": self.verdict_lines,
            "kept_records": self.kept_records,
            "kept_rights": self.kept_rights,
        }
        return {**result, "diff": self._list_diffs()} if self.diff else result

    def _list_diffs(self) -> list[dict[str, Any]]:
        """Return the difference of each object, with both sides as text."""
        diffs = []
        for entry in self.changes.list_changing_entries():
            difference = build_difference(entry.before, entry.after, self.hide_secret, parse_foreign_yaml)
            if difference:
                texts = {"before": _dump_yaml(difference["before"]), "after": _dump_yaml(difference["after"])}
                diffs.append({**difference, **texts})
        return diffs


@contextmanager
def tell_done_on_failure(report: BundleReport, *, check: bool) -> Iterator[None]:
    """Add to an error of the steps within what was done before it; `check` is check mode, which does nothing.

    Otherwise nobody would know: Ansible's recap counts a failed task as unchanged.
    """
    try:
        yield
    except (Problem, LostError) as error:
        problem = as_problem(error)
        done_text = "" if check else report.changes.describe_done()
        fix = f"{problem.fix}{DONE_BEFORE_ERROR}{done_text}." if done_text else problem.fix
        facts = problem.facts | report.build_result()
        raise Failure(problem.wrong, asked=problem.asked, where=problem.where, fix=fix, facts=facts) from error


def _dump_yaml(manifest: Manifest | None) -> str:
    """Return an object as YAML, in which a text of several lines is shown line by line; empty for none."""
    if manifest is None:
        return ""
    yaml = import_library("yaml", "PyYAML")

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """A dumper of its own, so that the change below affects no other user of the library."""

    def represent_text(dumper: Any, value: str) -> Any:
        block_style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=block_style)

    Dumper.add_representer(str, represent_text)
    yaml_text: str = yaml.dump(manifest, Dumper=Dumper, sort_keys=True)
    return yaml_text
