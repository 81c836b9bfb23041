# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of what flows through a collector, of what limits it, and of its log.

The expression of a check is a JMESPath that searches the facts of a collector or of a host (docs/diagnose.md lists
their keys). It yields mappings, and the message and the fix of the check take their `{fields}` from one of them:

    running && exports[?state=='waits'].{about: about, id: id, came: came, size: queue_size, …}

    {about: exporters/otlp, id: otlp, came: spans come in (18 in 6 s) and, size: 40, capacity: 1000, …}

    spans come in (18 in 6 s) and wait at otlp (40 of 1000 queued, none sent)

The rows `receives`, `processes` and `exports` are from `_telemetry/signal_flow.py`, which compares two readings of the
metrics. Each has one row for each component and signal. `logs` are from `_telemetry/logs.py`. Keys of these rows:

    about           what a row is about: a component such as `exporters/otlp`, or `in` for what clients send to
    items           what the signal consists of, such as `log records`
    came            how a sentence about the items begins: `spans come in (18 in 6 s) and`, or `spans that came before`
    accepted, …     how many items between the two readings; `accepted_total` is since the start of the pods
    text, fix       of a log entry: what is wrong, and what to do, by its `cause`
    said            its message and its error, as the collector wrote them
    current         whether it was logged in the last minute
    drops           whether it says that data is given up
    calm            whether its component works nevertheless

A receiver or an exporter has one `state` for a signal, so the checks of different states exclude one another. A
component that is `idle` or `silent` shows no fault between the two readings, so its counts since the start are checked
too:

    rows        state                   checks that report it
    receives    comes, rests, starts    nothing is wrong
                refused                 refused
                idle                    refused_since_start, and one of nothing_ever, nothing_now and idle
    exports     sends                   queue_high
                fails                   fails
                fails_partly            fails_partly
                waits                   waits
                silent                  silent, and one of fails_since_start and failed_since_start
                idle                    one of fails_since_start and failed_since_start

