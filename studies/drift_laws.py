"""Planted drifts: are laws named, do rates cover, does the null stay silent, do schedules hold?

    python -m studies.drift_laws --out studies/results/drift_laws.md

*laws*: none, linear, saturating (an Ornstein-Uhlenbeck process set off at rest) and step, 20 to 200 ragged
conversations with random levels and drifts, correlated noise, a nugget and missing values. The oracle gap of
a set is the smallest mean log-likelihood gain of the planted law over the laws that could be named instead
(smaller or equally large ones that do not contain it), all with parameters from 1,000 other conversations, in
paired errors. Rates are those of the same sets. *entropy*: a biased cycle of three states. *schedule*:
reminders whose drift curves are known. *correlates*: normal copulas. Every part prints controls, wrong
procedures that must fail.
"""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from scipy import stats

from alignthermo.estimators import Resampling
from alignthermo.estimators.drift import (
    LAW_NAMES,
    Conversation,
    DriftSeries,
    ReminderArm,
    change_point,
    cheapest_schedule,
    check_schedule,
    compare_drift_laws,
    drift_growth,
    drift_rate,
    law_rates,
    median_rate,
    path_irreversibility,
    rank_correlation,
)
from alignthermo.estimators.drift.moments import timeline
from alignthermo.estimators.drift.rate import slope_sums
from alignthermo.testsystems.biased_cycle import BiasedCycle
from alignthermo.testsystems.drift_series import PlantedDrift

COMMON = {"level": 0.2, "level_sd": 0.3, "nugget_sd": 0.2, "n_turns": 20, "min_turns": 12, "missing": 0.1}
RELAXING = {"scale": 3.0, "correlation_turns": 3.0, "at_rest": True}
SYSTEMS = {
    "none": PlantedDrift(law="none", noise_sd=0.4, **COMMON),
    "linear": PlantedDrift(law="linear", drift=0.8, drift_sd=0.3, noise_sd=0.4, **COMMON),
    "OU": PlantedDrift(law="saturating", drift=1.2, drift_sd=0.2, noise_sd=0.3, **RELAXING, **COMMON),
    "OU, quiet": PlantedDrift(
        law="saturating", drift=1.2, drift_sd=0.2, noise_sd=0.15, **RELAXING, **COMMON | {"nugget_sd": 0.1}
    ),
    "step": PlantedDrift(
        law="step", drift=1.0, drift_sd=0.2, scale=8.5, scale_sd=2.5, noise_sd=0.4, **COMMON
    ),
}
SIZES = (20, 50, 200)
INSTEAD = {
    "none": (),
    "linear": ("none",),
    "saturating": ("none", "linear", "power", "step"),
    "step": ("none", "linear", "saturating", "power"),
}


def series_of(system, n, rng):
    rows = system.sample(n, rng=rng)
    return DriftSeries(conversation=rows.conversation, turns=rows.turns, tokens=rows.tokens, value=rows.value)


def independent_rows(series):
    """Control: one straight line through all rows as if they were independent."""
    known = np.isfinite(series.value)
    fit = stats.linregress(series.turns[known], series.value[known])
    reach = stats.t.ppf(0.975, known.sum() - 2) * fit.stderr
    return fit.slope - reach, fit.slope + reach


def truths(system, panel):
    top, bottom = slope_sums(panel)
    out = {"average rate": float(top.sum() / bottom.sum())}
    if system.law in ("none", "linear"):
        out |= {"average rate": system.rate(1.0), "median rate": system.rate(1.0)}
    if system.law == "linear":
        out["rate (law)"] = system.rate(1.0)
    if system.law == "saturating":
        out |= {
            "initial rate (law)": system.rate(0.0),
            "late rate (law)": system.rate(float(system.n_turns)),
            "plateau (law)": system.drift,
            "relaxation time (law)": system.scale,
        }
    if system.law == "step":
        out |= {"change point (law)": system.scale, "jump (law)": system.drift}
    return out


