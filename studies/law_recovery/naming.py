"""Which law is named, and what shuffled labels are called."""

from collections import Counter
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
*shuffled*: the replies of each prompt are dealt anew over α, one by one."""

PLANTED = {
    "line": "line",
    "logistic": "logistic",
    "logistic with floor": "logistic",
    "power law": "bounded power law",
    "power law, early": "bounded power law",
    "accumulation": "accumulation",
}


def one_name(
    name: str, trials: int, rng: np.random.Generator, *, shuffle: bool
) -> tuple[str, bool, bool, float]:
    """What is named; whether the planted law and the constant remain; the prompts that would decide."""
    sweep = sweep_of(CURVES[name], GRID, rng, trials=trials)
    if shuffle:
        sweep = replace(sweep, y=shuffled(sweep.y.reshape(PROMPTS, -1), trials, rng).ravel())
    found = compare_laws(sweep)
    remains = {score.name: score.remains for score in found.scores}
    return " or ".join(found.rivals), remains[PLANTED[name]], remains["constant"], found.n_needed


def shuffled(counts: np.ndarray, trials: int, rng: np.random.Generator) -> np.ndarray:
    """Deal the single replies of each prompt anew over its contexts.

    Whole counts would not do: contexts whose replies agree for a reason that is not α are no null of laws
    that take the replies of a context as independent.
    """
    labels = np.arange(trials) < counts[..., None]
    dealt = rng.permuted(labels.reshape(len(counts), -1), axis=1)
    return dealt.reshape(labels.shape).sum(axis=2).astype(np.float64)


def name_row(name: str, trials: int, settings: Settings) -> Row:
    label = f"{name}, replies {trials}"
    few = settings.sweeps if trials == 1 else max(10, settings.sweeps // 5)
    out = repeated(partial(one_name, name, trials, shuffle=False), settings, row=label, sweeps=few)
    shuffled = repeated(partial(one_name, name, trials, shuffle=True), settings, row=label, sweeps=few)
    counts = Counter(named for named, *_ in out)
    needed = np.array([n for *_, n in out if not np.isnan(n)])
    ends = np.quantile(needed, [0.25, 0.5, 0.75], method="nearest") if needed.size else []
    return Row(
        cells={
            "row": label,
            "named": ", ".join(f"{k} {n}" for k, n in counts.most_common()),
            "planted law stays": f"{sum(stays for _, stays, *_ in out)}/{len(out)}",
            "prompts that would decide (quartiles)": " / ".join(f"{x:.0f}" for x in ends),
            "shuffled: constant stays": f"{sum(flat for *_, flat, _ in shuffled)}/{len(shuffled)}",
        },
        claims=[
            at_least(
                f"{label}, shuffled labels: no response in at least 95 %",
                [flat for *_, flat, _ in shuffled],
                0.95,
            ),
        ],
        controls=[
            at_least(
                f"{label}, labels as they are: a response in at least 95 %",
                [not flat for *_, flat, _ in out],
                0.95,
            )
        ],
    )


def rows() -> dict[str, RowMaker]:
    return {f"{name}, {trials}": partial(name_row, name, trials) for name in CURVES for trials in (1, 10)}