Private.
"""

from __future__ import annotations

from .diagnose_checks import Check

# ── Parts of expressions ──

# A collector runs, and nothing came into it between the two readings. One idle pipeline is no fault as long as another
# one has data.
_ARE_ALL_IDLE = "running && receives && !(receives[?accepted > `0`])"
# An exporter did nothing between the two readings. In every other state, the check of that state reports it, and its
# counts since the start would repeat that.
_IS_STILL = "contains(['idle', 'silent'], state)"
# An exporter has failed since the start and never sent, and is still now.
_IS_UNSENT = f"failed_total > `0` && sent_total == `0` && {_IS_STILL}"
# A receiver is idle, and has refused nothing since the start.
_IS_IDLE_UNREFUSED = "state=='idle' && !(refused_total > `0`)"
# An entry of the log has a check of its own, by its cause: `disk_full`, or `right_denied` of checks_trust.py. All other
# entries are reported by `log_error` or else by `log_entry`.
_HAS_OWN_CHECK = "contains(['disk', 'forbidden'], cause) && current"
# An entry of the log is an error that has a known cause, and lasts or has lost data. If its component works
# nevertheless, it is over.
_IS_ERROR = "cause && (current || drops) && !calm"

# ── Fields that a check yields for the templates of its message and fix ──

# Of `receives`, between the two readings.
_IDLE_FIELDS = (
    "about: about, id: id, signal: signal, items: items, seconds: seconds, total: accepted_total, uptime: uptime"
)
# Of `exports`, between the two readings.
_SENT_FIELDS = (
    "about: about, id: id, signal: signal, items: items, seconds: seconds, accepted: accepted, sent: sent,"
    " failed: failed, size: queue_size, capacity: queue_capacity, came: came"
)
# Of `exports`, since the start of the pods. They tell what went wrong before the two readings.
_TOTAL_FIELDS = (
    "about: about, id: id, signal: signal, items: items, seconds: seconds, uptime: uptime, sent: sent_total,"
    " failed: failed_total"
)

# ── Fixes that several checks have ──

_READ_LOG = "Read what {id} says in the log."
_FIND_REFUSER = "See which processor or exporter behind it says no."


def _find_rows(table: str, condition: str, fields: str) -> str:
    """Return the expression `TABLE[?CONDITION].{FIELDS}`: it yields these fields of the rows that meet a condition."""
    return f"{table}[?{condition}].{{{fields}}}"


FLOW_CHECKS = (
    # ── holds: what the collector needs before all else ──
    Check(
        # A full disk makes all else fail, so it has an early stage, although the log tells it.
        id="disk_full",
        find_expression="logs[?cause=='disk' && current]",
        message_template="{text} ({said})",
        fix_template="{fix}",
        stage="holds",
    ),
    # ── capacity: what limits the collector ──
    Check(
        id="memory_high",
        find_expression="memory[?percent >= `85`]",
        message_template="pod {pod} uses {percent} % of its memory limit",
        fix_template="Raise the limit, or add replicas.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        id="memory_limiter",
        find_expression=(
            "processes[?refused > `0`].{about: 'in', id: id, items: items, refused: refused, seconds: seconds}"
        ),
        message_template="{id} refuses {items} ({refused} in {seconds} s), since memory is short",
        fix_template="Raise the memory limit, add replicas, or see which exporter does not keep up.",
        stage="capacity",
    ),
    Check(
        id="autoscaler_at_max",
        find_expression="autoscalers[?at_max]",
        message_template="HorizontalPodAutoscaler {name} wants more than its most, {max} pods",
        fix_template="Raise its maximum.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        id="autoscaler_broken",
        find_expression="autoscalers[?broken]",
        message_template="HorizontalPodAutoscaler {name} does not scale: {broken}",
        fix_template="See that the metrics API answers.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        # Of an exporter that sends: if it does not, another check says why, and the queue is full because of that.
        id="queue_high",
        find_expression=_find_rows("exports", "queue_percent >= `80` && state=='sends'", _SENT_FIELDS),
        message_template="the queue of {id} is nearly full ({size} of {capacity})",
        fix_template="See why it sends slowly, then enlarge `sending_queue`.",
        stage="capacity",
        severity="warning",
    ),
    # ── log: what the collector itself says ──
    Check(
        id="log_error",
        find_expression=f"logs[?{_IS_ERROR} && !({_HAS_OWN_CHECK})]",
        message_template="{text}",
        fix_template="{fix}",
        stage="log",
        severity="warning",
    ),
    Check(
        id="log_entry",
        find_expression=f"logs[?!({_IS_ERROR}) && !({_HAS_OWN_CHECK})]",
        message_template="{said} ({count} times, last {seconds_ago} s ago)",
        fix_template="{fix}",
        stage="log",
        severity="info",
    ),
    Check(
        id="log_loop",
        find_expression="echoes[].{pod: pod, records: records, seconds: seconds}",
        message_template=(
            "it prints its own log (at least {records} records of pod {pod} in {seconds} s), and each comes back"
        ),
        fix_template="Exclude its log in the file_log receiver that reads it, or remove its debug exporter.",
        stage="log",
    ),
    # ── flow: data that fails, waits or ends, then data that does not come ──
    Check(
        id="refused",
        find_expression="running && receives[?state=='refused']",
        message_template=(
            "{items} come in at {id} ({accepted} in {seconds} s), but {refused} are refused and {failed} fail inside"
        ),
        fix_template=_FIND_REFUSER,
        stage="flow",
    ),
    Check(
        id="fails",
        find_expression="running && " + _find_rows("exports", "state=='fails'", _SENT_FIELDS),
        message_template="{came} fail at {id} ({failed} failed)",
        fix_template=_READ_LOG,
        stage="flow",
    ),
    Check(
        id="fails_partly",
        find_expression="running && " + _find_rows("exports", "state=='fails_partly'", _SENT_FIELDS),
        message_template=(
            "{items} come in ({accepted} in {seconds} s), and some fail at {id} ({sent} sent, {failed} failed)"
        ),
        fix_template=_READ_LOG,
        stage="flow",
        severity="warning",
    ),
    Check(
        id="fails_since_start",
        find_expression="running && " + _find_rows("exports", _IS_UNSENT, _TOTAL_FIELDS),
        message_template="{id} has sent none of the {items} since its start {uptime} ago ({failed} failed)",
        fix_template=_READ_LOG,
        stage="flow",
    ),
    Check(
        id="failed_since_start",
        find_expression=(
            "running && "
            + _find_rows("exports", f"failed_total > `0` && sent_total > `0` && {_IS_STILL}", _TOTAL_FIELDS)
        ),
        message_template="{id} has lost {items} since its start {uptime} ago ({sent} sent, {failed} failed)",
        fix_template=_READ_LOG,
        stage="flow",
        severity="info",
    ),
    Check(
        id="refused_since_start",
        find_expression="running && receives[?state=='idle' && accepted_total==`0` && refused_total>`0`]",
        message_template="{id} has refused all {items} since its start {uptime} ago ({refused_total} refused)",
        fix_template=_FIND_REFUSER,
        stage="flow",
    ),
    Check(
        id="waits",
        find_expression="running && " + _find_rows("exports", "state=='waits'", _SENT_FIELDS),
        message_template="{came} wait at {id} ({size} of {capacity} queued, none sent)",
        fix_template=_READ_LOG,
        stage="flow",
    ),
    Check(
        id="dropped",
        find_expression="running && processes[?incoming > `0` && outgoing == `0` && refused == `0`]",
        message_template="{items} come in ({incoming} in {seconds} s) and all end at {id}",
        fix_template="See whether its conditions are meant to drop everything.",
        stage="flow",
        severity="warning",
    ),
    Check(
        id="silent",
        find_expression="running && " + _find_rows("exports", "state=='silent'", _SENT_FIELDS),
        message_template="{items} come in ({accepted} in {seconds} s), and none has reached {id} within that time",
        fix_template="Look again over a longer window_seconds; a batch may wait, a filter or sampler may drop them.",
        stage="flow",
        severity="info",
    ),
    Check(
        # A receiver that has refused items has clients, see refused_since_start.
        id="nothing_ever",
        find_expression=(
            f"{_ARE_ALL_IDLE} && !(receives[?accepted_total > `0`]) && "
            + _find_rows("receives", _IS_IDLE_UNREFUSED, _IDLE_FIELDS)
        ),
        message_template="nothing comes in: no {items} at {id} since its start {uptime} ago",
        fix_template="Check the endpoint, protocol and port of the clients; playbook verify sends test data.",
        stage="flow",
        severity="warning",
    ),
    Check(
        # An exporter that has never delivered is what to mend (fails_since_start), not clients that pause now.
        id="nothing_now",
        find_expression=(
            f"{_ARE_ALL_IDLE} && !(exports[?{_IS_UNSENT}]) && "
            + _find_rows("receives", "state=='idle' && accepted_total>`0`", _IDLE_FIELDS)
        ),
        message_template="nothing comes in any more: no {items} at {id} in {seconds} s, {total} before",
        fix_template="See whether the clients still send.",
        stage="flow",
        severity="warning",
    ),
    Check(
        id="idle",
        find_expression=(
            "running && receives[?accepted > `0`] && " + _find_rows("receives", "state=='idle'", _IDLE_FIELDS)
        ),
        message_template="no {items} came in at {id} in {seconds} s, {total} before",
        stage="flow",
        severity="info",
    ),
)
