"""What runs beside a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeat_in_background(action: Callable[[], None], pause_seconds: float) -> Iterator[None]:
    """Do some work again and again, with pauses of so many seconds, until the block ends."""
    stop_event = threading.Event()

    def repeat_action() -> None:
        while not stop_event.wait(pause_seconds):
            action()

    thread = threading.Thread(target=repeat_action, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop_event.set()
        thread.join()
