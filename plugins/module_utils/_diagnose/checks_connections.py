# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of the connections of a collector: who reaches it, and whom it reaches.

The expression of a check is a JMESPath that searches the facts of a collector (docs/diagnose.md lists their keys). It
yields mappings, and the message and the fix of the check take their `{fields}` from one of them:

    peers[?state=='no_port'].{about: about, endpoint: endpoint, service: service, port: port, has: has, …}

    {about: exporters/otlp, endpoint: "jaeger.obs:9999", service: obs/jaeger, port: 9999, has: "4317, 4318", …}

    Service obs/jaeger has no port 9999, only 4317, 4318

The rows `services` and `listeners` are from `reach.py`, `peers` from `peer_state.py`, `proxied` from
`proxied_peers.py`, and `target_allocator` from `live/allocated_targets.py`. A row has one `state`, so of the checks
that compare it one alone finds the row. Private.
"""

from __future__ import annotations

from .diagnose_checks import Check

# The keys of what a check of peers yields: `peers[?state=='…'].{KEYS}`.
_PEER_FIELDS = (
    "about: about, endpoint: endpoint, host: host, port: port, service: service, has: has, policies: policies"
)

CONNECTION_CHECKS = (
    Check(
        id="service_selects_nothing",
        find_expression="services[?state=='selects_nothing']",
        message_template="Service {namespace}/{name} selects no pod: {differs}",
        fix_template="Correct the selector of Service {namespace}/{name}.",
        stage="way",
    ),
    Check(
        id="service_selects_others",
        find_expression="services[?state=='other' && differs]",
        message_template="Service {namespace}/{name} leads to other pods: {differs}",
        fix_template="Correct the selector of Service {namespace}/{name}.",
        stage="way",
        severity="warning",
    ),
    Check(
        id="service_not_ready",
        find_expression="services[?state=='not_ready']",
        message_template="Service {namespace}/{name} has no ready endpoint",
        fix_template="See why its pods are not ready.",
        stage="way",
    ),
    Check(
        id="service_wrong_port",
        find_expression="services[?state=='wrong_port']",
        message_template=(
            "Service {namespace}/{name} leads to a port without a listener ({shut}; the receivers listen on {listens})"
        ),
        fix_template="Correct its targetPort.",
        stage="way",
    ),
    Check(
        # The clients of a sidecar are in its own pod.
        id="receiver_loopback",
        find_expression="kind != 'Pod' && mode != 'sidecar' && listeners[?state=='loopback']",
        message_template="{receiver} listens on {host}:{port}, which no other pod reaches",
        fix_template='Write `"[${{env:MY_POD_IP}}]:{port}"` as its endpoint.',
        stage="way",
        severity="warning",
    ),
    Check(
        id="receiver_blocked",
        find_expression="listeners[?state=='blocked']",
        message_template="NetworkPolicy {policies} does not admit {protocol} port {port} of {receiver}",
        fix_template="Admit the port in a NetworkPolicy.",
        stage="way",
    ),
    Check(
        id="receiver_unserved",
        find_expression="listeners[?state=='unserved']",
        message_template="no Service and no port of the node leads to {receiver} on {port}/{protocol}",
        fix_template="Add the port to its Service if others send to it.",
        stage="way",
        severity="info",
    ),
    Check(
        # A listener names policies also in another state, if they admit some peers and not all.
        id="receiver_limited",
        find_expression="listeners[?state!='blocked' && policies]",
        message_template="NetworkPolicy {policies} admits port {port} of {receiver} from some peers only",
        fix_template="Check that the senders are among them.",
        stage="way",
        severity="info",
    ),
    Check(
        id="peer_no_service",
        find_expression=f"peers[?state=='no_service'].{{{_PEER_FIELDS}}}",
        message_template="Service {service} does not exist",
        fix_template="Deploy what {endpoint} names, or correct the endpoint.",
        stage="way",
    ),
    Check(
        id="peer_no_port",
        find_expression=f"peers[?state=='no_port'].{{{_PEER_FIELDS}}}",
        message_template="Service {service} has no port {port}, only {has}",
        fix_template="Use a port of that Service.",
        stage="way",
    ),
    Check(
        id="peer_no_endpoints",
        find_expression=f"peers[?state=='no_endpoints' || state=='not_ready'].{{{_PEER_FIELDS}}}",
        message_template="Service {service} has no ready endpoints",
        fix_template="Start the pods behind Service {service}, or correct its selector.",
        stage="way",
    ),
    Check(
        # A sidecar may send to its application, which is in the same pod.
        id="peer_loopback",
        find_expression=f"mode != 'sidecar' && peers[?state=='loopback'].{{{_PEER_FIELDS}}}",
        message_template="{endpoint} is the collector's own pod",
        fix_template="Write the name of the backend's Service.",
        stage="way",
        severity="warning",
    ),
    Check(
        id="peer_blocked",
        find_expression=f"peers[?state=='blocked'].{{{_PEER_FIELDS}}}",
        message_template="NetworkPolicy {policies} lets nothing out to {endpoint}",
        fix_template="Admit port {port} in its egress rules.",
        stage="way",
    ),
    Check(
        id="peer_kept_out",
        find_expression=f"peers[?state=='kept_out'].{{{_PEER_FIELDS}}}",
        message_template=(
            "NetworkPolicy {policies} selects the pods behind Service {service}, and does not admit this collector"
        ),
        fix_template="Admit the collector's pods to these pods in an ingress rule.",
        stage="way",
    ),
    Check(
        id="peer_proxied",
        find_expression="proxied[].{about: about, endpoint: endpoint, host: host, variable: variable, proxy: proxy}",
        message_template=(
            "{variable} sends what is for {endpoint} to the proxy {proxy}, and NO_PROXY does not name {host}"
        ),
        fix_template="Name {host} in NO_PROXY of `env`, such as `.svc,.cluster.local`; see docs/proxies.md.",
        stage="way",
        severity="warning",
    ),
    Check(
        id="peer_no_scheme",
        find_expression=f"peers[?state=='no_scheme'].{{{_PEER_FIELDS}}}",
        message_template="{endpoint} is not a URL",
        fix_template="Write `http://{endpoint}`, or `https://{endpoint}` if it takes TLS.",
        stage="way",
    ),
    Check(
        id="no_targets",
        find_expression="target_allocator.jobs[?targets==`0`].{about: 'targets', name: name}",
        message_template="the target allocator has no target for job {name}",
        fix_template=(
            "Check the selectors and namespaces of its monitors, their ports' names, and the allocator's rights."
        ),
        stage="way",
        severity="warning",
    ),
    Check(
        id="targets_unshared",
        find_expression="target_allocator.idle && [{about: 'targets', names: join(', ', target_allocator.idle)}]",
        message_template="the target allocator gives no target to {names}",
        fix_template="See whether there are fewer targets than collectors, or use another allocation strategy.",
        stage="way",
        severity="warning",
    ),
)
