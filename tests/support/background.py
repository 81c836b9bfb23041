"""What runs beside a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(work: Callable[[], None], every: float) -> Iterator[None]:
    """Do some work again and again, with pauses of so many seconds, until the block ends."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
