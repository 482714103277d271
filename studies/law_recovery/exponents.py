"""γ: bias and coverage of the exponent of the slope, with noise and without any."""

from functools import partial

import numpy as np

from alignthermo.estimators.laws import size_scaling
from studies.law_recovery.worlds import multi_length
from studies.planted.ledger import Row, RowMaker, Settings, coverage_row, repeated

TITLE = "γ over four lengths"
TEXT = """L = 100, 200, 400, 800; prompts differ by a field of sd 1 nat, the same prompts at every length.
*counts of n*: n replies in each context. *probability*: the law's own probabilities, without noise
of any kind: what is left is the misfit of the estimator's laws, which the interval must hold and no
chance can calibrate; a tenth of the sweeps."""

MAX_BIAS = 0.05


def one_gamma(gamma: float, kind: str, trials: int, rng: np.random.Generator) -> tuple:
    sweep = multi_length(gamma, rng, kind=kind, trials=trials)
    found = size_scaling(sweep).gamma
    return found.value, found.low, found.high, found.stderr


def gamma_row(gamma: float, kind: str, trials: int, settings: Settings) -> Row:
    label = f"γ = {gamma:g}, {kind}" + (f" of {trials}" if kind == "counts" else "")
    few = settings.sweeps if kind == "counts" else max(10, settings.sweeps // 10)
    found = repeated(partial(one_gamma, gamma, kind, trials), settings, row=label, sweeps=few)
    return coverage_row(
        label, gamma, found, bias=MAX_BIAS, kind="exact" if kind == "probability" else "plain"
    )


def rows() -> dict[str, RowMaker]:
    kinds = (("counts", 2), ("probability", 1))
    return {
        f"{kind} {gamma:g}": partial(gamma_row, gamma, kind, trials)
        for kind, trials in kinds
        for gamma in (0.0, 0.5, 1.0)
    }
