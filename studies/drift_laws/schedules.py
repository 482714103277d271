"""Reminder schedules where the drift after every reminder is known."""

from collections import Counter
from functools import partial
from typing import NamedTuple

import numpy as np

from alignthermo.estimators import Resampling
from alignthermo.estimators.drift import (
    Conversation,
    DriftSeries,
    ReminderArm,
    cheapest_schedule,
    check_schedule,
)
from studies.planted.ledger import Row, RowMaker, Settings, at_least, at_most, repeated

LAGS = np.arange(50.0, 801.0, 50.0)
ARMS = {"repeat": (20.0, 300.0), "rephrase": (45.0, 500.0), "summary": (120.0, 900.0)}
BOUND = 0.5
TALK = Conversation(horizon=4000.0, replies=40)

TITLE = "Schedules"
TEXT = f"""Bound {BOUND}; drift after a reminder is 1.2 (1 − e^(−lag/τ)), reminders cost 20, 45 and 120 tokens
with τ of 300, 500 and 900. *above*: the true drift at the schedule's interval exceeds the bound. *held*,
*undecided*, *broken*: on held-out conversations. *worse*: drift of the held-out ones is twice as large, where
that is above the bound (at a cautious interval it need not be). The control takes the cheapest interval by
the measured mean alone; *never*: above the bound at the shortest lag already."""


class Outcome(NamedTuple):
    naive_above: bool
    given: bool = False
    above: bool = False
    cost: float = float("nan")
    verdict: str = ""
    worse: str = ""
    worse_above: bool = False


def curve(tau: float, lags: np.ndarray | float) -> np.ndarray:
    return 1.2 * -np.expm1(-np.asarray(lags) / tau)


def best_cost() -> float:
    """Cost of the cheapest interval that truly keeps the bound."""
    intervals = {name: max(k for k in LAGS if curve(tau, k) <= BOUND) for name, (_, tau) in ARMS.items()}
    return float(min(ARMS[name][0] * (np.ceil(TALK.horizon / k) - 1) for name, k in intervals.items()))


def reminded(
    tau: float,
    n: int,
    rng: np.random.Generator,
    *,
    first: int = 0,
    lags: np.ndarray = LAGS,
    growth: float = 1.0,
) -> DriftSeries:
    """Skewed drift after a reminder: log-normal conversations, gamma noise; `growth` multiplies the mean."""
    level = rng.lognormal(-0.08, 0.4, (n, 1))
    value = growth * curve(tau, lags) * level * rng.gamma(4.0, 0.25, (n, lags.size))
    where = np.repeat(np.arange(first, first + n), lags.size)
    times = np.tile(lags, n)
    return DriftSeries(conversation=where, turns=times / 50.0, tokens=times, value=value.ravel())


def arm(name: str, tokens: float, series: DriftSeries) -> ReminderArm:
    return ReminderArm(name=name, placement="every", form=name, reminder_tokens=tokens, series=series)


def one_set(n: int, refits: int, rng: np.random.Generator) -> Outcome:
    arms = [arm(name, tokens, reminded(tau, n, rng)) for name, (tokens, tau) in ARMS.items()]
    resampling = Resampling(rng=rng, n_resamples=refits)
    found = cheapest_schedule(arms, bound=BOUND, conversation=TALK, resampling=resampling)
    naive = by_mean(np.stack([one.series.value.reshape(n, -1).mean(axis=0) for one in arms])) > BOUND
    if found.arm is None:
        return Outcome(naive_above=naive)
    tau = ARMS[found.arm.name][1]
    lags = LAGS[found.every >= LAGS]
    verdicts = [
        check_schedule(
            found, reminded(tau, n, rng, first=n, lags=lags, growth=growth), resampling=resampling
        ).verdict
        for growth in (1.0, 2.0)
    ]
    true = float(curve(tau, found.every))
    return Outcome(
        naive,
        given=True,
        above=true > BOUND,
        cost=found.cost / best_cost(),
        verdict=verdicts[0],
        worse=verdicts[1],
        worse_above=2.0 * true > BOUND,
    )


def by_mean(means: np.ndarray) -> float:
    """Control: the cheapest interval by the measured mean; its true largest drift."""
    options = []
    for mean, (reminder, tau) in zip(means, ARMS.values(), strict=True):
        fails = np.flatnonzero(mean > BOUND)
        last = (fails[0] if fails.size else LAGS.size) - 1
        if last >= 0:
            options.append(
                (reminder * (np.ceil(TALK.horizon / LAGS[last]) - 1), float(curve(tau, LAGS[last])))
            )
    return min(options)[1] if options else 0.0


def schedule_row(n: int, settings: Settings) -> Row:
    out: list[Outcome] = repeated(partial(one_set, n, settings.refits), settings, row=f"schedules, {n}")
    given = [one for one in out if one.given]
    verdicts, naive = Counter(one.verdict for one in given), [one.naive_above for one in out]
    worse = [one.worse for one in given if one.worse_above]
    return Row(
        cells={
            "conversations": str(n),
            "given": f"{len(given)}/{len(out)}",
            "above": str(sum(one.above for one in given)),
            "cost over the best": f"{np.median([one.cost for one in given]):.2f}",
            "held-out": ", ".join(f"{k} {verdicts[k]}" for k in ("held", "undecided", "broken")),
            "worse": ", ".join(f"{k} {worse.count(k)}" for k in ("held", "undecided", "broken")),
            "control: by the mean alone, above": str(sum(naive)),
        },
        claims=[
            at_most(f"{n}: true drift above the bound in at most 5 %", [one.above for one in given], 0.05),
            at_most(
                f"{n}: broken on held-out ones in at most 5 %", [o.verdict == "broken" for o in given], 0.05
            ),
            at_most(
                f"{n}: held though drift is twice as large, at most 5 %",
                [verdict == "held" for verdict in worse],
                0.05,
            ),
        ],
        controls=[at_least(f"{n}: by the mean alone above in over 5 %", naive, 0.05)] if n < 200 else [],
    )


def one_never(refits: int, rng: np.random.Generator) -> bool:
    resampling = Resampling(rng=rng, n_resamples=refits)
    only = [arm("repeat", 20.0, reminded(60.0, 50, rng))]
    return cheapest_schedule(only, bound=BOUND, conversation=TALK, resampling=resampling).arm is None


def never_row(settings: Settings) -> Row:
    out = repeated(partial(one_never, settings.refits), settings, row="never")
    return Row(
        cells={"conversations": "50, never", "given": f"{len(out) - sum(out)}/{len(out)}"},
        claims=[at_least("never: no schedule is given", out, 1.0)],
    )


def rows() -> dict[str, RowMaker]:
    return {str(n): partial(schedule_row, n) for n in (20, 50, 200)} | {"never": never_row}
