"""Small models read at the same time, each on a core of its own."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from itertools import combinations
from threading import Event
from typing import TypeVar

import torch

from alignthermo.models.hugging_face import HuggingFaceModel
from alignthermo.models.threads import usable_cores
from alignthermo.quantities import LanguageModel

__all__ = ["each_has_a_core", "side_by_side"]

_T = TypeVar("_T")


def side_by_side(
    models: Mapping[str, LanguageModel], read: Callable[[str, LanguageModel, Callable[[], None]], _T]
) -> list[_T]:
    """Read with every model: at the same time where each has a core, else in turn; the results are the same.

    Parameters
    ----------
    models : mapping of str to LanguageModel
    read : callable
        Gets a name, its model, and what to call now and then: it raises once another model has failed or
        the run is interrupted, so that nobody waits for what nobody will use.

    Raises
    ------
    Exception
        What the first of them raised.
    """
    stop = Event()

    def go_on() -> None:
        if stop.is_set():
            raise CancelledError

    if not each_has_a_core(models):
        return [read(name, model, go_on) for name, model in models.items()]
    with ThreadPoolExecutor(len(models)) as pool:
        jobs = [pool.submit(read, name, model, go_on) for name, model in models.items()]
        try:
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
        failed = [job for job in done if job.exception() is not None]
        return [job.result() for job in (failed or jobs)]


def each_has_a_core(models: Mapping[str, LanguageModel]) -> bool:
    """Whether models of one thread each share neither weights nor cores.

    Sides of one adapter share their weights; large models use all cores by themselves; accelerators queue
    what they get.
    """
    if len(models) < 2 or torch.get_num_threads() > 1 or usable_cores() < len(models):
        return False
    loaded = [model for model in models.values() if isinstance(model, HuggingFaceModel)]
    apart = all(not one.shares_weights_with(other) for one, other in combinations(loaded, 2))
    return len(loaded) == len(models) and apart and all(model.device.type == "cpu" for model in loaded)
