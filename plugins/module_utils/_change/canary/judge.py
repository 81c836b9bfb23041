# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a canary by the table: what holds in two readings in a row. Private."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..._config.masking import quoted
from ..._config.paths import amount
from ..._diagnose.diagnose_checks import DiagnoseCheck, Search, found
from ..._errors import Problem, near
from .judge_table import NAMES, ROWS, JudgeRow

_OWN = ("id", "find", "text", "fix", "grows")
_ASKED = "Judge the change"


class Verdict(NamedTuple):
    """What a row of the table has found: in words, canary against rest."""

    id: str
    about: str
    text: str
    fix: str
    source: str

    @property
    def line(self) -> str:
        return f"[{self.id}] {self.text.rstrip('.')}." + (f" {self.fix}" if self.fix else "")


def rows_of(judge: Sequence[Any], compiles: Callable[[str], Any] = lambda _find: None) -> tuple[JudgeRow, ...]:
    """Return the table without the rows that a user names, with the user's own. Raises Problem for what is neither."""
    names = [item for item in judge if isinstance(item, str)]
    for name in names:
        if name not in NAMES:
            fix = f"The checks are {', '.join(NAMES)}."
            raise Problem(f"'{name}' is not a check{near(name, NAMES)}", asked=_ASKED, where="change.judge", fix=fix)
    own = [_own(item, compiles) for item in judge if not isinstance(item, str)]
    known = [*NAMES, *(row.id for row in own)]
    twice = next((row.id for row in own if known.count(row.id) > 1), "")
    if twice:
        raise Problem(f"there are two checks '{twice}'", asked=_ASKED, where="change.judge", fix="Rename yours.")
    return (*(row for row in ROWS if row.id not in names), *own)


def _own(item: Any, compiles: Callable[[str], Any]) -> JudgeRow:
    fix = "Write the name of a check to leave out, or a row with `id`, `find` and `text`."
    if not isinstance(item, Mapping) or not all(isinstance(item.get(key), str) for key in ("id", "find", "text")):
        raise Problem(
            f"{json.dumps(item, default=str)} is neither a name nor a row", asked=_ASKED, where="change.judge", fix=fix
        )
    other = next((str(key) for key in item if key not in _OWN), "")
    where = f"change.judge: {item['id']}"
    if other:
        raise Problem(f"a row has no '{other}'{near(other, _OWN)}", asked=_ASKED, where=where, fix=fix)
    texts = (item["text"], str(item.get("fix") or ""))
    try:
        for text in texts:
            list(string.Formatter().parse(text))
    except ValueError as error:
        raise Problem(str(error), asked=_ASKED, where=where, fix="Write {{ and }} for braces.") from error
    compiles(item["find"])
    return JudgeRow(item["id"], item["find"], "", *texts, "change.judge", str(item.get("grows") or ""))


class Judge:
    """Judges reading after reading; a row counts when it holds twice in a row, and what it counts has grown."""

    def __init__(self, search: Search, rows: Sequence[JudgeRow], mask: Callable[[str], str]) -> None:
        self._rows, self._mask = {row.id: row for row in rows}, mask
        self._known_search = search
        self.unfit: dict[str, None] = {}
        self._checks = [DiagnoseCheck(row.id, "own", "error", row.find, row.text, row.fix) for row in rows]
        self._seen: dict[tuple[str, str, str], float] = {}

    def _search(self, expression: str, facts: Any) -> Any:
        try:
            return self._known_search(expression, facts)
        except Problem as problem:  # of a user's row: it judges nothing, and the user reads why
            self.unfit[str(problem)] = None
            return None

    def verdicts(self, facts: Mapping[str, Any]) -> list[Verdict]:
        """Return what lasts."""
        lasting, seen = [], {}
        for finding in found(self._search, self._checks, facts):
            row = self._rows[finding.check.id]
            name = finding.about or str(finding.item.get("name") or finding.item.get("value") or "")
            key = (row.id, name, str(finding.item.get("signal") or ""))
            count = amount(str(finding.item.get(row.grows) or 0)) if row.grows else 0.0
            before = self._seen.get(key)
            seen[key] = count if before is None else min(before, count)
            if before is not None and (not row.grows or count > before):
                about, text, fix = (quoted(part, mask=self._mask) for part in (name, finding.message, finding.fix))
                lasting.append(Verdict(row.id, about, text, fix, row.source))
        self._seen = seen
        return lasting
