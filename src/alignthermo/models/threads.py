"""How many threads a model is worth."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from alignthermo.models.sources import resolve

__all__ = ["threads_for", "usable_cores"]

SMALL_MODEL_BYTES = 50_000_000
"""Below this a layer's product takes less time than the barrier two threads meet at; on a busy machine that
barrier spins and costs ten times the work."""


@contextmanager
def threads_for(name: str) -> Iterator[int]:
    """Run the body on one thread if the model's weights are small; yield the number of threads in use.

    The process's setting is restored afterwards.

    Raises
    ------
    ModelError
        The model cannot be found.
    """
    before = torch.get_num_threads()
    stored = sum(path.stat().st_size for path in resolve(name).weight_files)
    torch.set_num_threads(1 if stored < SMALL_MODEL_BYTES else before)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def usable_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
