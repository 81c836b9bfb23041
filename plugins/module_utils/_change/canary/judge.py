# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that compare a canary with the pods that run the earlier config, and its judge. Private.

docs/change.md lists their thresholds with sources, and the facts; users leave checks out and add checks of their own.
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..._diagnose.diagnose_checks import Check, CheckFinding, Search, run_checks
from ..._host_change.judgement_thresholds import EXCESS_POINTS, FEWEST_DUE, FEWEST_ITEMS, LATE_SECONDS
from ..._otelcol.config.masking import quoted
from ..._otelcol.config.paths import amount
from ..._otelcol.errors import Problem, near

# What explains others comes first.
CHECKS = (
    Check(
        "out_of_memory",
        "!(rest.pods[?oom]) && canary.pods[?oom]",
        "pod {name} of the canary was killed because it used more than its memory limit of {memory_limit_mib} MiB, and"
        " restarted {restarts} times",
        "Raise the memory limit, or let the memory limiter refuse earlier.",
    ),
    Check(
        "restarts",
        "rest.restarted == `0` && canary.pods[?restarted >= `1` || restarts >= `3`]",
        "pod {name} of the canary restarted {restarts} times, no pod of the rest did",
        "Read the last lines of the log of pod {name} before its restart.",
    ),
    Check(
        "exports_fail",
        f"exports[?failed >= `{FEWEST_ITEMS}` && failed_excess >= `{EXCESS_POINTS}`]",
        "{about}: {failed} of {offered} {items} failed in the canary ({failed_percent} %), {rest_failed} of"
        " {rest_offered} in the rest ({rest_failed_percent} %)",
        "Check endpoint, credentials, TLS and limits of {id}.",
        grows="failed",
    ),
    Check(
        "receivers_refuse",
        f"receives[?rejected >= `{FEWEST_ITEMS}` && rejected_excess >= `{EXCESS_POINTS}`]",
        "{about}: {rejected} of {offered} {items} were refused in the canary ({rejected_percent} %), {rest_rejected} of"
        " {rest_offered} in the rest ({rest_rejected_percent} %)",
        "See which processor or exporter behind {id} refuses: the memory limiter, a full queue, or an error.",
        grows="rejected",
    ),
    Check(
        "nothing_sent",
        "exports[?sent == `0` && failed == `0` && due >= least]",
        "{about}: none of about {due} {items} that were due was sent in the canary, {rest_sent} in the rest",
        "See whether {id} reaches its backend, and whether a processor, connector or route before it drops everything.",
        grows="due",
    ),
    Check(
        "all_dropped",
        "processes[?incoming >= least && outgoing == `0` && refused == `0` && passes]",
        "{about}: all {incoming} {items} end here in the canary, and {rest_passes} in the rest",
        "Correct the conditions of {id}.",
        grows="incoming",
    ),
    Check(
        "queue_grows",
        "exports[?queue_low >= `10` && queue_grown >= `10` && queue_excess >= `10`]",
        "{about}: its queue grew by {queue_grown} to {queue_size} of {queue_capacity} in the canary, and is"
        " {rest_queue} in the rest",
        "See why {id} sends slowly: limits of the backend, the size of batches, `num_consumers`.",
        grows="queue_size",
    ),
    Check(
        "exports_late",
        # A queue that gets shorter, as after a backlog that a receiver has read at its start, goes well.
        "exports[?sent > `0` && queue_stays >= `1` && queue_grown >= `0`"
        f" && late_low >= `{FEWEST_DUE}` && late_seconds >= `{LATE_SECONDS}`]",
        "{about}: {late} {items} are late by about {late_seconds} seconds in the canary: its queue is {queue_size} of"
        " {queue_capacity}, and {rest_queue} in the rest",
        "See why {id} sends slowly: latency and limits of the backend, the size of batches, `num_consumers`.",
    ),
    Check(
        "receiver_silent",
        f"receives[?offered == `0` && due >= `{FEWEST_DUE}`]",
        "{about}: no {items} came in, and about {due} were due by the rate before",
        "Check endpoint and protocols of {id}, that clients reach it, and that no exporter behind it blocks.",
        grows="due",
    ),
    Check(
        "endpoint_nowhere",
        "ways[?nowhere && !known]",
        "{about}: {endpoint} leads nowhere: {nowhere}",
        "Correct the endpoint of {exporter}, or deploy what it names first.",
    ),
    Check(
        "not_listening",
        "ports[?closed]",
        "{about}: pod {pod} of the canary refuses connections on port {port}, which the rest accepts",
        "Let {id} listen on the address of the pod: `[${{env:MY_POD_IP}}]:{port}`.",
    ),
    Check(
        "memory_high",
        "rest.memory_percent < `75` && canary.pods[?memory_low >= `90`]",
        "pod {name} of the canary uses {memory_percent} % of its memory limit, the rest {rest_memory} %",
        "Raise the memory limit, or see which component holds data.",
    ),
    Check(
        "log_errors",
        "logs[?count >= `5` && !known && !calm]",
        "{about} says in the canary ({count} times), and not in the rest: {said}",
        "{fix}",
        grows="count",
    ),
    Check(
        "unreadable",
        "canary.unread",
        "the metrics of {what} of the canary cannot be read: {why}",
        "Serve them on an address of the pod (`host: 0.0.0.0`), and allow `get` on `pods/proxy`.",
    ),
)
NAMES = tuple(check.id for check in CHECKS)
# What says nothing about a canary that no data reached: it was not compared, so it was not passed.
NEED_DATA = (
    "exports_fail",
    "receivers_refuse",
    "nothing_sent",
    "all_dropped",
    "queue_grows",
    "exports_late",
    "receiver_silent",
)
# The keys of a user's own check, and those that it must have.
_OWN = ("id", "find", "text", "fix", "grows")
_NEEDED = ("id", "find", "text")
_invalid = partial(Problem, asked="Judge the change", where="change.judge")


