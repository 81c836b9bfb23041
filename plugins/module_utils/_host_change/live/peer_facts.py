# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this host reaches the peers of a collector, which are the servers that its components connect to. Private.

The controller names the peers by the config of the collector (host_question.py), and `host_facts.py` puts the result
into the facts of the collector. For example, the row `{"about": "exporters/otlp", "host": "backend", "port": 4317}`
gets `"endpoint": "backend:4317", "state": "refused"`.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

from ..host_answer import PeerFacts
from ..host_question import HostPeer
from .machine import Machine

# How many seconds a peer may take to accept a connection.
_CONNECT_SECONDS = 3.0
# How many seconds a name server may take to answer.
_NAME_SECONDS = 5


def describe_peers(machine: Machine, peers: Iterable[HostPeer]) -> Iterator[PeerFacts]:
    """Yield each peer with its `endpoint` and its `state`.

    The state is `ok`, `no_name` if no name server knows the host, `refused`, or `no_way` if nothing answers.
    """
    for peer in peers:
        yield {
            **peer,
            "endpoint": f"{peer['host']}:{peer['port']}",
            "state": _probe_peer(machine, peer["host"], peer["port"]),
        }


def _probe_peer(machine: Machine, host: str, port: int) -> str:
    """Return the state of a peer, see `describe_peers`."""
    # `timeout` bounds the look-up, which the library of Python cannot.
    if machine.run("timeout", str(_NAME_SECONDS), "getent", "ahosts", host).exit_code:
        return "no_name"
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "no_way"
    return "ok"