LAW_LABELS = {
    "linear": {"rate": "rate (law)"},
    "saturating": {
        "initial_rate": "initial rate (law)",
        "late_rate": "late rate (law)",
        "plateau": "plateau (law)",
        "relaxation_time": "relaxation time (law)",
    },
}


def one_set(system, n, refits, rng, oracle):
    """Name, oracle gap, intervals and growth verdict of one simulated set."""
    series = series_of(system, n, rng)
    resampling = Resampling(rng=rng, n_resamples=refits)
    panel = series.panel("turns")
    found = compare_drift_laws(series)
    gap = np.inf
    line = timeline(panel)
    scores = {name: fit.log_likelihood(line) for name, fit in oracle.items()}
    for rival in INSTEAD[system.law]:
        gain = scores[system.law] - scores[rival]
        gap = min(gap, gain.mean() / (gain.std(ddof=1) / np.sqrt(n)))
    ends = {"average rate": drift_rate(series, resampling=resampling), "median rate": median_rate(series)}
    for fit in found.fits:
        if fit.law.name == system.law:
            labels = LAW_LABELS.get(system.law, {})
            ends |= {labels[k]: v for k, v in law_rates(fit, panel).items() if k in labels}
    if system.law == "step":
        change = change_point(found.step, panel)
        ends |= {"change point (law)": change.time, "jump (law)": change.jump}
    verdict = drift_growth(series, resampling=resampling).verdict
    return found, gap, ends, verdict, independent_rows(series)


def sets_of(sets, n):
    """Half as many sets of the largest size, which cost most."""
    return sets // 2 if n == SIZES[-1] else sets


@lru_cache(maxsize=1)
def oracle_of(label, seed):
    """Every law with the parameters of 1,000 other conversations."""
    rng = np.random.default_rng([seed, list(SYSTEMS).index(label)])
    found = compare_drift_laws(series_of(SYSTEMS[label], 1000, rng))
    return {fit.law.name: fit for fit in found.fits} | {"step": found.step}


def some_sets(label, n, refits, seed, numbers):
    """Sets of one system and size; the oracle is fitted once for all of them."""
    index, system, oracle = list(SYSTEMS).index(label), SYSTEMS[label], oracle_of(label, seed)
    start, out = time.process_time(), []
    for k in numbers:
        found, *rest = one_set(system, n, refits, np.random.default_rng([seed, index, n, k]), oracle)
        out.append((replace(found, fits=(), step=None), *rest))
    return out, time.process_time() - start


def named_row(label, n, law, found, gaps):
    """Shares of outcomes, above and below an oracle gap of 3 paired errors."""
    rows = []
    for above in (True, False):
        chosen = [f for f, gap in zip(found, gaps, strict=True) if bool(gap > 3.0) is above]
        if not chosen:
            continue
        outcome = Counter(outcome_of(f, law) for f in chosen)
        needed = [f.n_needed for f in chosen if np.isfinite(f.n_needed)]
        shares = " | ".join(f"{100 * outcome[k] / len(chosen):.0f}" for k in OUTCOMES)
        middle = f"{np.median(needed):.0f}" if needed else ""
        rows.append(f"| {label} | {n} | {'> 3' if above else '< 3'} | {len(chosen)} | {shares} | {middle} |")
    return rows


OUTCOMES = ("right", "inconclusive with n", "smaller, n given", "smaller", "planted law excluded")


def outcome_of(found, law):
    if found.named == law:
        return "right"
    if not next(s for s in found.scores if s.name == law).remains:
        return "planted law excluded"
    if found.named == "inconclusive":
        return "inconclusive with n"
    return "smaller, n given" if np.isfinite(found.n_needed) else "smaller"


