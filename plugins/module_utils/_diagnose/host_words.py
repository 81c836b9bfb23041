# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong, and how to mend it, in the words of a host where those of a pod do not fit. Private.

A cause is what a line of a log says of a failure, such as `disk`: log_causes.py of _telemetry finds it, and has the
words for clusters.
"""

from __future__ import annotations

from typing import NamedTuple


class HostWords(NamedTuple):
    """What is wrong on a host, and its fix."""

    text: str
    fix: str


# By the id of the cause, as `log_causes.py` finds it in a log. The other causes have the same words everywhere.
_WORDS_BY_CAUSE: dict[str, HostWords] = {
    "disk": HostWords("the disk is full", "Free space, or move the folder to a larger file system."),
    "port_taken": HostWords(
        "another process of the host listens on the port",
        "Stop it, or give one of them another port; `ss -ltnp` names it.",
    ),
    "low_port": HostWords(
        "the service may not listen on a port below 1024",
        "Run `site`, which gives the unit the capability, or use a port from 1024 on.",
    ),
    "no_such_host": HostWords(
        "the host name cannot be resolved",
        "Correct the endpoint, or the name servers of the host (/etc/resolv.conf).",
    ),
    "no_route": HostWords("no route to it", "Look for routes and firewalls on the way."),
    "timeout": HostWords(
        "it does not answer in time", "Look for firewalls on the way, then for load on the other side."
    ),
    "memory": HostWords(
        "the memory limiter refuses data",
        "Raise `memory_limit`, or see which exporter does not keep up.",
    ),
    "no_credentials": HostWords(
        "the host has no AWS credentials",
        "Give the instance a role, or give the keys as credentials in `env`.",
    ),
    "bad_credentials": HostWords("AWS does not accept the credentials", "Renew the keys, or give the instance a role."),
    "role_trust": HostWords("AWS does not let its identity assume the role", "Correct the trust policy of the role."),
    "old_signature": HostWords("AWS finds the time of the requests wrong", "Correct the clock of the host."),
    "unauthenticated": HostWords(
        "the credentials are not accepted",
        "Check the token or header that it sends, and the credential in `env`.",
    ),
    "file": HostWords(
        "a file cannot be opened",
        "Let the service read it by `groups`, or put it into the state folder if it writes it.",
    ),
}


def find_host_words(cause: str) -> HostWords | None:
    """Return the words of a host for a cause, by its id; None if it has the same words everywhere."""
    return _WORDS_BY_CAUSE.get(cause)
