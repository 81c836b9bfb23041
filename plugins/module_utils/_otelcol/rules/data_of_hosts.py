# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on data of hosts: whose host an attribute describes, and which lines of a host are read again.

Sources: the README of resourcedetectionprocessor and the metadata.yaml of its detectors; the READMEs of filelogreceiver
and journaldreceiver. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    processors.resource_detection: warning [sender-overwritten] 'resource_detection' replaces host.name of the
    senders by that of the gateway (detector system). Add `override: false`, or detect resources in the agents, on
    the hosts of the senders.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.paths import list_at, value_at
from ..needs.started_components import StartedComponent
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_DETECTION = f"{_CONTRIB}/processor/resourcedetectionprocessor"
_FILES = f"{_CONTRIB}/receiver/filelogreceiver#offset-tracking"

# The modes of collectors that get the data of other hosts.
_GATEWAYS = ("deployment", "statefulset")
# The detectors that describe the machine or the container of the collector itself, each with an attribute that senders
# have too. Others are no mistake: what eks, aks, openshift and kubeadm tell of the cluster or the account is the same
# for all senders, and what `env` has, the pod's environment says on purpose.
_ATTRIBUTE_BY_DETECTOR = {
    "akamai": "host.name",
    "alibaba_ecs": "host.name",
    "azure": "host.name",
    "consul": "host.name",
    "digitalocean": "host.name",
    "docker": "host.name",
    "dynatrace": "host.name",
    "ec2": "host.name",
    "ecs": "aws.ecs.task.arn",
    "elastic_beanstalk": "service.instance.id",
    "gcp": "host.name",
    "heroku": "service.name",
    "hetzner": "host.name",
    "k8snode": "k8s.node.name",
    "lambda": "faas.name",
    "nova": "host.name",
    "oraclecloud": "host.name",
    "scaleway": "host.name",
    "system": "host.name",
    "tencent_cvm": "host.name",
    "upcloud": "host.name",
    "vultr": "host.name",
}
# Receivers that begin with `start_at`, and what they read.
_READ_BY_TYPE = {"filelog": "files", "journald": "the journal"}


# ── The host of each sender ──


@about("deployment")
def sender_overwritten(subject: Subject) -> Iterator[Fault]:
    """Yield detectors of a gateway that replace the host of each sender by that of the gateway."""
    if not subject.deployment or subject.deployment.mode not in _GATEWAYS:
        return
    fed_processors = _find_fed_processors(subject)
    for part in subject.view.find_parts("processors", "resourcedetection"):
        detectors = list(_find_replacing_detectors(part))
        if detectors and part.id in fed_processors:
            fix = "Add `override: false`, or detect resources in the agents, on the hosts of the senders."
            yield Fault(part.path, f"'{part.id}' {_describe_replacement(detectors)}", fix)


def _describe_replacement(detectors: list[str]) -> str:
    """Return which attributes detectors replace: `replaces host.name of the senders by that of …`."""
    attributes = list(dict.fromkeys(_ATTRIBUTE_BY_DETECTOR[detector] for detector in detectors))
    pronoun = "that" if len(attributes) == 1 else "those"
    replacement = f"replaces {' and '.join(attributes)} of the senders by {pronoun} of the gateway"
    return f"{replacement} (detector {' and '.join(detectors)})"


def _find_fed_processors(subject: Subject) -> set[str]:
    """Return the processors of pipelines to which clients send data."""
    receiver_ids = {part.id for part in subject.view.started_components if _receives_from_clients(subject, part)}
    processor_ids: set[str] = set()
    for pipeline in subject.view.pipelines:
        if not receiver_ids.isdisjoint(pipeline.receivers):
            processor_ids.update(pipeline.processors)
    return processor_ids


def _receives_from_clients(subject: Subject, part: StartedComponent) -> bool:
    """Whether clients send data to a component. Without the table of listeners, each receiver counts."""
    if part.section != "receivers":
        return False
    if not subject.listeners:
        return True
    return any(row.is_exposed for row in subject.listeners.get((part.section, part.type), ()))


def _find_replacing_detectors(part: StartedComponent) -> Iterator[str]:
    """Yield the detectors of machines whose attributes replace those of the data; by default they do."""
    if part.settings.get("override", True) is not True:  # a variable may turn it off
        return
    for detector in list_at(part.settings, "detectors"):
        attribute = _ATTRIBUTE_BY_DETECTOR.get(detector) if isinstance(detector, str) else None
        if attribute and _adds_attribute(part.settings, detector, attribute):
            yield detector


def _adds_attribute(settings: dict[str, Any], detector: str, attribute: str) -> bool:
    """Whether a detector adds an attribute, as all do by default.

    Older versions have a list of the attributes that are added: `attributes: [host.id]`. Newer ones have a switch for
    each of them: `system: {resource_attributes: {host.name: {enabled: false}}}`.
    """
    listed_attributes = list_at(settings, "attributes")
    if listed_attributes and attribute not in listed_attributes:
        return False
    return value_at(settings, (detector, "resource_attributes", attribute, "enabled"), True) is not False


# ── The lines of a host ──


@about("deployment")
def read_again(subject: Subject) -> Iterator[Fault]:
    """Yield agents that read all lines of their node again with each restart, so that they arrive twice."""
    if not subject.deployment or subject.deployment.mode != "daemonset":
        return
    for part in subject.view.find_parts("receivers", *_READ_BY_TYPE):
        if _begins_anew(part.settings):
            message = f"'{part.id}' reads {_READ_BY_TYPE[part.kind]} from the beginning with each restart of the pod"
            fix = "Add `storage: file_storage`, with a folder of the node, or remove `start_at: beginning`."
            yield Fault((*part.path, "start_at"), message, fix)


def _begins_anew(settings: dict[str, Any]) -> bool:
    """Whether a receiver begins with the first line, and nothing keeps how far it came."""
    keeps_offset = settings.get("storage") or settings.get("delete_after_read")
    return settings.get("start_at") == "beginning" and not keeps_offset


RULES = (
    *define_rules("warning", sender_overwritten, documentation=_DETECTION),
    *define_rules("warning", read_again, documentation=_FILES),
)