def laws(pool, sets, refits, seed):
    named, rates, nulls, growth, seconds = [], [], [], [], []
    for index, (label, system) in enumerate(SYSTEMS.items()):
        truth = truths(
            system, series_of(system, 100_000, np.random.default_rng([seed, index, 1])).panel("turns")
        )
        for n in SIZES:
            done = list(
                pool.map(
                    partial(some_sets, label, n, refits, seed), np.array_split(range(sets_of(sets, n)), 2)
                )
            )
            found, gaps, ends, verdicts, naive = zip(*(one for part, _ in done for one in part), strict=True)
            seconds.append(sum(spent for _, spent in done) / sets_of(sets, n))
            print(f"{label}, {n}: done", file=sys.stderr, flush=True)
            if system.law == "none":
                claimed = np.mean([f.drifts for f in found])
                best = np.mean([max(f.scores, key=lambda s: s.log_likelihood).name != "none" for f in found])
                nulls.append(f"| {n} | {100 * claimed:.1f} | {100 * best:.0f} |")
            else:
                named += named_row(label, n, system.law, found, gaps)
            growth.append(f"| {label} | {n} | {dict(Counter(verdicts).most_common())} |")
            for name, value in truth.items():
                control = [naive] if name == "average rate" else []
                rates.append(rate_row(label, n, name, value, [e[name] for e in ends], *control))
    yield from [
        "## Law named",
        "",
        f"Of {sets} sets (half of that at 200), in per cent by oracle gap (paired errors); n is the median "
        "asked for.",
        "",
    ]
    yield f"| planted | conversations | gap | sets | {' | '.join(OUTCOMES)} | n |"
    yield "|---" * (5 + len(OUTCOMES)) + "|"
    yield from [*named, "", "## Null: drift claimed, per cent", ""]
    yield from [
        "| conversations | by the 2-error rule | control: best law outright |",
        "|---|---|---|",
        *nulls,
        "",
    ]
    yield from ["## Intervals of rates, 95 %", ""]
    yield (
        "| planted | conversations | quantity | truth | given | median bias | coverage % | "
        "control: truth 1.5 se off | control: rows independent |"
    )
    yield from ["|---|---|---|---|---|---|---|---|---|", *rates, ""]
    yield from [
        "## Does the rate grow?",
        "",
        "| planted | conversations | verdicts |",
        "|---|---|---|",
        *growth,
    ]
    for n in (20, 50, 200):
        rng = np.random.default_rng([seed, n, 99])
        system = PlantedDrift(law="power", drift=1.2, drift_sd=0.3, scale=2.5, noise_sd=0.4, **COMMON)
        verdicts = Counter(
            drift_growth(
                series_of(system, n, rng), resampling=Resampling(rng=rng, n_resamples=refits)
            ).verdict
            for _ in range(sets)
        )
        yield f"| power 2.5 (the rate grows) | {n} | {dict(verdicts.most_common())} |"
    yield from [
        "",
        "Processor seconds per set (comparison, rates, growth), system by system and size by size: "
        f"{', '.join(f'{s:.2f}' for s in seconds)};"
        f" in all {sum(s * sets_of(sets, SIZES[i % 3]) for i, s in enumerate(seconds)):.0f} s.",
        "",
    ]


def rate_row(label, n, name, truth, found, naive=None):
    value, low, high, error = (
        np.array([getattr(f, k) for f in found]) for k in ("value", "low", "high", "stderr")
    )
    given = ~np.isnan(low)
    moved = truth + 1.5 * np.where(np.isnan(error), (high - low) / 3.92, error)
    cover, control = (np.mean((low <= t)[given] & (t <= high)[given]) for t in (truth, moved))
    rows = ""
    if naive is not None:
        ends = np.array(naive)
        rows = f"{100 * np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])):.0f}"
    return (
        f"| {label} | {n} | {name} | {truth:.4g} | {given.mean():.2f} | "
        f"{np.median(value[given]) - truth:+.2g} | "
        f"{100 * cover:.1f} | {100 * control:.0f} | {rows} |"
    )


