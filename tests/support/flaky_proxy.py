"""A proxy on this machine to the API server of the kubeconfig, which goes away, refuses, drops and hangs as it is told.

It sees no request: what is inside of a connection is TLS.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# So closed, a connection is reset.
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Fate:
    """What becomes of one connection: after so many bytes of answers it is cut, or no more of it comes."""

    is_refused: bool = False
    is_hanging: bool = False
    bytes_before_cut: float = float("inf")


@dataclass
class FlakyProxy:
    """One proxy. `fate` says what becomes of the next connection; while `away_event` is set there is no server."""

    target_address: tuple[str, int]
    fate: Callable[[], Fate] = Fate
    away_event: threading.Event = field(default_factory=threading.Event)
    count_by_fate: dict[str, int] = field(default_factory=lambda: {"refused": 0, "hung": 0, "cut": 0, "passed": 0})
    _open: set[socket.socket] = field(default_factory=set)

    def go_away(self) -> None:
        """Go away: cut what is open, and refuse what comes."""
        self.away_event.set()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        self.away_event.clear()

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client = listener.accept()[0]
                threading.Thread(target=self._relay_connection, args=(client,), daemon=True).start()

    def _relay_connection(self, client: socket.socket) -> None:
        fate = self.fate()
        if fate.is_refused or self.away_event.is_set():
            self.count_by_fate["refused"] += 1
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
            return
        with suppress(OSError), client, socket.create_connection(self.target_address, 5) as server:
            server.settimeout(None)
            self._open |= {client, server}
            self.count_by_fate["passed"] += 1
            threading.Thread(target=_copy_stream, args=(client, server), daemon=True).start()
            self._relay_answers(server, client, fate)
            self._open -= {client, server}

    def _relay_answers(self, server: socket.socket, client: socket.socket, fate: Fate) -> None:
        remaining_bytes = fate.bytes_before_cut
        while data := server.recv(65536):
            remaining_bytes -= len(data)
            if remaining_bytes >= 0:
                client.sendall(data)
            elif not fate.is_hanging:
                self.count_by_fate["cut"] += 1
                client.sendall(data[: len(data) // 2])
                break
            elif remaining_bytes + len(data) >= 0:
                self.count_by_fate["hung"] += 1
        for connection in (server, client):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _copy_stream(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def build_unreliable_fates(seed: int, refused: float = 0.3, hangs: float = 0.05) -> Callable[[], Fate]:
    """Return fates: one of each at first, in its first answers, so that a short run meets them too; others by chance.

    By chance, connections are refused, hang, and are cut after 5 kB to 3 MB; long answers must pass.
    """
    random_source = random.Random(seed)
    first_fates = [Fate(is_hanging=True, bytes_before_cut=6_000), Fate(bytes_before_cut=6_000), Fate(is_refused=True)]

    def choose_fate() -> Fate:
        with suppress(IndexError):
            return first_fates.pop()
        return Fate(
            random_source.random() < refused, random_source.random() < hangs, 5_000 * 600 ** random_source.random()
        )

    return choose_fate


@contextmanager
def run_flaky_proxy(folder: Path) -> Iterator[tuple[FlakyProxy, str]]:
    """Yield a proxy to the cluster of the kubeconfig, and a kubeconfig that goes through it."""
    kubeconfig_text = subprocess.run(
        ["kubectl", "config", "view", "--minify", "--flatten", "--raw", "-o", "json"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    config: dict[str, Any] = json.loads(kubeconfig_text)
    cluster = config["clusters"][0]["cluster"]
    url = urlsplit(cluster["server"])
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = listener.getsockname()[1]
        server = f"https://127.0.0.1:{port}{url.path}"
        config["clusters"][0]["cluster"] = {"server": server, "insecure-skip-tls-verify": True}
        path = folder / "flaky-kubeconfig"
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        proxy = FlakyProxy((str(url.hostname), url.port or 443))
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        try:
            yield proxy, str(path)
        finally:
            proxy.go_away()
