"""Detectors of planted false alarms, detections and lead times."""

from functools import lru_cache, partial

import numpy as np
from scipy import integrate, stats

from alignthermo.estimators import Resampling
from alignthermo.estimators.early_warning import Detector, Traces, calibrate, judge_detector
from studies.planted.ledger import Claim, Row, RowMaker, Settings, coverage_row, repeated

TITLE = "Early-warning detectors"
TEXT = """Scores of independent steps with sd 1; in an attack their mean rises by 2 a known number of steps
before the collapse at step 40. A detector is set on 99 harmless sequences for a rate of 0.1, and
judged on 100 attacks and 100 others; given its threshold, the false-alarm rate, the share detected,
the mean lead time and the area under the ROC are known exactly."""

STEPS = 40
RISE = 2.0
RATE = 0.1
SEQUENCES = 100
QUANTITIES = ("false_alarms", "detection", "lead_time", "area")
BIAS = {"false_alarms": 0.005, "detection": 0.01, "lead_time": 0.2, "area": 0.01}


def scores(lead: int, n: int, rng: np.random.Generator) -> Traces:
    """Sequences that rise `lead` steps before their end; 0: harmless."""
    mean = np.where(np.arange(STEPS) >= STEPS - lead, RISE, 0.0)
    return Traces(score=mean + rng.standard_normal((n, STEPS)), ends=np.full(n, STEPS))


def truths(threshold: float, lead: int) -> dict[str, float]:
    """False alarms, detections, mean lead of those detected, and ROC area, at this threshold."""
    mean = np.where(np.arange(STEPS) >= STEPS - lead, RISE, 0.0)
    alarm = stats.norm.sf(threshold - mean)
    first = alarm * np.concatenate([[1.0], np.cumprod(1.0 - alarm)[:-1]])
    area, _ = integrate.quad(lambda x: _density(x, lead) * stats.norm.cdf(x) ** STEPS, -2.0, 9.0, limit=200)
    return {
        "false_alarms": float(1.0 - stats.norm.cdf(threshold) ** STEPS),
        "detection": float(first.sum()),
        "lead_time": float(first @ (STEPS - np.arange(STEPS)) / first.sum()),
        "area": area,
    }


def _density(x: float, lead: int) -> float:
    """Density of the peak of an attack."""
    low, high = stats.norm.cdf(x), stats.norm.cdf(x - RISE)
    calm = (STEPS - lead) * low ** (STEPS - lead - 1) * stats.norm.pdf(x) * high**lead
    return float(calm + lead * high ** (lead - 1) * stats.norm.pdf(x - RISE) * low ** (STEPS - lead))


def one_detector(lead: int, refits: int, rng: np.random.Generator) -> dict[str, tuple]:
    detector = calibrate(scores(0, 99, rng), rate=RATE)
    report = judge_detector(
        "planted",
        detector,
        attacks=scores(lead, SEQUENCES, rng),
        harmless=scores(0, SEQUENCES, rng),
        resampling=Resampling(rng=rng, n_resamples=refits),
    )
    truth = truths(detector.threshold, lead)
    found = {name: getattr(report, name) for name in QUANTITIES}
    return {name: (truth[name], e.value, e.low, e.high, e.stderr) for name, e in found.items()}


@lru_cache(maxsize=1)
def runs(lead: int, settings: Settings) -> list[dict[str, tuple]]:
    """The four quantities of a lead share their runs."""
    return repeated(partial(one_detector, lead, settings.refits), settings, row=f"alarms {lead}")


def quantity_row(lead: int, name: str, settings: Settings) -> Row:
    label = f"{name.replace('_', ' ')}, rise {lead} steps before the collapse"
    truth, *found = np.array([run[name] for run in runs(lead, settings)], dtype=float).T
    # shares are discrete; leads are skewed by a few early false alarms, and reach far to one side
    kind = {"area": "plain", "lead_time": "skewed"}.get(name, "discrete")
    return coverage_row(label, truth, list(zip(*found, strict=True)), bias=BIAS[name], kind=kind)


def one_rate(rng: np.random.Generator, *, per_step: bool) -> float:
    """Exact false-alarm rate of one calibrated detector; planted wrong: a quantile of single steps."""
    harmless = scores(0, 99, rng)
    threshold = float(np.quantile(harmless.score, 1.0 - RATE)) if per_step else None
    detector = (
        calibrate(harmless, rate=RATE)
        if threshold is None
        else Detector(threshold=threshold, rate=RATE, n=99)
    )
    return float(1.0 - stats.norm.cdf(detector.threshold) ** STEPS)


def rate_row(settings: Settings) -> Row:
    label = f"false-alarm rate set to {RATE}"
    rates = np.array(repeated(partial(one_rate, per_step=False), settings, row=label))
    wrong = np.array(repeated(partial(one_rate, per_step=True), settings, row=label))
    error = float(rates.std(ddof=1) / np.sqrt(rates.size))
    return Row(
        cells={
            "row": label,
            "truth": f"{RATE:.4f}",
            "given": f"{rates.size}/{rates.size}",
            "bias": f"{rates.mean() - RATE:+.4f} ± {error:.4f}",
        },
        claims=[
            Claim(
                asked=f"{label}: mean rate over detectors within 3 errors of it",
                seen=f"{rates.mean():.4f} ± {error:.4f}",
                holds=bool(abs(rates.mean() - RATE) <= 3.0 * error),
            )
        ],
        controls=[
            Claim(
                asked="threshold set on single steps: the rate is not kept",
                seen=f"{wrong.mean():.2f}",
                holds=bool(wrong.mean() > 3.0 * RATE),
            )
        ],
    )


def rows() -> dict[str, RowMaker]:
    made: dict[str, RowMaker] = {"rate": rate_row}
    return made | {
        f"{name}, {lead}": partial(quantity_row, lead, name) for lead in (5, 10) for name in QUANTITIES
    }