def entropy(_, sets, refits, seed):
    yield from ["## Entropy production of turn states (16 turns)", ""]
    yield "| p | q | walks | truth | mean | coverage % | found irreversible % | control: plug-in mean |"
    yield "|---|---|---|---|---|---|---|---|"
    for p, q in ((0.3, 0.3), (0.35, 0.25), (0.45, 0.2), (0.6, 0.2)):
        for n in SIZES:
            walk, out, plain = BiasedCycle(forward=p, backward=q), [], []
            for k in range(2 * sets):
                rng = np.random.default_rng([seed, n, k])
                states = walk.sample(n, 16, rng=rng)
                out.append(
                    path_irreversibility(list(states), resampling=Resampling(rng=rng, n_resamples=399))
                )
                plain.append(plug_in(states))
            truth = walk.entropy_production
            cover = np.mean([f.rate.low <= truth <= f.rate.high for f in out])
            yes = np.mean([f.verdict == "irreversible" for f in out])
            yield (
                f"| {p} | {q} | {n} | {truth:.4f} | {np.mean([f.rate.value for f in out]):.4f} | "
                f"{100 * cover:.1f} | {100 * yes:.1f} | {np.mean(plain):.4f} |"
            )
    yield ""


def plug_in(states):
    """Control: no bias correction."""
    counts = np.bincount((3 * states[:, :-1] + states[:, 1:]).ravel(), minlength=9).reshape(3, 3)
    share = counts / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nansum(np.where(counts > 0, share * np.log(share / share.T), 0.0)))


LAGS = np.arange(50.0, 801.0, 50.0)
ARMS = {"repeat": (20.0, 300.0), "rephrase": (45.0, 500.0), "summary": (120.0, 900.0)}
BOUND = 0.5


def curve(tau, lags):
    return 1.2 * -np.expm1(-lags / tau)


def reminded(tau, n, rng, *, first=0, lags=LAGS, growth=1.0):
    """Skewed drift after a reminder: log-normal conversations, gamma noise; `growth` multiplies the mean."""
    level = rng.lognormal(-0.08, 0.4, (n, 1))
    value = growth * curve(tau, lags) * level * rng.gamma(4.0, 0.25, (n, lags.size))
    where = np.repeat(np.arange(first, first + n), lags.size)
    times = np.tile(lags, n)
    return DriftSeries(conversation=where, turns=times / 50.0, tokens=times, value=value.ravel())


