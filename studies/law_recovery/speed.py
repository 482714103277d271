"""Processor time of 2,000 refits of one 17 x 50 sweep."""

import time
from functools import partial

from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import compare_laws, sharpness, size_scaling, threshold
from studies.law_recovery.worlds import CURVES, GRID, multi_length, sweep_of
from studies.planted.ledger import Claim, Row, RowMaker, Settings, stream

TITLE = "Time"
TEXT = """Processor time on one core, on whatever machine this was made; other work on it makes it longer."""

REFITS = 2000


def time_row(name: str, settings: Settings) -> Row:
    rng = stream(settings, name)
    sweep = sweep_of(CURVES["logistic"], GRID, rng)
    resampling = Resampling(rng=rng, n_resamples=REFITS)
    work = {
        "α_c and α_mid, 2,000 refits": lambda: threshold(sweep, resampling=resampling),
        "slopes and widths (random thresholds), 2,000 refits": lambda: sharpness(
            sweep, resampling=resampling
        ),
        "six laws compared, 25 folds": lambda: compare_laws(sweep),
        "γ over four lengths, 2 x 50 refits each": lambda: size_scaling(multi_length(1.0, rng)),
    }[name]
    start = time.process_time()
    work()
    seconds = time.process_time() - start
    claim = Claim(asked=f"{name}: in seconds (below 20)", seen=f"{seconds:.1f} s", holds=seconds < 20.0)
    return Row(cells={"row": name, "seconds": f"{seconds:.2f}"}, claims=[claim])


def rows() -> dict[str, RowMaker]:
    names = (
        "α_c and α_mid, 2,000 refits",
        "slopes and widths (random thresholds), 2,000 refits",
        "six laws compared, 25 folds",
        "γ over four lengths, 2 x 50 refits each",
    )
    return {name: partial(time_row, name) for name in names}
