# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of the ways in and out, of what flows through a collector, and of what limits it. Private.

Their facts come from `live/diagnosed_collector.py`, and for a host from `host_situation.py`. The rows `receives`,
`processes` and `exports`, with `state` and `came`, are from `_telemetry/signal_flow.py`, which compares two readings;
`logs` from `_telemetry/logs.py`; `services` and `listeners` from `reach.py`; and `peers`, with `has` for the ports of a
Service, from `peer_state.py`. `about` is the component or end that a row is about. docs/diagnose.md lists all of them.
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
        find_expression="logs[?cause=='disk' && current]",
        message_template="{text} ({said})",
        fix_template="{fix}",
        stage="holds",
    ),
    Check(
        "memory_high",
        find_expression="memory[?percent >= `85`]",
        message_template="pod {pod} uses {percent} % of its memory limit",
        fix_template="Raise the limit, or add replicas.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        "memory_limiter",
        find_expression=(
            "processes[?refused > `0`].{about: 'in', id: id, items: items, refused: refused, seconds: seconds}"
        ),
        message_template="{id} refuses {items} ({refused} in {seconds} s), since memory is short",
        fix_template="Raise the memory limit, add replicas, or see which exporter does not keep up.",
        stage="capacity",
    ),
    Check(
        "autoscaler_at_max",
        find_expression="autoscalers[?at_max]",
        message_template="HorizontalPodAutoscaler {name} wants more than its most, {max} pods",
        fix_template="Raise its maximum.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        "autoscaler_broken",
        find_expression="autoscalers[?broken]",
        message_template="HorizontalPodAutoscaler {name} does not scale: {broken}",
        fix_template="See that the metrics API answers.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        "queue_high",
        find_expression=f"exports[?queue_percent >= `80` && state=='sends'].{{{_SENT_FIELDS}}}",
        message_template="the queue of {id} is nearly full ({size} of {capacity})",
        fix_template="See why it sends slowly, then enlarge `sending_queue`.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        "log_error",
        find_expression=f"logs[?{_IS_ERROR} && !({_HAS_OWN_CHECK})]",
        message_template="{text}",
        fix_template="{fix}",
        stage="log",
        severity="warning",
    ),
    Check(
        "log_entry",
        find_expression=f"logs[?!({_IS_ERROR}) && !({_HAS_OWN_CHECK})]",
        message_template="{said} ({count} times, last {seconds_ago} s ago)",
        fix_template="{fix}",
        stage="log",
        severity="info",
    ),
    Check(
        "log_loop",
        find_expression="echoes[].{pod: pod, records: records, seconds: seconds}",
        message_template=(
            "it prints its own log (at least {records} records of pod {pod} in {seconds} s), and each comes back"
        ),
        fix_template="Exclude its log in the file_log receiver that reads it, or remove its debug exporter.",
        stage="log",
    ),
    Check(
        "refused",
        find_expression="running && receives[?state=='refused']",
        message_template=(
            "{items} come in at {id} ({accepted} in {seconds} s), but {refused} are refused and {failed} fail inside"
        ),
        fix_template="See which processor or exporter behind it says no.",
        stage="flow",
    ),
    Check(
        "fails",
        find_expression=f"running && exports[?state=='fails'].{{{_SENT_FIELDS}}}",
        message_template="{came} fail at {id} ({failed} failed)",
        fix_template="Read what {id} says in the log.",
        stage="flow",
    ),
    Check(
        "fails_partly",
        find_expression=f"running && exports[?state=='fails_partly'].{{{_SENT_FIELDS}}}",
        message_template=(
            "{items} come in ({accepted} in {seconds} s), and some fail at {id} ({sent} sent, {failed} failed)"
        ),
        fix_template="Read what {id} says in the log.",
        stage="flow",
        severity="warning",
    ),
    Check(
        "fails_since_start",
        find_expression=f"running && exports[?{_IS_UNSENT}].{{{_TOTAL_FIELDS}}}",
        message_template="{id} has sent none of the {items} since its start {uptime} ago ({failed} failed)",
        fix_template="Read what {id} says in the log.",
        stage="flow",
    ),
    Check(
        "failed_since_start",
        find_expression=(
            f"running && exports[?failed_total > `0` && sent_total > `0` && {_IS_STILL}].{{{_TOTAL_FIELDS}}}"
        ),
        message_template="{id} has lost {items} since its start {uptime} ago ({sent} sent, {failed} failed)",
        fix_template="Read what {id} says in the log.",
        stage="flow",
        severity="info",
    ),
    Check(
        "refused_since_start",
        find_expression="running && receives[?state=='idle' && accepted_total==`0` && refused_total>`0`]",
        message_template="{id} has refused all {items} since its start {uptime} ago ({refused_total} refused)",
        fix_template="See which processor or exporter behind it says no.",
        stage="flow",
    ),
    Check(
        "waits",
        find_expression=f"running && exports[?state=='waits'].{{{_SENT_FIELDS}}}",
        message_template="{came} wait at {id} ({size} of {capacity} queued, none sent)",
        fix_template="Read what {id} says in the log.",
        stage="flow",
    ),
    Check(
        "dropped",
        find_expression="running && processes[?incoming > `0` && outgoing == `0` && refused == `0`]",
        message_template="{items} come in ({incoming} in {seconds} s) and all end at {id}",
        fix_template="See whether its conditions are meant to drop everything.",
        stage="flow",
        severity="warning",
    ),
    Check(
        "silent",
        find_expression=f"running && exports[?state=='silent'].{{{_SENT_FIELDS}}}",
        message_template="{items} come in ({accepted} in {seconds} s), and none has reached {id} within that time",
        fix_template="Look again over a longer window_seconds; a batch may wait, a filter or sampler may drop them.",
        stage="flow",
        severity="info",
    ),
    Check(
        "nothing_ever",
        find_expression=(
            f"{_ARE_ALL_IDLE} && !(receives[?accepted_total > `0`]) && receives[?state=='idle' && !(refused_total >"
            f" `0`)].{{{_IDLE_FIELDS}}}"
        ),
        message_template="nothing comes in: no {items} at {id} since its start {uptime} ago",
        fix_template="Check the endpoint, protocol and port of the clients; playbook verify sends test data.",
        stage="flow",
        severity="warning",
    ),
    Check(
        "nothing_now",
        find_expression=(
            f"{_ARE_ALL_IDLE} && !(exports[?{_IS_UNSENT}]) && receives[?state=='idle' &&"
            f" accepted_total>`0`].{{{_IDLE_FIELDS}}}"
        ),
        message_template="nothing comes in any more: no {items} at {id} in {seconds} s, {total} before",
        fix_template="See whether the clients still send.",
        stage="flow",
        severity="warning",
    ),
    Check(
        "idle",
        find_expression=f"running && receives[?accepted > `0`] && receives[?state=='idle'].{{{_IDLE_FIELDS}}}",
        message_template="no {items} came in at {id} in {seconds} s, {total} before",
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
        find_expression="services[?state=='selects_nothing']",
        message_template="Service {namespace}/{name} selects no pod: {differs}",
        fix_template="Correct the selector of Service {namespace}/{name}.",
        stage="way",
    ),
    Check(
        "service_selects_others",
        find_expression="services[?state=='other' && differs]",
        message_template="Service {namespace}/{name} leads to other pods: {differs}",
        fix_template="Correct the selector of Service {namespace}/{name}.",
        stage="way",
        severity="warning",
    ),
    Check(
        "service_not_ready",
        find_expression="services[?state=='not_ready']",
        message_template="Service {namespace}/{name} has no ready endpoint",
        fix_template="See why its pods are not ready.",
        stage="way",
    ),
    Check(
        "service_wrong_port",
        find_expression="services[?state=='wrong_port']",
        message_template=(
            "Service {namespace}/{name} leads to a port without a listener ({shut}; the receivers listen on {listens})"
        ),
        fix_template="Correct its targetPort.",
        stage="way",
    ),
    Check(
        "receiver_loopback",
        find_expression="kind != 'Pod' && mode != 'sidecar' && listeners[?state=='loopback']",
        message_template="{receiver} listens on {host}:{port}, which no other pod reaches",
        fix_template='Write `"[${{env:MY_POD_IP}}]:{port}"` as its endpoint.',
        stage="way",
        severity="warning",
    ),
    Check(
        "receiver_blocked",
        find_expression="listeners[?state=='blocked']",
        message_template="NetworkPolicy {policies} does not admit {protocol} port {port} of {receiver}",
        fix_template="Admit the port in a NetworkPolicy.",
        stage="way",
    ),
    Check(
        "receiver_unserved",
        find_expression="listeners[?state=='unserved']",
        message_template="no Service and no port of the node leads to {receiver} on {port}/{protocol}",
        fix_template="Add the port to its Service if others send to it.",
        stage="way",
        severity="info",
    ),
    Check(
        "receiver_limited",
        find_expression="listeners[?state!='blocked' && policies]",
        message_template="NetworkPolicy {policies} admits port {port} of {receiver} from some peers only",
        fix_template="Check that the senders are among them.",
        stage="way",
        severity="info",
    ),
    Check(
        "peer_no_service",
        find_expression=f"peers[?state=='no_service'].{{{_PEER_FIELDS}}}",
        message_template="Service {service} does not exist",
        fix_template="Deploy what {endpoint} names, or correct the endpoint.",
        stage="way",
    ),
    Check(
        "peer_no_port",
        find_expression=f"peers[?state=='no_port'].{{{_PEER_FIELDS}}}",
        message_template="Service {service} has no port {port}, only {has}",
        fix_template="Use a port of that Service.",
        stage="way",
    ),
    Check(
        "peer_no_endpoints",
        find_expression=f"peers[?state=='no_endpoints' || state=='not_ready'].{{{_PEER_FIELDS}}}",
        message_template="Service {service} has no ready endpoints",
        fix_template="Start the pods behind Service {service}, or correct its selector.",
        stage="way",
    ),
    Check(
        "peer_loopback",
        find_expression=f"mode != 'sidecar' && peers[?state=='loopback'].{{{_PEER_FIELDS}}}",
        message_template="{endpoint} is the collector's own pod",
        fix_template="Write the name of the backend's Service.",
        stage="way",
        severity="warning",
    ),
    Check(
        "peer_blocked",
        find_expression=f"peers[?state=='blocked'].{{{_PEER_FIELDS}}}",
        message_template="NetworkPolicy {policies} lets nothing out to {endpoint}",
        fix_template="Admit port {port} in its egress rules.",
        stage="way",
    ),
    Check(
        "peer_kept_out",
        find_expression=f"peers[?state=='kept_out'].{{{_PEER_FIELDS}}}",
        message_template=(
            "NetworkPolicy {policies} selects the pods behind Service {service}, and does not admit this collector"
        ),
        fix_template="Admit the collector's pods to these pods in an ingress rule.",
        stage="way",
    ),
    Check(
        "peer_proxied",
        find_expression="proxied[].{about: about, endpoint: endpoint, host: host, variable: variable, proxy: proxy}",
        message_template=(
            "{variable} sends what is for {endpoint} to the proxy {proxy}, and NO_PROXY does not name {host}"
        ),
        fix_template="Name {host} in NO_PROXY of `env`, such as `.svc,.cluster.local`; see docs/proxies.md.",
        stage="way",
        severity="warning",
    ),
    Check(
        "peer_no_scheme",
        find_expression=f"peers[?state=='no_scheme'].{{{_PEER_FIELDS}}}",
        message_template="{endpoint} is not a URL",
        fix_template="Write `http://{endpoint}`, or `https://{endpoint}` if it takes TLS.",
        stage="way",
    ),
    Check(
        "no_targets",
        find_expression="target_allocator.jobs[?targets==`0`].{about: 'targets', name: name}",
        message_template="the target allocator has no target for job {name}",
        fix_template=(
            "Check the selectors and namespaces of its monitors, their ports' names, and the allocator's rights."
        ),
        stage="way",
        severity="warning",
    ),
    Check(
        "targets_unshared",
        find_expression="target_allocator.idle && [{about: 'targets', names: join(', ', target_allocator.idle)}]",
        message_template="the target allocator gives no target to {names}",
        fix_template="See whether there are fewer targets than collectors, or use another allocation strategy.",
        stage="way",
        severity="warning",
    ),
)
