# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of the ways in and out, of what flows through a collector, and of what limits it. Private."""

from __future__ import annotations

from .diagnose_checks import Check

# Nothing is wrong with an idle pipeline as long as another one has data.
_ALL_IDLE = "running && receives && !(receives[?accepted > `0`])"
_IDLE = "about: about, id: id, signal: signal, items: items, seconds: seconds, total: accepted_total, uptime: uptime"
_SENT = (
    "about: about, id: id, signal: signal, items: items, seconds: seconds, accepted: accepted, sent: sent,"
    " failed: failed, size: queue_size, capacity: queue_capacity, came: came"
)
# What went wrong before the two readings: counters since the start of the pods.
_TOTALS = (
    "about: about, id: id, signal: signal, items: items, seconds: seconds, uptime: uptime, sent: sent_total,"
    " failed: failed_total"
)
_STILL = "contains(['idle', 'silent'], state)"
_UNSENT = f"failed_total > `0` && sent_total == `0` && {_STILL}"
# An entry of the log is told once: by the check of its own cause, as an error of a component, or as an entry alone.
_HAS_OWN_CHECK = "contains(['disk', 'forbidden'], cause) && current"
_IS_ERROR = "cause && (current || drops) && !calm"
FLOWING = (
    Check(
        "disk_full",
        "logs[?cause=='disk' && current]",
        "{text} ({said})",
        "{fix}",
        "holds",
    ),
    Check(
        "memory_high",
        "memory[?percent >= `85`]",
        "pod {pod} uses {percent} % of its memory limit",
        "Raise the limit, or add replicas.",
        "capacity",
        "warning",
    ),
    Check(
        "memory_limiter",
        "processes[?refused > `0`].{about: 'in', id: id, items: items, refused: refused, seconds: seconds}",
        "{id} refuses {items} ({refused} in {seconds} s), since memory is short",
        "Raise the memory limit, add replicas, or see which exporter does not keep up.",
        "capacity",
    ),
    Check(
        "autoscaler_at_max",
        "autoscalers[?at_max]",
        "HorizontalPodAutoscaler {name} wants more than its most, {max} pods",
        "Raise its maximum.",
        "capacity",
        "warning",
    ),
    Check(
        "autoscaler_broken",
        "autoscalers[?broken]",
        "HorizontalPodAutoscaler {name} does not scale: {broken}",
        "See that the metrics API answers.",
        "capacity",
        "warning",
    ),
    Check(
        "queue_high",
        f"exports[?queue_percent >= `80` && state=='sends'].{{{_SENT}}}",
        "the queue of {id} is nearly full ({size} of {capacity})",
        "See why it sends slowly, then enlarge `sending_queue`.",
        "capacity",
        "warning",
    ),
    Check(
        "log_error",
        f"logs[?{_IS_ERROR} && !({_HAS_OWN_CHECK})]",
        "{text}",
        "{fix}",
        "log",
        "warning",
    ),
    Check(
        "log_entry",
        f"logs[?!({_IS_ERROR}) && !({_HAS_OWN_CHECK})]",
        "{said} ({count} times, last {seconds_ago} s ago)",
        "{fix}",
        "log",
        "info",
    ),
    Check(
        "log_loop",
        "echoes[].{pod: pod, records: records, seconds: seconds}",
        "it prints its own log (at least {records} records of pod {pod} in {seconds} s), and each comes back",
        "Exclude its log in the file_log receiver that reads it, or remove its debug exporter.",
        "log",
    ),
    Check(
        "refused",
        "running && receives[?state=='refused']",
        "{items} come in at {id} ({accepted} in {seconds} s), but {refused} are refused and {failed} fail inside",
        "See which processor or exporter behind it says no.",
        "flow",
    ),
    Check(
        "fails",
        f"running && exports[?state=='fails'].{{{_SENT}}}",
        "{came} fail at {id} ({failed} failed)",
        "Read what {id} says in the log.",
        "flow",
    ),
    Check(
        "fails_partly",
        f"running && exports[?state=='fails_partly'].{{{_SENT}}}",
        "{items} come in ({accepted} in {seconds} s), and some fail at {id} ({sent} sent, {failed} failed)",
        "Read what {id} says in the log.",
        "flow",
        "warning",
    ),
    Check(
        "fails_since_start",
        f"running && exports[?{_UNSENT}].{{{_TOTALS}}}",
        "{id} has sent none of the {items} since its start {uptime} ago ({failed} failed)",
        "Read what {id} says in the log.",
        "flow",
    ),
    Check(
        "failed_since_start",
        f"running && exports[?failed_total > `0` && sent_total > `0` && {_STILL}].{{{_TOTALS}}}",
        "{id} has lost {items} since its start {uptime} ago ({sent} sent, {failed} failed)",
        "Read what {id} says in the log.",
        "flow",
        "info",
    ),
    Check(
        "refused_since_start",
        "running && receives[?state=='idle' && accepted_total==`0` && refused_total>`0`]",
        "{id} has refused all {items} since its start {uptime} ago ({refused_total} refused)",
        "See which processor or exporter behind it says no.",
        "flow",
    ),
    Check(
        "waits",
        f"running && exports[?state=='waits'].{{{_SENT}}}",
        "{came} wait at {id} ({size} of {capacity} queued, none sent)",
        "Read what {id} says in the log.",
        "flow",
    ),
    Check(
        "dropped",
        "running && processes[?incoming > `0` && outgoing == `0` && refused == `0`]",
        "{items} come in ({incoming} in {seconds} s) and all end at {id}",
        "See whether its conditions are meant to drop everything.",
        "flow",
        "warning",
    ),
    Check(
        "silent",
        f"running && exports[?state=='silent'].{{{_SENT}}}",
        "{items} come in ({accepted} in {seconds} s), and none has reached {id} within that time",
        "Look again over a longer window_seconds; a batch may wait, a filter or sampler may drop them.",
        "flow",
        "info",
    ),
    Check(
        "nothing_ever",
        f"{_ALL_IDLE} && !(receives[?accepted_total > `0`]) && receives[?state=='idle' && !(refused_total > `0`)]"
        f".{{{_IDLE}}}",
        "nothing comes in: no {items} at {id} since its start {uptime} ago",
        "Check the endpoint, protocol and port of the clients; playbook verify sends test data.",
        "flow",
        "warning",
    ),
    Check(
        "nothing_now",
        f"{_ALL_IDLE} && !(exports[?{_UNSENT}]) && receives[?state=='idle' && accepted_total>`0`].{{{_IDLE}}}",
        "nothing comes in any more: no {items} at {id} in {seconds} s, {total} before",
        "See whether the clients still send.",
        "flow",
        "warning",
    ),
    Check(
        "idle",
        f"running && receives[?accepted > `0`] && receives[?state=='idle'].{{{_IDLE}}}",
        "no {items} came in at {id} in {seconds} s, {total} before",
        "",
        "flow",
        "info",
    ),
)


