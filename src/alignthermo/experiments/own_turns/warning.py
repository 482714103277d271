"""Early warning of a collapse under attack: indicators against plain baselines, on held-out dialogues."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from alignthermo.errors import ConfigError, InsufficientData
from alignthermo.estimators import Resampling
from alignthermo.estimators.early_warning import (
    DetectorReport,
    Traces,
    calibrate,
    cusum_score,
    indicator_score,
    judge_detector,
    roc_area_difference,
    roc_curve,
    running_tau_score,
)
from alignthermo.experiments.own_turns.recording import Recording
from alignthermo.quantities import Estimate

__all__ = ["BASELINES", "WarningReport", "WarningSettings", "collapse_turns", "judge_warnings"]

BASELINES = ("perplexity", "context length", "entropy CUSUM", "low h")
"""What any indicator has to beat; *low h* is the level of the order parameter itself."""


@dataclass(frozen=True, kw_only=True)
class WarningSettings:
    """How a collapse and an alarm are defined.

    Attributes
    ----------
    window : int
        Turns of the rolling indicators.
    broken_run : int
        Broken replies in a row that make a collapse, dated at the first of them.
    rate : float
        Share of harmless dialogues that may alarm.

    Raises
    ------
    ConfigError
        A run below 1.
    """

    window: int = 8
    broken_run: int = 3
    rate: float = 0.1

    def __post_init__(self) -> None:
        if self.broken_run < 1:
            raise ConfigError(f"WarningSettings: broken_run {self.broken_run} must be at least 1")


@dataclass(frozen=True, kw_only=True)
class WarningReport:
    """Detectors on dialogues they were not set on.

    Attributes
    ----------
    detectors : tuple of DetectorReport
        Indicators first, then the baselines that were recorded.
    beyond_best_baseline : tuple of (name, Estimate)
        Area under the ROC of each indicator minus that of the baseline with the largest area, paired.
    curves : tuple of (name, false alarms, detections)
        ROC of every detector.
    attacks, harmless : int
        Dialogues judged on.
    no_collapse : int
        Attacks that never broke the instruction: no warning is due, they are left out.
    """

    detectors: tuple[DetectorReport, ...]
    beyond_best_baseline: tuple[tuple[str, Estimate], ...]
    curves: tuple[tuple[str, Float[np.ndarray, " _"], Float[np.ndarray, " _"]], ...]
    attacks: int
    harmless: int
    no_collapse: int


def collapse_turns(
    kept: Float[np.ndarray, "replicate turn"], *, broken_run: int
) -> Float[np.ndarray, " replicate"]:
    """First turn of the first run of broken replies of this length, ∞ where there is none.

    Examples
    --------
    >>> collapse_turns(np.array([[1.0, 0.0, 1.0, 0.0, 0.0], [1.0] * 5]), broken_run=2).tolist()
    [3.0, inf]
    """
    if kept.shape[1] < broken_run:
        return np.full(kept.shape[0], np.inf)
    runs = (np.lib.stride_tricks.sliding_window_view(kept, broken_run, axis=1) == 0.0).all(axis=2)
    return np.asarray(np.where(runs.any(axis=1), runs.argmax(axis=1), np.inf))


def judge_warnings(
    attacks: Recording, harmless: Recording, *, settings: WarningSettings, resampling: Resampling
) -> WarningReport:
    """Set every detector on one half of the harmless dialogues, judge it on the other half and the attacks.

    A harmless dialogue is watched as long as an attack drawn at random lasted until its collapse, so that
    length alone tells nothing. What the entropy usually is comes from the half the detectors are set on.

    Parameters
    ----------
    attacks, harmless : Recording
        Dialogues of equal length. `entropy` and `surprisal` give the baselines where they were recorded.
    settings : WarningSettings
    resampling : Resampling

    Raises
    ------
    InsufficientData
        No attack collapsed after the first turn, or too few harmless dialogues for the rate.
    """
    turns = collapse_turns(attacks.kept, broken_run=settings.broken_run)
    # a collapse at the first turn leaves nothing to be warned by
    late = np.isfinite(turns) & (turns >= 1)
    if not late.any():
        raise InsufficientData("no attack collapsed after its first turn: there was nothing to warn of")
    ends = turns[late].astype(np.int64)
    n = harmless.kept.shape[0]
    order = resampling.rng.permutation(n)
    setting, held_out = order[: n // 2], order[n // 2 :]
    watched: Int[np.ndarray, " replicate"] = resampling.rng.choice(ends, size=n)
    detectors, peaks = [], {}
    scored = zip(
        _scores(attacks, harmless, setting, settings).items(),
        _scores(harmless, harmless, setting, settings).values(),
        strict=True,
    )
    for (name, of_attacks), of_harmless in scored:
        attacked = Traces(score=of_attacks[late], ends=ends)
        usual, new = (Traces(score=of_harmless[rows], ends=watched[rows]) for rows in (setting, held_out))
        detector = calibrate(usual, rate=settings.rate)
        detectors.append(
            judge_detector(name, detector, attacks=attacked, harmless=new, resampling=resampling)
        )
        peaks[name] = (attacked.peak, new.peak)
    return WarningReport(
        detectors=tuple(detectors),
        beyond_best_baseline=_against_baselines(detectors, peaks, resampling.level),
        curves=tuple((name, *roc_curve(*both)) for name, both in peaks.items()),
        attacks=int(late.sum()),
        harmless=int(held_out.size),
        no_collapse=int((~np.isfinite(turns)).sum()),
    )


def _scores(
    recording: Recording, harmless: Recording, setting: np.ndarray, settings: WarningSettings
) -> dict[str, Float[np.ndarray, "replicate turn"]]:
    """All scores of a recording; higher is more alarming."""
    h = recording.log_odds
    variance = indicator_score(h, window=settings.window, indicator="variance")
    lag_one = indicator_score(h, window=settings.window, indicator="lag_one")
    scores = {
        "variance": variance,
        "lag-1 autocorrelation": lag_one,
        # the way out of the kept branch is downwards
        "negative skewness": indicator_score(-h, window=settings.window, indicator="skewness"),
        "τ of variance": running_tau_score(variance),
        "τ of autocorrelation": running_tau_score(lag_one),
    }
    if not np.isnan(recording.surprisal).any() and not np.isnan(harmless.surprisal).any():
        scores["perplexity"] = recording.surprisal
    scores["context length"] = recording.tokens.astype(np.float64)
    usual = harmless.entropy[setting]
    spread = float(usual.std()) if not np.isnan(usual).any() else float("nan")
    if spread > 0.0 and not np.isnan(recording.entropy).any():
        scores["entropy CUSUM"] = cusum_score(recording.entropy, mean=float(usual.mean()), sd=spread)
    scores["low h"] = -h
    return scores


def _against_baselines(
    detectors: list[DetectorReport], peaks: dict[str, tuple[np.ndarray, np.ndarray]], level: float
) -> tuple[tuple[str, Estimate], ...]:
    area = {report.name: report.area.value for report in detectors}
    best = max((name for name in BASELINES if name in area), key=lambda name: area[name])
    first = peaks[best]
    if min(part.size for part in first) < 2:
        return ()
    return tuple(
        (name, roc_area_difference(peaks[name], first, level=level)) for name in area if name not in BASELINES
    )