class Verdict(NamedTuple):
    """What a check has found: in words, canary against rest."""

    id: str
    about: str
    text: str
    fix: str

    @property
    def fault(self) -> tuple[str, str]:
        """What it found, whatever the figures."""
        return self.id, self.about

    @property
    def line(self) -> str:
        line = f"[{self.id}] {self.text.rstrip('.')}."
        return f"{line} {self.fix}" if self.fix else line


def checks_of(judge: Sequence[Any], compiles: Callable[[str], Any] = lambda _find: None) -> tuple[Check, ...]:
    """Return the checks without those that a user names, with the user's own. Raises Problem for what is neither."""
    left_out = [name for name in judge if isinstance(name, str)]
    for name in left_out:
        if name not in NAMES:
            raise _invalid(f"'{name}' is not a check{near(name, NAMES)}", fix=f"The checks are {', '.join(NAMES)}.")
    own_checks = [_own_check(row, compiles) for row in judge if not isinstance(row, str)]
    id_counts = Counter(NAMES)
    id_counts.update(check.id for check in own_checks)
    for check in own_checks:
        if id_counts[check.id] > 1:
            raise _invalid(f"there are two checks '{check.id}'", fix="Rename yours.")
    kept_checks = [check for check in CHECKS if check.id not in left_out]
    return (*kept_checks, *own_checks)


def _own_check(row: Any, compiles: Callable[[str], Any]) -> Check:
    """Return a user's own check. Raises Problem for a row that is none."""
    fix = "Write a row with `id`, `find` and `text`, and the names of checks to leave out to `skip_checks`."
    if not _is_row(row):
        raise _invalid(f"{json.dumps(row, default=str)} is neither a name nor a row", fix=fix)
    where = f"change.judge: {row['id']}"
    for key in map(str, row):
        if key not in _OWN:
            raise _invalid(f"a row has no '{key}'{near(key, _OWN)}", where=where, fix=fix)
    texts = (row["text"], str(row.get("fix") or ""))
    try:
        for text in texts:
            list(string.Formatter().parse(text))
    except ValueError as error:
        raise _invalid(str(error), where=where, fix="Write {{ and }} for braces.") from error
    compiles(row["find"])
    return Check(row["id"], row["find"], *texts, grows=str(row.get("grows") or ""))


def _is_row(row: Any) -> bool:
    if not isinstance(row, Mapping):
        return False
    return all(isinstance(row.get(key), str) for key in _NEEDED)


class _Key(NamedTuple):
    """By what a finding of one reading is that of the next one."""

    check: str
    name: str
    signal: str

    @classmethod
    def of(cls, finding: CheckFinding) -> _Key:
        row = finding.item
        name = finding.about or str(row.get("name") or row.get("value") or "")
        return cls(finding.check.id, name, str(row.get("signal") or ""))


class Judge:
    """Judges reading after reading: a check fails if it finds the same twice in a row, and what `grows` has grown."""

    def __init__(self, search: Search, checks: Sequence[Check], mask: Callable[[str], str]) -> None:
        self._known_search, self._checks, self._mask = search, checks, mask
        self.unfit: dict[str, None] = {}
        # The least count of what the last reading has found: what a check finds twice must have grown since.
        self._least_counts: dict[_Key, float] = {}

    def _search(self, expression: str, facts: Any) -> Any:
        try:
            return self._known_search(expression, facts)
        except Problem as problem:  # of a user's check: it judges nothing, and the user reads why
            self.unfit[str(problem)] = None
            return None

    def verdicts(self, facts: Mapping[str, Any]) -> list[Verdict]:
        """Return what lasts."""
        lasting: list[Verdict] = []
        least_counts: dict[_Key, float] = {}
        for finding in run_checks(self._search, self._checks, facts):
            key = _Key.of(finding)
            grows = finding.check.grows
            count = amount(str(finding.item.get(grows) or 0)) if grows else 0.0
            before = self._least_counts.get(key)
            if before is None:
                least_counts[key] = count
                continue
            least_counts[key] = min(before, count)
            if not grows or count > before:
                lasting.append(self._verdict(finding, key.name))
        self._least_counts = least_counts
        return lasting

    def _verdict(self, finding: CheckFinding, name: str) -> Verdict:
        """Return a finding in words that show no secret."""
        about = quoted(name, mask=self._mask)
        text = quoted(finding.message, mask=self._mask)
        return Verdict(finding.check.id, about, text, quoted(finding.fix, mask=self._mask))