_PEER = "about: about, endpoint: endpoint, host: host, port: port, service: service, has: has, policies: policies"

WAYS = (
    Check(
        "service_selects_nothing",
        "services[?state=='selects_nothing']",
        "Service {namespace}/{name} selects no pod: {differs}",
        "Correct the selector of Service {namespace}/{name}.",
        "way",
    ),
    Check(
        "service_selects_others",
        "services[?state=='other' && differs]",
        "Service {namespace}/{name} leads to other pods: {differs}",
        "Correct the selector of Service {namespace}/{name}.",
        "way",
        "warning",
    ),
    Check(
        "service_not_ready",
        "services[?state=='not_ready']",
        "Service {namespace}/{name} has no ready endpoint",
        "See why its pods are not ready.",
        "way",
    ),
    Check(
        "service_wrong_port",
        "services[?state=='wrong_port']",
        "Service {namespace}/{name} leads to a port without a listener ({shut}; the receivers listen on {listens})",
        "Correct its targetPort.",
        "way",
    ),
    Check(
        "receiver_loopback",
        "kind != 'Pod' && mode != 'sidecar' && listeners[?state=='loopback']",
        "{receiver} listens on {host}:{port}, which no other pod reaches",
        'Write `"[${{env:MY_POD_IP}}]:{port}"` as its endpoint.',
        "way",
        "warning",
    ),
    Check(
        "receiver_blocked",
        "listeners[?state=='blocked']",
        "NetworkPolicy {policies} does not admit {protocol} port {port} of {receiver}",
        "Admit the port in a NetworkPolicy.",
        "way",
    ),
    Check(
        "receiver_unserved",
        "listeners[?state=='unserved']",
        "no Service and no port of the node leads to {receiver} on {port}/{protocol}",
        "Add the port to its Service if others send to it.",
        "way",
        "info",
    ),
    Check(
        "receiver_limited",
        "listeners[?state!='blocked' && policies]",
        "NetworkPolicy {policies} admits port {port} of {receiver} from some peers only",
        "Check that the senders are among them.",
        "way",
        "info",
    ),
    Check(
        "peer_no_service",
        f"peers[?state=='no_service'].{{{_PEER}}}",
        "Service {service} does not exist",
        "Deploy what {endpoint} names, or correct the endpoint.",
        "way",
    ),
    Check(
        "peer_no_port",
        f"peers[?state=='no_port'].{{{_PEER}}}",
        "Service {service} has no port {port}, only {has}",
        "Use a port of that Service.",
        "way",
    ),
    Check(
        "peer_no_endpoints",
        f"peers[?state=='no_endpoints' || state=='not_ready'].{{{_PEER}}}",
        "Service {service} has no ready endpoints",
        "Start the pods behind Service {service}, or correct its selector.",
        "way",
    ),
    Check(
        "peer_loopback",
        f"mode != 'sidecar' && peers[?state=='loopback'].{{{_PEER}}}",
        "{endpoint} is the collector's own pod",
        "Write the name of the backend's Service.",
        "way",
        "warning",
    ),
    Check(
        "peer_blocked",
        f"peers[?state=='blocked'].{{{_PEER}}}",
        "NetworkPolicy {policies} lets nothing out to {endpoint}",
        "Admit port {port} in its egress rules.",
        "way",
    ),
    Check(
        "peer_kept_out",
        f"peers[?state=='kept_out'].{{{_PEER}}}",
        "NetworkPolicy {policies} selects the pods behind Service {service}, and does not admit this collector",
        "Admit the collector's pods to these pods in an ingress rule.",
        "way",
    ),
    Check(
        "peer_proxied",
        "proxied[].{about: about, endpoint: endpoint, host: host, variable: variable, proxy: proxy}",
        "{variable} sends what is for {endpoint} to the proxy {proxy}, and NO_PROXY does not name {host}",
        "Name {host} in NO_PROXY of `env`, such as `.svc,.cluster.local`; see docs/proxies.md.",
        "way",
        "warning",
    ),
    Check(
        "peer_no_scheme",
        f"peers[?state=='no_scheme'].{{{_PEER}}}",
        "{endpoint} is not a URL",
        "Write `http://{endpoint}`, or `https://{endpoint}` if it takes TLS.",
        "way",
    ),
    Check(
        "no_targets",
        "target_allocator.jobs[?targets==`0`].{about: 'targets', name: name}",
        "the target allocator has no target for job {name}",
        "Check the selectors and namespaces of its monitors, their ports' names, and the allocator's rights.",
        "way",
        "warning",
    ),
    Check(
        "targets_unshared",
        "target_allocator.idle && [{about: 'targets', names: join(', ', target_allocator.idle)}]",
        "the target allocator gives no target to {names}",
        "See whether there are fewer targets than collectors, or use another allocation strategy.",
        "way",
        "warning",
    ),
)
