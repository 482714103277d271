"""Processes that a test interrupts."""

import signal

__all__ = ["heed_interrupts"]


def heed_interrupts() -> None:
    """Undo what a shell does to its background jobs: they ignore SIGINT, and so do their children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
