"""Loop areas against the exact ones, and the loop that must be 0 to the last bit."""

from functools import partial

import numpy as np
from scipy.special import expit

from alignthermo.estimators import cluster_mean
from alignthermo.testsystems.conversational import AppendRamp, exact_ramp, simulate_ramps
from studies.law_recovery.worlds import RAMP_GRID, SYSTEMS, TOKENS, edit_ramp
from studies.planted.ledger import Claim, Row, RowMaker, Settings, coverage_row, stream

TITLE = "Loops"
TEXT = """60 replicates of a ramp over nine α per run; the truth is the exact loop of the finite protocol
(transfer matrix over remembered replies). *edit*: own replies kept; *append*: nothing is ever
removed. Without own replies the loop of an edit ramp is 0 to the last bit, for h and for replies
drawn with equal random numbers."""

REPLICATES = 60
MAX_BIAS = 0.05
SMALL = 0.05
"""Below this area the bias is asked to be 5 % of *this*: the mean of all runs has an error of 0.001."""

REPLYING = ("mean field, ordered", "accumulator", "decaying memory", "uniform world")


def ramp_of(protocol: str, hold: int):
    if protocol == "append":
        return AppendRamp(alphas=tuple(RAMP_GRID.tolist()), hold=hold, turn_tokens=TOKENS)
    return edit_ramp(hold)


def area_row(name: str, protocol: str, hold: int, settings: Settings) -> Row:
    label = f"{name}, {protocol}, hold {hold}"
    ramp, rng = ramp_of(protocol, hold), stream(settings, label)
    # all runs at once: the tables of a system are then made once
    draws = simulate_ramps(SYSTEMS[name], ramp, replicates=settings.sweeps * REPLICATES, rng=rng)
    areas = draws.loop_areas(RAMP_GRID.tolist()).reshape(settings.sweeps, REPLICATES)
    means = [cluster_mean(run, rng=rng, n_resamples=settings.refits, unit="α") for run in areas]
    found = [(mean.value, mean.low, mean.high, mean.stderr) for mean in means]
    truth = exact_ramp(SYSTEMS[name], ramp).loop_area()
    small = abs(truth) < SMALL
    return coverage_row(label, truth, found, bias=MAX_BIAS * (SMALL if small else 1.0), relative=not small)


def edit_down_row(settings: Settings) -> Row:
    """All systems, all holds: exact, and drawn with the same random numbers on both ways."""
    label = "edit-down without own replies"
    rng = stream(settings, label)
    worst, kept_replies = 0.0, []
    for law in SYSTEMS.values():
        for hold in (1, 4, 16):
            ramp = edit_ramp(hold, keeps_replies=False)
            worst = max(worst, abs(exact_ramp(law, ramp).loop_area()))
            h = simulate_ramps(law, ramp, replicates=settings.sweeps, rng=rng).log_odds[..., -1]
            u = rng.random((settings.sweeps, 1, RAMP_GRID.size))
            for values in (h, (u < expit(h)).astype(float)):
                areas = np.trapezoid(values[:, 0] - values[:, 1], RAMP_GRID, axis=-1)
                worst = max(worst, float(np.abs(areas).max()))
            kept_replies.append(abs(exact_ramp(law, edit_ramp(hold)).loop_area()))
    return Row(
        cells={"row": label, "truth": "0", "given": f"{len(SYSTEMS) * 3} ramps x {settings.sweeps}"},
        claims=[Claim(asked=f"{label}: loop exactly 0", seen=f"largest {worst!r}", holds=worst == 0.0)],
        controls=[
            Claim(
                asked="own replies kept: a loop that is not 0",
                seen=f"largest {max(kept_replies):.3f}",
                holds=max(kept_replies) > 0.05,
            )
        ],
    )


def rows() -> dict[str, RowMaker]:
    made: dict[str, RowMaker] = {"edit-down": edit_down_row}
    for name in REPLYING:
        for protocol, holds in (("edit", (1, 4, 16)), ("append", (1, 4))):
            made |= {f"{name}, {protocol} {hold}": partial(area_row, name, protocol, hold) for hold in holds}
    return made
