# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which one run changes collectors that send to each other. Private.

`live/apply.py` applies the objects of a bundle (all manifests of a run) in steps. The next step begins once the changed
collectors of this one work. For example, an agent that sends to a gateway, and both change:

    flows = [Flow(sender="obs/agent", receiver="obs/gateway")]
    → step 0: the gateway, and all objects that have no order; step 1: the agent

If the gateway fails, the agent stays as it is. A run over several clusters or hosts has an order of its own (its waves,
docs/waves.md), which is not meant here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .._otelcol.kube.objects import Manifest, ObjectRef
from .change_precedence import Precedence
from .changing_collectors import ChangingCollector, Port, find_changing_collectors
from .collector_flows import Flow

# Other collectors may run under the same account, and those of an earlier step need it.
_SHARED_KINDS = ("ServiceAccount",)


@dataclass
class ApplyStep:
    """Objects that are applied together, once the changed collectors of the step before work.

    Collectors are named `namespace/name`.
    """

    manifests: list[Manifest] = field(default_factory=list)
    ordered_collectors: list[str] = field(default_factory=list)
    """Those of this step that have others before or after them."""
    later_collectors: list[str] = field(default_factory=list)
    """Those of the steps after this one; empty for the last step."""


class ApplyOrder(NamedTuple):
    """The steps in which a bundle is applied."""

    steps: list[ApplyStep]
    warnings: list[str]
    """What the user should know: of some collectors no order is safe."""


def order_apply_steps(
    manifests: Sequence[Manifest],
    live_objects: Mapping[ObjectRef, Manifest | None],
    flows: Iterable[Flow],
    manager: str,
    earlier_flows: Iterable[Flow] = (),
) -> ApplyOrder:
    """Return the steps in which to apply a bundle.

    `flows` are those of the new configs, `earlier_flows` those of the configs that run now. Collectors that take part
    in no flow, or do not change, are in the first step. A receiver opens a port before anyone sends to it, and closes
    one after those have changed that still send to it. Collectors that send to each other in a circle change together.

    | the receiver | a sender by its new config | a sender by its earlier config alone |
    |---|---|---|
    | closes no port | changes after the receiver | has no order |
    | closes a port, and opens none | changes before the receiver | changes before the receiver |
    | closes a port, and opens another | changes after the receiver, with a warning | changes before the receiver |
    """
    changing_collectors = find_changing_collectors(manifests, live_objects, manager)
    known_flows = _select_flows_that_matter(flows, changing_collectors)
    precedence = Precedence()
    for flow in known_flows:
        if changing_collectors[flow.receiver].only_closes_ports:
            precedence.add_pair(flow.sender, flow.receiver)
        else:
            precedence.add_pair(flow.receiver, flow.sender)
    for flow in _select_flows_that_matter(earlier_flows, changing_collectors) - known_flows:
        if changing_collectors[flow.receiver].closed_ports:
            precedence.add_pair(flow.sender, flow.receiver)
    steps = _build_steps(manifests, changing_collectors, precedence.number_steps())
    return ApplyOrder(steps, _warn_of_port_swaps(known_flows, changing_collectors))


def _select_flows_that_matter(flows: Iterable[Flow], changing_collectors: Mapping[str, ChangingCollector]) -> set[Flow]:
    """Return the flows from collectors that change to others that change or are new.

    A new sender has no order and is created first, so a first installation, in which all are new, waits for nothing.
    """
    return {flow for flow in flows if _is_between_changing(flow, changing_collectors)}


def _is_between_changing(flow: Flow, changing_collectors: Mapping[str, ChangingCollector]) -> bool:
    if flow.sender == flow.receiver or flow.receiver not in changing_collectors:
        return False
    return flow.sender in changing_collectors and not changing_collectors[flow.sender].is_new


# ── Steps ──


def _build_steps(
    manifests: Sequence[Manifest],
    changing_collectors: Mapping[str, ChangingCollector],
    step_by_collector: Mapping[str, int],
) -> list[ApplyStep]:
    """Return the steps of all manifests, given the number of the step of each collector that has an order."""
    step_count = max(step_by_collector.values(), default=0) + 1
    steps: list[ApplyStep] = []
    for number in range(step_count):
        ordered_collectors = sorted(name for name, step in step_by_collector.items() if step == number)
        later_collectors = sorted(name for name, step in step_by_collector.items() if step > number)
        steps.append(ApplyStep(ordered_collectors=ordered_collectors, later_collectors=later_collectors))
    # Two manifests may be equal, so they are told apart by their identity.
    step_by_manifest: dict[int, int] = {}
    for name, step in step_by_collector.items():
        for manifest in changing_collectors[name].change.manifests:
            if manifest["kind"] not in _SHARED_KINDS:
                step_by_manifest[id(manifest)] = step
    for manifest in manifests:
        steps[step_by_manifest.get(id(manifest), 0)].manifests.append(manifest)
    return steps


# ── Warnings ──


def _warn_of_port_swaps(flows: Iterable[Flow], changing_collectors: Mapping[str, ChangingCollector]) -> list[str]:
    """Return a warning for each receiver for whose ports no order is safe."""
    swapping_names = {flow.receiver for flow in flows if changing_collectors[flow.receiver].swaps_ports}
    return [_describe_port_swap(changing_collectors[name]) for name in sorted(swapping_names)]


def _describe_port_swap(changing_collector: ChangingCollector) -> str:
    """Return the warning about a collector that opens and closes ports in one run."""
    return (
        f"{changing_collector.change.name} opens {_join_ports(changing_collector.opened_ports)} and closes"
        f" {_join_ports(changing_collector.closed_ports)} in one run, so its senders may send to a closed port until"
        " they change. Open the new port in one run, and close the old one in the next."
    )


def _join_ports(ports: Iterable[Port]) -> str:
    return ", ".join(str(port) for port in sorted(ports))
