"""The judged rate corrected for what the judge gets wrong, through each prompt's map to its instruction."""

from dataclasses import dataclass

import pyarrow as pa

from alignthermo.errors import AlignthermoError
from alignthermo.judges import Calibration, correct_rates
from alignthermo.judges.two_sides import BORDERS
from alignthermo.quantities import Estimate

__all__ = ["corrected_share", "drifting"]

METHOD = "corrected for the confusion matrix"


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Replies to prompts of one map."""

    kept_by: tuple[str, ...]
    outcomes: list[str]
    prompts: list[str]


def corrected_share(rows: pa.Table, calibration: Calibration, *, level: float, seed: int) -> Estimate:
    r"""Share of replies that kept the instruction, corrected for the judge's confusion matrix.

    .. math:: \hat r = \sum_m w_m\, \hat\pi_m(K_m), \qquad
              [l, u] = \Big[\sum_m w_m l_m,\ \sum_m w_m u_m\Big]

    Prompts are grouped by K_m, the outcomes of the request that keep the instruction, and the labels are
    merged into K_m and the rest, so that what the judge cannot tell apart matters only across that border.
    `correct_rates` gives the share of K_m with its interval, the calibration's error included. w_m is the
    group's share of the replies. Ends add up linearly, since all groups lean on one calibration: exact if
    their errors go together, too wide if they do not.

    Parameters
    ----------
    rows : pyarrow.Table
        Rows of one α, with `outcomes`, `kept_by` and `prompt_id`.
    calibration : Calibration
        Of the judge that judged the rows.
    level : float
    seed : int

    Returns
    -------
    Estimate
        Unknown where a group's classes cannot be told apart, or where nothing (or everything) keeps. With a
        caveat where the errors were seen to change along α: the correction takes them for constant.

    References
    ----------
    Rogan & Gladen, Am. J. Epidemiol. 107, 71 (1978). Formula F-188 in docs/formulas.md.
    """
    groups = _groups(rows)
    n_prompts = len(rows["prompt_id"].unique())
    total = sum(len(group.outcomes) for group in groups)
    value = low = high = stderr = 0.0
    caveats: dict[str, None] = dict.fromkeys(drifting(calibration))
    for group in groups:
        weight = len(group.outcomes) / total
        found = _corrected(group, calibration, level=level, seed=seed)
        if found.reason is not None:
            return Estimate.unknown(found.reason, n=n_prompts, unit="1", method=METHOD)
        value, low, high = (
            old + weight * new
            for old, new in zip((value, low, high), (found.value, found.low, found.high), strict=True)
        )
        stderr += weight * found.stderr  # of errors that go together
        caveats |= dict.fromkeys(found.caveats)
    if len(groups) > 1:
        caveats["ends of several maps added up linearly"] = None
    return Estimate(
        value=value,
        stderr=stderr,
        low=low,
        high=high,
        level=level,
        n=n_prompts,
        unit="1",
        method=METHOD,
        caveats=tuple(caveats),
    )


def _groups(rows: pa.Table) -> list[_Group]:
    found: dict[str, _Group] = {}
    columns = (rows[name].to_pylist() for name in ("kept_by", "outcomes", "prompt_id"))
    for kept_by, outcomes, prompt in zip(*columns, strict=True):
        kept = tuple(outcome for outcome in (kept_by or "").split(",") if outcome)
        group = found.setdefault(kept_by or "", _Group(kept_by=kept, outcomes=[], prompts=[]))
        group.outcomes.extend(outcomes)
        group.prompts.extend([prompt] * len(outcomes))
    return [found[name] for name in sorted(found)]


def _corrected(group: _Group, calibration: Calibration, *, level: float, seed: int) -> Estimate:
    n = len(set(group.prompts))
    if group.kept_by not in BORDERS:
        kept = " and ".join(group.kept_by) or "nothing"
        return Estimate.unknown(
            f"{kept} keeps the instruction: no border that labels of requests can be merged to",
            n=n,
            unit="1",
            method=METHOD,
        )
    partials, kept_class = BORDERS[group.kept_by]
    try:
        rates = correct_rates(
            group.outcomes,
            calibration.confusion,
            partials=partials,
            clusters=group.prompts,
            level=level,
            seed=seed,
        )
    except AlignthermoError as error:
        return Estimate.unknown(str(error), n=n, unit="1", method=METHOD)
    return rates.corrected[kept_class]


def drifting(calibration: Calibration) -> tuple[str, ...]:
    """Name the labels on which the judge's errors were seen to change along α: no correction holds then."""
    return tuple(
        f"not valid along {one.covariate}: the judge's errors on {one.label} change with it"
        for one in calibration.constancy
        if one.verdict.outcome == "fail"
    )
