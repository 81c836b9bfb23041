# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of the ways in and out. Private."""

from __future__ import annotations

from .check import DiagnoseCheck

_PEER = "about: about, endpoint: endpoint, host: host, port: port, service: service, has: has, policies: policies"

WAYS = (
    DiagnoseCheck("service_selects_nothing", "way", "error", "services[?state=='selects_nothing']",
        "Service {namespace}/{name} selects no pod: {differs}", "Correct the selector of Service {namespace}/{name}."),
    DiagnoseCheck("service_selects_others", "way", "warning", "services[?state=='other' && differs]",
        "Service {namespace}/{name} leads to other pods: {differs}",
        "Correct the selector of Service {namespace}/{name}."),
    DiagnoseCheck("service_not_ready", "way", "error", "services[?state=='not_ready']",
        "Service {namespace}/{name} has no ready endpoint", "See why its pods are not ready."),
    DiagnoseCheck("service_wrong_port", "way", "error", "services[?state=='wrong_port']",
        "Service {namespace}/{name} leads to a port without a listener ({shut}; the receivers listen on {listens})",
        "Correct its targetPort."),
    DiagnoseCheck("receiver_loopback", "way", "warning",
        "kind != 'Pod' && mode != 'sidecar' && listeners[?state=='loopback']",
        "{receiver} listens on {host}:{port}, which no other pod reaches",
        "Write `${{env:MY_POD_IP}}:{port}` or `0.0.0.0:{port}` as its endpoint."),
    DiagnoseCheck("receiver_blocked", "way", "error", "listeners[?state=='blocked']",
        "NetworkPolicy {policies} does not admit {protocol} port {port} of {receiver}",
        "Admit the port in a NetworkPolicy."),
    DiagnoseCheck("receiver_unserved", "way", "info", "listeners[?state=='unserved']",
        "no Service and no port of the node leads to {receiver} on {port}/{protocol}",
        "Add the port to its Service if others send to it."),
    DiagnoseCheck("receiver_limited", "way", "info", "listeners[?state!='blocked' && policies]",
        "NetworkPolicy {policies} admits port {port} of {receiver} from some peers only",
        "See that those who send are among them."),
    DiagnoseCheck("peer_no_service", "way", "error", f"peers[?state=='no_service'].{{{_PEER}}}",
        "Service {service} does not exist", "Deploy what {endpoint} names, or correct the endpoint."),
    DiagnoseCheck("peer_no_port", "way", "error", f"peers[?state=='no_port'].{{{_PEER}}}",
        "Service {service} has no port {port}, only {has}", "Use a port of that Service."),
    DiagnoseCheck("peer_no_endpoints", "way", "error",
        f"peers[?state=='no_endpoints' || state=='not_ready'].{{{_PEER}}}", "Service {service} has no ready endpoints",
        "Start the pods behind Service {service}, or correct its selector."),
    DiagnoseCheck("peer_loopback", "way", "warning", f"mode != 'sidecar' && peers[?state=='loopback'].{{{_PEER}}}",
        "{endpoint} is the collector's own pod", "Write the name of the backend's Service."),
    DiagnoseCheck("peer_blocked", "way", "error", f"peers[?state=='blocked'].{{{_PEER}}}",
        "NetworkPolicy {policies} lets nothing out to {endpoint}", "Admit port {port} in its egress rules."),
    DiagnoseCheck("no_targets", "way", "warning", "target_allocator.jobs[?targets==`0`].{about: 'targets', name: name}",
        "the target allocator has no target for job {name}",
        "Check the selectors and namespaces of its monitors, their ports' names, and the allocator's rights."),
    DiagnoseCheck("targets_unshared", "way", "warning",
        "target_allocator.idle && [{about: 'targets', names: join(', ', target_allocator.idle)}]",
        "the target allocator gives no target to {names}",
        "See whether there are fewer targets than collectors, or use another allocation strategy."),
)  # fmt: skip
