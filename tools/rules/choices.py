# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases that show a rule best, where the shortest ones do not.

A case is a config with what the rule says of it, from tests/unit/…/rules/cases.py. `examples.py` looks here first.
"""

from __future__ import annotations

from typing import NamedTuple


class Choice(NamedTuple):
    """The names of a wrong and a right case (empty: the shortest, the likest), and the parts of a config to show."""

    wrong: str = ""
    right: str = ""
    shown_parts: tuple[str, ...] = ()


_STARTED = ("extensions", "exporters", "service.extensions")

CHOICES: dict[str, Choice] = {
    "ambiguous-id": Choice(shown_parts=("receivers", "exporters", "connectors")),
    "clear-text": Choice(right="encrypted"),
    "closed-udp-port": Choice("a policy that does not say UDP", "UDP"),
    "conflicting-settings": Choice(
        "spans by the name of a metric", "spans by trace", ("exporters", "service.pipelines")
    ),
    "connection-forgotten": Choice(right="before both"),
    "endpoint-without-scheme": Choice("a host and a port", "a URL"),
    "file-missing": Choice("a certificate", "a mounted one"),
    "header-unsent": Choice("another one", "this one"),
    "health-check-missing": Choice("none", "one", ("extensions", "service.extensions")),
    "host-reader": Choice("container logs", "an agent"),
    "idle-extension": Choice("one that is not started", "started", ("extensions", "service.extensions")),
    "ignored-setting": Choice("UDP beside TCP", "a receiver for each"),
    "invalid-duration": Choice("days", "durations"),
    "invalid-expansion": Choice("a digit first", "variables"),
    "invalid-id": Choice("white space in a name", "a name with slashes and dots"),
    "invalid-pipeline-key": Choice("a misspelt signal", "every signal"),
    "memory-limiter-missing": Choice("none", "one"),
    "memory-limiter-settings": Choice("no interval", "percentages"),
    "missing-field": Choice("a protocol", "a protocol without settings"),
    "missing-permission": Choice("one verb short", "all that is needed"),
    "moved-setting": Choice("batcher while it was there", "batcher when it was new"),
    "no-components": Choice("no exporter", "one of each", ("receivers", "exporters")),
    "invalid-regex": Choice("a lookahead", "correct ones"),
    "log-loop": Choice("the whole record", "its own log is excluded", ("receivers", "exporters")),
    "not-a-list": Choice(right="an empty list"),
    "nothing-retried": Choice(right="the defaults"),
    "open-receiver": Choice("every address", "with a certificate"),
    "own-attribute": Choice("of a resource", "both names"),
    "resource-autoscaler": Choice("crossed bounds", "bounds in order"),
    "instrumentation-endpoint": Choice("another port", "its port"),
    "resource-config": Choice("nothing in it", "with one", ("spec",)),
    "resource-kind": Choice("a misspelt kind", "a kind"),
    "resource-version": Choice("one that nobody serves", "the only one"),
    "resource-field": Choice("a misspelt field", "the right field"),
    "resource-mode": Choice("a sidecar that tolerates", "an agent that tolerates"),
    "resource-port": Choice("capital letters", "a name and a number"),
    "resource-value": Choice("another word", "its words"),
    "ottl-argument": Choice("an encoding", "a known encoding"),
    "plaintext-secret": Choice("a password", "a variable"),
    "port-clash": Choice("two of one receiver", "the address of the pod and the loopback"),
    "signature-mismatch": Choice("another service", "the right ones", ("extensions", "exporters")),
    "signature-missing": Choice("traces", "signed", ("extensions", "exporters")),
    "singleton": Choice("two replicas", "one replica"),
    "split-state": Choice("sampling of whole traces", "one replica"),
    "target-allocator-receiver": Choice("another name", "its name"),
    "target-allocator-strategy": Choice("an agent that hashes", "an agent by node"),
    "target-allocator-variable": Choice("the own node", "a group of an expression"),
    "undefined-extension": Choice("a queue in a storage that nothing defines", "a started storage", _STARTED),
    "undefined-pipeline": Choice(right="the right one", shown_parts=("connectors", "service.pipelines")),
    "unknown-component": Choice("one that only a larger image has", "all known"),
    "unknown-field": Choice("a misspelt key", "a key with a way in it"),
    "unknown-key": Choice(shown_parts=("service",)),
    "unknown-section": Choice("a misspelt section", "all sections", ("processor", "processors")),
    "unknown-value": Choice("a verbosity", "in any case"),
    "unreachable-receiver": Choice("the loopback", "the address of the pod"),
    "unreceived-signal": Choice(shown_parts=("exporters", "service.pipelines")),
    "unsupported-signal": Choice("an exporter of metrics in traces", "all supported"),
    "unused-component": Choice("a processor in no pipeline", "all used", ("processors", "service.pipelines")),
    "whole-cluster-cache": Choice("an agent without a filter", "its own node"),
    "wrong-type": Choice("a number for text", "variables"),
}
