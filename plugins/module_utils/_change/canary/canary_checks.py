# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that compare a canary with the pods that run the earlier config. Private.

The *canary* are the pods with the new config, the *rest* those that still run the earlier one. `judge.py` runs the
checks after each reading of the pods. Each check is a JMESPath over the facts (fact_rows.py has all keys); what it
finds is wrong with the canary. The lists of facts that checks search, with the keys that this file uses:

- `canary.pods` of revision.py: `oom` (killed for its memory), `restarts` (since the start of the pod), `restarted`
  (while watched), `memory_low` (the lowest percentage of its memory limit in the last readings)
- `exports` of canary_exporters.py: `failed` and `sent` (items), `failed_excess` (by how many percentage points more
  fail than in the rest), `due` (items that it should have sent), `least` (from how many due items on silence is a
  fault), `late_low` (late items) and `late_seconds`; canary_queues.py explains the keys `queue_…`
- `receives` of canary_receivers.py: `offered` and `rejected` (items), `rejected_excess` (as `failed_excess`), `due`
  (items that should have come in)
- `processes` of canary_processors.py: `incoming`, `outgoing` and `refused` (items), `passes` (whether items pass it in
  the rest), `least` (from how many incoming items on it is a fault that none leaves it)
- `ways` of canary_destinations.py: `nowhere` (why nothing arrives at an address to which an exporter sends), `known`
  (whether the rest sends there too)
- `ports` of canary_ports.py: `closed` (whether the rest accepts the connections that the canary refuses)
- `logs` of canary_logs.py: `count` (entries), `known` (whether the rest has the error too), `calm` (whether the
  component works all the same)

For example, an exporter of the canary has sent none of about 285 spans that were due. Check `nothing_sent` finds its
row `{"id": "otlp", "sent": 0, "failed": 0, "due": 285, "least": 20, …}`, and fills its message with the fields.
docs/change.md lists the thresholds with their sources, and the facts.
"""

from __future__ import annotations

from ..._diagnose.diagnose_checks import Check
from ..._host_change.judgement_thresholds import EXCESS_POINTS, FEWEST_DUE, FEWEST_ITEMS, LATE_SECONDS

# So often must a pod restart while it is watched.
_FEWEST_RESTARTS = 1
# Or so often since its start: it may have restarted before it was watched.
_FEWEST_RESTARTS_SINCE_START = 3
# By so much must a queue grow: `queue_low`, `queue_grown` and `queue_excess` each reach it.
_QUEUE_GROWTH = 10
# From this percentage of its memory limit on, a pod of the canary uses too much,
_HIGH_MEMORY_PERCENT = 90
# if no pod of the rest uses this percentage.
_REST_MEMORY_PERCENT = 75
# At least so many entries of the log must say the same.
_FEWEST_LOG_ENTRIES = 5

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
        "rest.restarted == `0`"
        f" && canary.pods[?restarted >= `{_FEWEST_RESTARTS}` || restarts >= `{_FEWEST_RESTARTS_SINCE_START}`]",
        "pod {name} of the canary restarted {restarts} times, no pod of the rest did",
        "Read the last lines of the log of pod {name} before its restart.",
    ),
    Check(
        "exports_fail",
        f"exports[?failed >= `{FEWEST_ITEMS}` && failed_excess >= `{EXCESS_POINTS}`]",
        "{about}: {failed} of {offered} {items} failed in the canary ({failed_percent} %), {rest_failed} of"
        " {rest_offered} in the rest ({rest_failed_percent} %)",
        "Check endpoint, credentials, TLS and limits of {id}.",
        growing_field="failed",
        needs_data=True,
    ),
    Check(
        "receivers_refuse",
        f"receives[?rejected >= `{FEWEST_ITEMS}` && rejected_excess >= `{EXCESS_POINTS}`]",
        "{about}: {rejected} of {offered} {items} were refused in the canary ({rejected_percent} %), {rest_rejected} of"
        " {rest_offered} in the rest ({rest_rejected_percent} %)",
        "See which processor or exporter behind {id} refuses: the memory limiter, a full queue, or an error.",
        growing_field="rejected",
        needs_data=True,
    ),
    Check(
        "nothing_sent",
        "exports[?sent == `0` && failed == `0` && due >= least]",
        "{about}: none of about {due} {items} that were due was sent in the canary, {rest_sent} in the rest",
        "See whether {id} reaches its backend, and whether a processor, connector or route before it drops everything.",
        growing_field="due",
        needs_data=True,
    ),
    Check(
        "all_dropped",
        # Enough items came in, none left, none was refused, and in the rest items pass.
        "processes[?incoming >= least && outgoing == `0` && refused == `0` && passes]",
        "{about}: all {incoming} {items} end here in the canary, and {rest_passes} in the rest",
        "Correct the conditions of {id}.",
        growing_field="incoming",
        needs_data=True,
    ),
    Check(
        "queue_grows",
        # The queue is never nearly empty, it gets longer, and it is much longer than that of the rest.
        f"exports[?queue_low >= `{_QUEUE_GROWTH}` && queue_grown >= `{_QUEUE_GROWTH}`"
        f" && queue_excess >= `{_QUEUE_GROWTH}`]",
        "{about}: its queue grew by {queue_grown} to {queue_size} of {queue_capacity} in the canary, and is"
        " {rest_queue} in the rest",
        "See why {id} sends slowly: limits of the backend, the size of batches, `num_consumers`.",
        growing_field="queue_size",
        needs_data=True,
    ),
    Check(
        "exports_late",
        # The exporter sends, but its queue stays longer than that of the rest and does not get shorter, and enough
        # items are late by long enough. A queue that gets shorter, as after a backlog that a receiver has read at its
        # start, goes well.
        "exports[?sent > `0` && queue_stays >= `1` && queue_grown >= `0`"
        f" && late_low >= `{FEWEST_DUE}` && late_seconds >= `{LATE_SECONDS}`]",
        "{about}: {late} {items} are late by about {late_seconds} seconds in the canary: its queue is {queue_size} of"
        " {queue_capacity}, and {rest_queue} in the rest",
        "See why {id} sends slowly: latency and limits of the backend, the size of batches, `num_consumers`.",
        needs_data=True,
    ),
    Check(
        "receiver_silent",
        f"receives[?offered == `0` && due >= `{FEWEST_DUE}`]",
        "{about}: no {items} came in, and about {due} were due by the rate before",
        "Check endpoint and protocols of {id}, that clients reach it, and that no exporter behind it blocks.",
        growing_field="due",
        needs_data=True,
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
        f"rest.memory_percent < `{_REST_MEMORY_PERCENT}` && canary.pods[?memory_low >= `{_HIGH_MEMORY_PERCENT}`]",
        "pod {name} of the canary uses {memory_percent} % of its memory limit, the rest {rest_memory} %",
        "Raise the memory limit, or see which component holds data.",
    ),
    Check(
        "log_errors",
        f"logs[?count >= `{_FEWEST_LOG_ENTRIES}` && !known && !calm]",
        "{about} says in the canary ({count} times), and not in the rest: {said}",
        "{fix}",
        growing_field="count",
    ),
    Check(
        "unreadable",
        "canary.unread",
        "the metrics of {what} of the canary cannot be read: {why}",
        "Serve them on an address of the pod (`host: 0.0.0.0`), and allow `get` on `pods/proxy`.",
    ),
)
CHECK_NAMES = tuple(check.id for check in CHECKS)
# If no data reached the canary, these were not compared, so they were not passed.
CHECKS_NEEDING_DATA = tuple(check.id for check in CHECKS if check.needs_data)
