"""What each system is called by sweep, rollouts and held ramps together."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import (
    ACCUMULATION,
    SCALED,
    Evidence,
    bimodality,
    compare_laws,
    hysteresis,
    size_scaling,
    survives_holding,
    verdict,
)
from studies.law_recovery.worlds import PROMPTS, SYSTEMS, TOKENS, drawn_sweep, held_ramp, rollouts
from studies.planted.ledger import Claim, Row, RowMaker, Settings, at_least, at_most, repeated

TITLE = "Verdicts"
TEXT = """Each of the systems: four lengths of 64 to 512 tokens, 50 prompts, one reply per context (*8
replies*: eight); 200 rollouts of 64 own turns; 150 edit ramps at hold 1, 4 and 16 with own replies
kept. The additive nulls are simulated 100 times. *bimodal*, *loop*: how often each of the two tests
says so. *without rollouts*: the same evidence with rollouts and ramps left out, the control of
*transition-like*."""

NULLS = 100
EXPLAINED = "sigmoid with size scaling, explained by accumulation"
ABOVE = (EXPLAINED, "sigmoid with size scaling", "transition-like")
ADDITIVE = ("accumulator", "decaying memory")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run."""

    label: str
    bare: str
    bimodal: bool
    loop: bool
    gamma: float
    holds_zero: tuple[bool, ...]


def one_verdict(name: str, trials: int, rng: np.random.Generator) -> Outcome:
    law, resampling = SYSTEMS[name], Resampling(rng=rng, n_resamples=NULLS)
    bare = sweep_evidence(drawn_sweep(law, rng, trials=trials))
    loops = tuple(hysteresis(held_ramp(law, hold, rng), resampling=resampling) for hold in (1, 4, 16))
    two = bimodality(rollouts(law, rng), turns=(16, 32, 64), resampling=resampling)
    assert bare.scaling is not None
    return Outcome(
        label=verdict(replace(bare, bimodality=two, hysteresis=loops)).label,
        bare=verdict(bare).label,
        bimodal=two.stays,
        loop=survives_holding(loops),
        gamma=bare.scaling.gamma.value,
        holds_zero=tuple(bool(loop.excess.low <= 0.0 <= loop.excess.high) for loop in loops),
    )


def sweep_evidence(sweep) -> Evidence:
    return Evidence(
        laws=compare_laws(sweep.select(length=float(32 * TOKENS))),
        scaling=size_scaling(sweep),
        plane=compare_laws(sweep, laws=(ACCUMULATION, SCALED)),
    )


def system_row(name: str, trials: int, asked: str, settings: Settings) -> Row:
    label = name + (f", {trials} replies" if trials > 1 else "")
    sweeps = settings.sweeps if asked else max(10, settings.sweeps // 5)
    out = repeated(partial(one_verdict, name, trials), settings, row=label, sweeps=sweeps)
    labels = [run.label for run in out]
    claims = _claims(label, asked, labels)
    zero = np.array([run.holds_zero for run in out])
    if name in ADDITIVE:
        claims.append(_excess_claim(label, zero))
    return Row(
        cells={
            "row": label,
            "verdicts": _counted(labels),
            "without rollouts": _counted([run.bare for run in out]),
            "bimodal": f"{sum(run.bimodal for run in out)}/{len(out)}",
            "loop": f"{sum(run.loop for run in out)}/{len(out)}",
            "γ, mean": f"{np.mean([run.gamma for run in out]):.2f}",
            "excess loop holds 0 %, hold 1 / 4 / 16": " / ".join(f"{100 * x:.1f}" for x in zero.mean(axis=0)),
        },
        claims=claims,
        controls=_controls(label, asked, out),
    )


def _claims(label: str, asked: str, labels: list[str]) -> list[Claim]:
    if asked == "nothing above":
        above = [x in ABOVE for x in labels]
        return [at_most(f"{label}: above 'sigmoid, no size scaling' in at most 4 of 500", above, 4 / 500)]
    if asked:
        return [
            at_least(f"{label}: '{asked}' in at least 484 of 500", [x == asked for x in labels], 484 / 500)
        ]
    return []


def _excess_claim(label: str, zero: np.ndarray) -> Claim:
    covered = zero.mean()
    return Claim(
        asked=f"{label}: the loop beyond its additive null holds 0 in 92 to 98 %, all holds together",
        seen=f"{100 * covered:.1f} %",
        holds=bool(0.92 <= covered <= 0.98),
    )


def _controls(label: str, asked: str, out: list[Outcome]) -> list[Claim]:
    if asked != "transition-like":
        return []
    bare = [run.bare != "transition-like" for run in out]
    return [at_least(f"{label}, rollouts and ramps left out: never 'transition-like'", bare, 1.0)]


def _counted(labels: list[str]) -> str:
    return ", ".join(f"{label} {n}" for label, n in Counter(labels).most_common())


def one_shuffled(rng: np.random.Generator) -> str:
    """The accumulator's sweep, each prompt's labels permuted over α at every length."""
    sweep = drawn_sweep(SYSTEMS["accumulator"], rng)
    y = sweep.y.copy()
    for length in sweep.lengths:
        rows = np.flatnonzero(sweep.wanted_length == length)
        y[rows] = rng.permuted(y[rows].reshape(PROMPTS, -1), axis=1).ravel()
    return verdict(sweep_evidence(replace(sweep, y=y))).label


def shuffled_row(settings: Settings) -> Row:
    label = "accumulator, shuffled labels"
    out = repeated(one_shuffled, settings, row=label)
    claim = at_least(f"{label}: 'no response' in at least 95 %", [x == "no response" for x in out], 0.95)
    return Row(cells={"row": label, "verdicts": _counted(out)}, claims=[claim])


def rows() -> dict[str, RowMaker]:
    asked = {
        ("mean field, ordered", 1): "transition-like",
        ("accumulator", 1): EXPLAINED,
        ("decaying memory", 1): "nothing above",
        ("uniform world", 1): "nothing above",
        ("mean field, critical", 1): "",
        ("mean field, critical", 8): "",
        ("constant", 1): "",
    }
    made: dict[str, RowMaker] = {
        f"{name}, {trials}": partial(system_row, name, trials, wanted)
        for (name, trials), wanted in asked.items()
    }
    return {"shuffled": shuffled_row} | made