def schedule(_, sets, refits, seed):
    yield from ["## Schedules", ""]
    talk = Conversation(horizon=4000.0, replies=40)
    best = {name: float(max(k for k in LAGS if curve(tau, k) <= BOUND)) for name, (_, tau) in ARMS.items()}
    costs = {name: float(ARMS[name][0] * (np.ceil(talk.horizon / k) - 1)) for name, k in best.items()}
    yield f"Bound {BOUND}; the largest k that truly keep it: {best}; reminder tokens of them: {costs}."
    yield ""
    yield (
        "| conversations | schedule given | true drift above the bound | control: by the mean alone | "
        "cost over the best | held | undecided | broken | broken, drift twice as large |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for n in SIZES:
        given, above, naive, cost, checks, worse = [], [], [], [], Counter(), Counter()
        for k in range(sets):
            rng = np.random.default_rng([seed, n, k])
            arms = [
                ReminderArm(
                    name=name, placement="every", form=name, reminder_tokens=r, series=reminded(tau, n, rng)
                )
                for name, (r, tau) in ARMS.items()
            ]
            resampling = Resampling(rng=rng, n_resamples=refits)
            found = cheapest_schedule(arms, bound=BOUND, conversation=talk, resampling=resampling)
            means = np.stack([arm.series.value.reshape(n, -1).mean(axis=0) for arm in arms])
            naive.append(by_mean(means, talk) > BOUND)
            given.append(found.arm is not None)
            if found.arm is None:
                continue
            tau = ARMS[found.arm.name][1]
            above.append(curve(tau, found.every) > BOUND)
            cost.append(found.cost / min(costs.values()))
            lags = LAGS[found.every >= LAGS]
            good = reminded(tau, n, rng, first=n, lags=lags)
            checks[check_schedule(found, good, resampling=resampling).verdict] += 1
            bad = reminded(tau, n, rng, first=n, lags=lags, growth=2.0)
            worse[check_schedule(found, bad, resampling=resampling).verdict] += 1
        total = sum(checks.values())
        verdicts = [f"{100 * checks[v] / total:.0f} %" for v in ("held", "undecided", "broken")]
        shares = f"{100 * np.mean(above):.1f} % | {100 * np.mean(naive):.0f} %"
        yield (
            f"| {n} | {100 * np.mean(given):.0f} % | {shares} | {np.median(cost):.2f} | "
            f"{' | '.join(verdicts)} | {100 * worse['broken'] / total:.0f} % |"
        )
    out = Counter()
    for k in range(sets):
        rng = np.random.default_rng([seed, 7, k])
        arm = ReminderArm(
            name="repeat",
            placement="every",
            form="repeat",
            reminder_tokens=20.0,
            series=reminded(60.0, 50, rng),
        )
        resampling = Resampling(rng=rng, n_resamples=refits)
        out[cheapest_schedule([arm], bound=BOUND, conversation=talk, resampling=resampling).reason] += 1
    yield from ["", f"Where drift is above the bound at the shortest lag already: {dict(out)}", ""]


def by_mean(means, talk):
    """Control: the cheapest k by the measured mean; its true largest drift."""
    options = []
    for mean, (reminder, tau) in zip(means, ARMS.values(), strict=True):
        fails = np.flatnonzero(mean > BOUND)
        last = (fails[0] if fails.size else LAGS.size) - 1
        if last >= 0:
            options.append((reminder * (np.ceil(talk.horizon / LAGS[last]) - 1), curve(tau, LAGS[last])))
    return min(options)[1] if options else 0.0


def correlates(_, sets, refits, seed):
    yield from [
        "## Correlates over instructions",
        "",
        "| n | true rank correlation | coverage % |",
        "|---|---|---|",
    ]
    for n in (24, 60):
        for r in (0.0, 0.4, 0.8):
            truth, hit = 6.0 / np.pi * np.arcsin(r / 2.0), []
            for k in range(2 * sets):
                rng = np.random.default_rng([seed, n, k])
                x = rng.standard_normal(n)
                y = r * x + np.sqrt(1 - r * r) * rng.standard_normal(n)
                rho = rank_correlation(x, y, resampling=Resampling(rng=rng, n_resamples=100)).rho
                hit.append(rho.low <= truth <= rho.high)
            yield f"| {n} | {truth:.3f} | {100 * np.mean(hit):.1f} |"
    inside, plain = [], []
    for k in range(2 * sets):
        rng = np.random.default_rng([seed, 3, k])
        kind = np.repeat(np.arange(4), 8)
        x, y = (kind + rng.standard_normal(32) for _ in range(2))
        how = Resampling(rng=rng, n_resamples=199)
        inside.append(rank_correlation(x, y, kind=kind, resampling=how).p_value <= 0.05)
        plain.append(rank_correlation(x, y, resampling=how).p_value <= 0.05)
    yield ""
    yield (
        f"Related only through four kinds: partial claims {100 * np.mean(inside):.1f} %, "
        f"control without kinds {100 * np.mean(plain):.0f} %."
    )
    yield ""


PARTS = {"laws": laws, "entropy": entropy, "schedule": schedule, "correlates": correlates}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--refits", type=int, default=600)
    parser.add_argument("--seed", type=int, default=20265)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--parts", default="all", help=f"all, or some of {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    chosen = list(PARTS) if options.parts == "all" else options.parts.split(",")
    lines = [
        "# Drift: planted laws, rates, entropy production, schedules",
        "",
        f"`python -m studies.drift_laws --sets {options.sets} --refits {options.refits} --seed {options.seed}"
        f" --parts {options.parts}`; laws compared: {', '.join(LAW_NAMES)}.",
        "",
    ]
    with ProcessPoolExecutor(options.workers) as pool:
        for part in chosen:
            for line in PARTS[part](pool, options.sets, options.refits, options.seed):
                lines.append(line)
                print(line, flush=True)
    if options.out:
        options.out.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
