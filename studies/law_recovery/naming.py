"""Which law is named, and what shuffled labels are called."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from alignthermo.estimators.laws import compare_laws
from studies.law_recovery.worlds import CURVES, GRID, PROMPTS, sweep_of
from studies.planted.ledger import Row, RowMaker, Settings, at_least, repeated

TITLE = "Laws named"
TEXT = """One reply in each of 17 x 50 contexts, and ten (a fifth of the sweeps). *stays*: the planted law is
within two errors of the best held-out likelihood. The simplest law that remains is named, so a
planted logistic may rightly be called by a simpler name that the data cannot tell from it.
*shuffled*: the replies of each prompt are dealt anew over α, one by one, and as whole contexts, whose
replies then agree for a reason that is not α."""

PLANTED = {
    "line": "line",
    "logistic": "logistic",
    "logistic with floor": "logistic",
    "power law": "bounded power law",
    "power law, early": "bounded power law",
    "accumulation": "accumulation",
}


Deal = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


def as_drawn(counts: np.ndarray, trials: int, rng: np.random.Generator) -> np.ndarray:
    return counts


def whole_contexts(counts: np.ndarray, trials: int, rng: np.random.Generator) -> np.ndarray:
    """Deal the contexts of each prompt anew over α, their replies with them."""
    return rng.permuted(counts, axis=1)


def single_replies(counts: np.ndarray, trials: int, rng: np.random.Generator) -> np.ndarray:
    """Deal the single replies of each prompt anew over its contexts."""
    labels = np.arange(trials) < counts[..., None]
    dealt = rng.permuted(labels.reshape(len(counts), -1), axis=1)
    return dealt.reshape(labels.shape).sum(axis=2).astype(np.float64)


def one_name(name: str, trials: int, deal: Deal, rng: np.random.Generator) -> tuple[str, bool, bool, float]:
    """What is named; whether the planted law and the constant remain; the prompts that would decide."""
    sweep = sweep_of(CURVES[name], GRID, rng, trials=trials)
    found = compare_laws(replace(sweep, y=deal(sweep.y.reshape(PROMPTS, -1), trials, rng).ravel()))
    remains = {score.name: score.remains for score in found.scores}
    return " or ".join(found.rivals), remains[PLANTED[name]], remains["constant"], found.n_needed


def name_row(name: str, trials: int, settings: Settings) -> Row:
    label = f"{name}, replies {trials}"
    few = settings.sweeps if trials == 1 else max(10, settings.sweeps // 5)
    deals = (as_drawn, single_replies, whole_contexts)[: 2 if trials == 1 else 3]
    out, *shuffled = (
        repeated(partial(one_name, name, trials, deal), settings, row=label, sweeps=few) for deal in deals
    )
    counts = Counter(named for named, *_ in out)
    needed = np.array([n for *_, n in out if not np.isnan(n)])
    ends = np.quantile(needed, [0.25, 0.5, 0.75], method="nearest") if needed.size else []
    flat = [[constant for *_, constant, _ in ones] for ones in shuffled]
    return Row(
        cells={
            "row": label,
            "named": ", ".join(f"{k} {n}" for k, n in counts.most_common()),
            "planted law stays": f"{sum(stays for _, stays, *_ in out)}/{len(out)}",
            "prompts that would decide (quartiles)": " / ".join(f"{x:.0f}" for x in ends),
            "shuffled: constant stays": ", ".join(f"{sum(ones)}/{len(ones)}" for ones in flat),
        },
        claims=[
            at_least(f"{label}, shuffled {dealt}: no response in at least 95 %", ones, 0.95)
            for dealt, ones in zip(("labels", "contexts"), flat, strict=False)
        ],
        controls=[
            at_least(
                f"{label}, labels as they are: a response in at least 95 %",
                [not constant for *_, constant, _ in out],
                0.95,
            )
        ],
    )


def rows() -> dict[str, RowMaker]:
    return {f"{name}, {trials}": partial(name_row, name, trials) for name in CURVES for trials in (1, 10)}
