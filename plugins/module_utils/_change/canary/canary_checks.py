# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that compare a canary with the pods that run the earlier config. Private.

docs/change.md lists their thresholds with sources, and the facts.
"""

from __future__ import annotations

from ..._diagnose.diagnose_checks import Check
from ..._host_change.judgement_thresholds import EXCESS_POINTS, FEWEST_DUE, FEWEST_ITEMS, LATE_SECONDS

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
        growing_field="failed",
    ),
    Check(
        "receivers_refuse",
        f"receives[?rejected >= `{FEWEST_ITEMS}` && rejected_excess >= `{EXCESS_POINTS}`]",
        "{about}: {rejected} of {offered} {items} were refused in the canary ({rejected_percent} %), {rest_rejected} of"
        " {rest_offered} in the rest ({rest_rejected_percent} %)",
        "See which processor or exporter behind {id} refuses: the memory limiter, a full queue, or an error.",
        growing_field="rejected",
    ),
    Check(
        "nothing_sent",
        "exports[?sent == `0` && failed == `0` && due >= least]",
        "{about}: none of about {due} {items} that were due was sent in the canary, {rest_sent} in the rest",
        "See whether {id} reaches its backend, and whether a processor, connector or route before it drops everything.",
        growing_field="due",
    ),
    Check(
        "all_dropped",
        "processes[?incoming >= least && outgoing == `0` && refused == `0` && passes]",
        "{about}: all {incoming} {items} end here in the canary, and {rest_passes} in the rest",
        "Correct the conditions of {id}.",
        growing_field="incoming",
    ),
    Check(
        "queue_grows",
        "exports[?queue_low >= `10` && queue_grown >= `10` && queue_excess >= `10`]",
        "{about}: its queue grew by {queue_grown} to {queue_size} of {queue_capacity} in the canary, and is"
        " {rest_queue} in the rest",
        "See why {id} sends slowly: limits of the backend, the size of batches, `num_consumers`.",
        growing_field="queue_size",
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
        growing_field="due",
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
# What says nothing about a canary that no data reached: it was not compared, so it was not passed.
CHECKS_NEEDING_DATA = (
    "exports_fail",
    "receivers_refuse",
    "nothing_sent",
    "all_dropped",
    "queue_grows",
    "exports_late",
    "receiver_silent",
)
