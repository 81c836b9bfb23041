# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of the ways in and out, of what flows through a collector, and of what limits it. Private.

Their facts come from `live/collect.py`, and for a host from `host_situation.py`. They get `receives`, `processes` and
`exports` with `state` and `came` from `_telemetry/metrics.py`, which compares two readings; `logs` from
`_telemetry/logs.py`, `services` and `listeners` from `reach.py`, and `peers` from `peer_state.py`, with `has` for the
ports of a Service. `about` is the component or end that a row is about. docs/diagnose.md lists all of them.
"""

from __future__ import annotations

from .diagnose_checks import Check

# Nothing is wrong with an idle pipeline as long as another one has data.
_ARE_ALL_IDLE = "running && receives && !(receives[?accepted > `0`])"
_IDLE_FIELDS = (
    "about: about, id: id, signal: signal, items: items, seconds: seconds, total: accepted_total, uptime: uptime"
)
_SENT_FIELDS = (
    "about: about, id: id, signal: signal, items: items, seconds: seconds, accepted: accepted, sent: sent,"
    " failed: failed, size: queue_size, capacity: queue_capacity, came: came"
)
# What went wrong before the two readings: counters since the start of the pods.
_TOTAL_FIELDS = (
    "about: about, id: id, signal: signal, items: items, seconds: seconds, uptime: uptime, sent: sent_total,"
    " failed: failed_total"
)
_IS_STILL = "contains(['idle', 'silent'], state)"
_IS_UNSENT = f"failed_total > `0` && sent_total == `0` && {_IS_STILL}"
# An entry of the log is told once: by the check of its own cause, as an error of a component, or as an entry alone.
_HAS_OWN_CHECK = "contains(['disk', 'forbidden'], cause) && current"
_IS_ERROR = "cause && (current || drops) && !calm"
FLOW_CHECKS = (
    Check(
        "disk_full",
        find="logs[?cause=='disk' && current]",
        message="{text} ({said})",
        fix="{fix}",
        stage="holds",
    ),
    Check(
        "memory_high",
        find="memory[?percent >= `85`]",
        message="pod {pod} uses {percent} % of its memory limit",
        fix="Raise the limit, or add replicas.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        "memory_limiter",
        find="processes[?refused > `0`].{about: 'in', id: id, items: items, refused: refused, seconds: seconds}",
        message="{id} refuses {items} ({refused} in {seconds} s), since memory is short",
        fix="Raise the memory limit, add replicas, or see which exporter does not keep up.",
        stage="capacity",
    ),
    Check(
        "autoscaler_at_max",
        find="autoscalers[?at_max]",
        message="HorizontalPodAutoscaler {name} wants more than its most, {max} pods",
        fix="Raise its maximum.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        "autoscaler_broken",
        find="autoscalers[?broken]",
        message="HorizontalPodAutoscaler {name} does not scale: {broken}",
        fix="See that the metrics API answers.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        "queue_high",
        find=f"exports[?queue_percent >= `80` && state=='sends'].{{{_SENT_FIELDS}}}",
        message="the queue of {id} is nearly full ({size} of {capacity})",
        fix="See why it sends slowly, then enlarge `sending_queue`.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        "log_error",
        find=f"logs[?{_IS_ERROR} && !({_HAS_OWN_CHECK})]",
        message="{text}",
        fix="{fix}",
        stage="log",
        severity="warning",
    ),
    Check(
        "log_entry",
        find=f"logs[?!({_IS_ERROR}) && !({_HAS_OWN_CHECK})]",
        message="{said} ({count} times, last {seconds_ago} s ago)",
        fix="{fix}",
        stage="log",
        severity="info",
    ),
    Check(
        "log_loop",
        find="echoes[].{pod: pod, records: records, seconds: seconds}",
        message="it prints its own log (at least {records} records of pod {pod} in {seconds} s), and each comes back",
        fix="Exclude its log in the file_log receiver that reads it, or remove its debug exporter.",
        stage="log",
    ),
    Check(
        "refused",
        find="running && receives[?state=='refused']",
        message=(
            "{items} come in at {id} ({accepted} in {seconds} s), but {refused} are refused and {failed} fail inside"
        ),
        fix="See which processor or exporter behind it says no.",
        stage="flow",
    ),
    Check(
        "fails",
        find=f"running && exports[?state=='fails'].{{{_SENT_FIELDS}}}",
        message="{came} fail at {id} ({failed} failed)",
        fix="Read what {id} says in the log.",
        stage="flow",
    ),
    Check(
        "fails_partly",
        find=f"running && exports[?state=='fails_partly'].{{{_SENT_FIELDS}}}",
        message="{items} come in ({accepted} in {seconds} s), and some fail at {id} ({sent} sent, {failed} failed)",
        fix="Read what {id} says in the log.",
        stage="flow",
        severity="warning",
    ),
    Check(
        "fails_since_start",
        find=f"running && exports[?{_IS_UNSENT}].{{{_TOTAL_FIELDS}}}",
        message="{id} has sent none of the {items} since its start {uptime} ago ({failed} failed)",
        fix="Read what {id} says in the log.",
        stage="flow",
    ),
    Check(
        "failed_since_start",
        find=f"running && exports[?failed_total > `0` && sent_total > `0` && {_IS_STILL}].{{{_TOTAL_FIELDS}}}",
        message="{id} has lost {items} since its start {uptime} ago ({sent} sent, {failed} failed)",
        fix="Read what {id} says in the log.",
        stage="flow",
        severity="info",
    ),
    Check(
        "refused_since_start",
        find="running && receives[?state=='idle' && accepted_total==`0` && refused_total>`0`]",
        message="{id} has refused all {items} since its start {uptime} ago ({refused_total} refused)",
        fix="See which processor or exporter behind it says no.",
        stage="flow",
    ),
    Check(
        "waits",
        find=f"running && exports[?state=='waits'].{{{_SENT_FIELDS}}}",
        message="{came} wait at {id} ({size} of {capacity} queued, none sent)",
        fix="Read what {id} says in the log.",
        stage="flow",
    ),
    Check(
        "dropped",
        find="running && processes[?incoming > `0` && outgoing == `0` && refused == `0`]",
        message="{items} come in ({incoming} in {seconds} s) and all end at {id}",
        fix="See whether its conditions are meant to drop everything.",
        stage="flow",
        severity="warning",
    ),
    Check(
        "silent",
        find=f"running && exports[?state=='silent'].{{{_SENT_FIELDS}}}",
        message="{items} come in ({accepted} in {seconds} s), and none has reached {id} within that time",
        fix="Look again over a longer window_seconds; a batch may wait, a filter or sampler may drop them.",
        stage="flow",
        severity="info",
    ),
    Check(
        "nothing_ever",
        find=(
            f"{_ARE_ALL_IDLE} && !(receives[?accepted_total > `0`]) && receives[?state=='idle' && !(refused_total >"
            f" `0`)].{{{_IDLE_FIELDS}}}"
        ),
        message="nothing comes in: no {items} at {id} since its start {uptime} ago",
        fix="Check the endpoint, protocol and port of the clients; playbook verify sends test data.",
        stage="flow",
        severity="warning",
    ),
    Check(
        "nothing_now",
        find=(
            f"{_ARE_ALL_IDLE} && !(exports[?{_IS_UNSENT}]) && receives[?state=='idle' &&"
            f" accepted_total>`0`].{{{_IDLE_FIELDS}}}"
        ),
        message="nothing comes in any more: no {items} at {id} in {seconds} s, {total} before",
        fix="See whether the clients still send.",
        stage="flow",
        severity="warning",
    ),
    Check(
        "idle",
        find=f"running && receives[?accepted > `0`] && receives[?state=='idle'].{{{_IDLE_FIELDS}}}",
        message="no {items} came in at {id} in {seconds} s, {total} before",
        stage="flow",
        severity="info",
    ),
)


_PEER_FIELDS = (
    "about: about, endpoint: endpoint, host: host, port: port, service: service, has: has, policies: policies"
)

WAY_CHECKS = (
    Check(
        "service_selects_nothing",
        find="services[?state=='selects_nothing']",
        message="Service {namespace}/{name} selects no pod: {differs}",
        fix="Correct the selector of Service {namespace}/{name}.",
        stage="way",
    ),
    Check(
        "service_selects_others",
        find="services[?state=='other' && differs]",
        message="Service {namespace}/{name} leads to other pods: {differs}",
        fix="Correct the selector of Service {namespace}/{name}.",
        stage="way",
        severity="warning",
    ),
    Check(
        "service_not_ready",
        find="services[?state=='not_ready']",
        message="Service {namespace}/{name} has no ready endpoint",
        fix="See why its pods are not ready.",
        stage="way",
    ),
    Check(
        "service_wrong_port",
        find="services[?state=='wrong_port']",
        message=(
            "Service {namespace}/{name} leads to a port without a listener ({shut}; the receivers listen on {listens})"
        ),
        fix="Correct its targetPort.",
        stage="way",
    ),
    Check(
        "receiver_loopback",
        find="kind != 'Pod' && mode != 'sidecar' && listeners[?state=='loopback']",
        message="{receiver} listens on {host}:{port}, which no other pod reaches",
        fix='Write `"[${{env:MY_POD_IP}}]:{port}"` as its endpoint.',
        stage="way",
        severity="warning",
    ),
    Check(
        "receiver_blocked",
        find="listeners[?state=='blocked']",
        message="NetworkPolicy {policies} does not admit {protocol} port {port} of {receiver}",
        fix="Admit the port in a NetworkPolicy.",
        stage="way",
    ),
    Check(
        "receiver_unserved",
        find="listeners[?state=='unserved']",
        message="no Service and no port of the node leads to {receiver} on {port}/{protocol}",
        fix="Add the port to its Service if others send to it.",
        stage="way",
        severity="info",
    ),
    Check(
        "receiver_limited",
        find="listeners[?state!='blocked' && policies]",
        message="NetworkPolicy {policies} admits port {port} of {receiver} from some peers only",
        fix="Check that the senders are among them.",
        stage="way",
        severity="info",
    ),
    Check(
        "peer_no_service",
        find=f"peers[?state=='no_service'].{{{_PEER_FIELDS}}}",
        message="Service {service} does not exist",
        fix="Deploy what {endpoint} names, or correct the endpoint.",
        stage="way",
    ),
    Check(
        "peer_no_port",
        find=f"peers[?state=='no_port'].{{{_PEER_FIELDS}}}",
        message="Service {service} has no port {port}, only {has}",
        fix="Use a port of that Service.",
        stage="way",
    ),
    Check(
        "peer_no_endpoints",
        find=f"peers[?state=='no_endpoints' || state=='not_ready'].{{{_PEER_FIELDS}}}",
        message="Service {service} has no ready endpoints",
        fix="Start the pods behind Service {service}, or correct its selector.",
        stage="way",
    ),
    Check(
        "peer_loopback",
        find=f"mode != 'sidecar' && peers[?state=='loopback'].{{{_PEER_FIELDS}}}",
        message="{endpoint} is the collector's own pod",
        fix="Write the name of the backend's Service.",
        stage="way",
        severity="warning",
    ),
    Check(
        "peer_blocked",
        find=f"peers[?state=='blocked'].{{{_PEER_FIELDS}}}",
        message="NetworkPolicy {policies} lets nothing out to {endpoint}",
        fix="Admit port {port} in its egress rules.",
        stage="way",
    ),
    Check(
        "peer_kept_out",
        find=f"peers[?state=='kept_out'].{{{_PEER_FIELDS}}}",
        message="NetworkPolicy {policies} selects the pods behind Service {service}, and does not admit this collector",
        fix="Admit the collector's pods to these pods in an ingress rule.",
        stage="way",
    ),
    Check(
        "peer_proxied",
        find="proxied[].{about: about, endpoint: endpoint, host: host, variable: variable, proxy: proxy}",
        message="{variable} sends what is for {endpoint} to the proxy {proxy}, and NO_PROXY does not name {host}",
        fix="Name {host} in NO_PROXY of `env`, such as `.svc,.cluster.local`; see docs/proxies.md.",
        stage="way",
        severity="warning",
    ),
    Check(
        "peer_no_scheme",
        find=f"peers[?state=='no_scheme'].{{{_PEER_FIELDS}}}",
        message="{endpoint} is not a URL",
        fix="Write `http://{endpoint}`, or `https://{endpoint}` if it takes TLS.",
        stage="way",
    ),
    Check(
        "no_targets",
        find="target_allocator.jobs[?targets==`0`].{about: 'targets', name: name}",
        message="the target allocator has no target for job {name}",
        fix="Check the selectors and namespaces of its monitors, their ports' names, and the allocator's rights.",
        stage="way",
        severity="warning",
    ),
    Check(
        "targets_unshared",
        find="target_allocator.idle && [{about: 'targets', names: join(', ', target_allocator.idle)}]",
        message="the target allocator gives no target to {names}",
        fix="See whether there are fewer targets than collectors, or use another allocation strategy.",
        stage="way",
        severity="warning",
    ),
)
