"""From the rows of a transition to its records, verdicts and certificate."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from alignthermo.estimators.laws import (
    ACCUMULATION,
    SCALED,
    Comparison,
    Evidence,
    SizeScaling,
    Sweep,
    compare_laws,
    size_scaling,
    threshold,
    verdict,
)
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_curves import (
    SAME,
    CurveMaker,
    curve_records,
    known_or_reason,
    law_of,
)
from alignthermo.experiments.transition_dialogue_summary import (
    DialogueEvidence,
    DialogueSummary,
    summarise_dialogues,
)
from alignthermo.experiments.transition_dialogues import DIALOGUES
from alignthermo.experiments.transition_first_token import first_token_records
from alignthermo.experiments.transition_judged import summarise_judged
from alignthermo.experiments.transition_memory import memory_records
from alignthermo.experiments.transition_nulls import identical_check, shuffled_check
from alignthermo.experiments.transition_panels import panel_records
from alignthermo.experiments.transition_reinforcement import reinforcement_records
from alignthermo.experiments.transition_stored import curve_rows
from alignthermo.experiments.transition_sweeps import ALL, Cut, curve_sweep, cuts
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["summarise_transition"]


def summarise_transition(
    stored: Mapping[str, pa.Table], config: TransitionConfig
) -> tuple[tuple[Record, ...], tuple[Verdict, ...]]:
    """Aggregate the rows of a transition.

    The order parameter is P(kept) = σ(h); α_c of h itself is `alpha_c_log_odds`, that of judged replies
    `alpha_c_judged` (see `summarise_judged`). Records of the base begin
    with ``base_``, so a gate on α_c speaks about the model that is measured. The same rows, seed and settings
    give the same numbers.

    Parameters
    ----------
    stored : mapping of str to pyarrow.Table
        Rows of each stage by its name; those that read contexts are of `TRANSITION_SCHEMA`.
    config : TransitionConfig

    Returns
    -------
    records, verdicts
        Verdicts: ``law`` and ``transition`` of each curve, and the null checks.
    """
    # Shards may come in any order; sorted rows sum to the same last bit.
    rows = curve_rows(stored).sort_by(
        [(name, "ascending") for name in ("model", "family", "prompt_id", "context_id")]
    )
    dialogues = summarise_dialogues(stored.get(DIALOGUES), config)
    records: list[Record] = []
    verdicts: list[Verdict] = list(identical_check(rows))
    for cut in cuts(rows):
        records += memory_records(CurveMaker(config=config, cut=cut))
        for order in config.orders:
            ordered = cut.of(order=order).at(order=order)
            if ordered.rows.num_rows:
                more, found = _order(CurveMaker(config=config, cut=ordered), dialogues)
                records += more
                verdicts += found
    judged, checks = summarise_judged(rows, config)
    raising = reinforcement_records(stored, config)
    return (
        (*records, *judged, *raising, *dialogues.records),
        (*verdicts, *checks, *dialogues.verdicts),
    )


def _order(maker: CurveMaker, dialogues: DialogueSummary) -> tuple[list[Record], list[Verdict]]:
    """Everything of one family, category and order: each size, and how the slope grows over sizes."""
    config = maker.config
    scaling, plane, records = _scaling(maker)
    verdicts: list[Verdict] = []
    for size in config.lengths:
        cut = maker.cut.of(size=size).at(**{config.size_name: f"{size:g}"})
        if cut.rows.num_rows == 0:
            continue
        at_size = CurveMaker(config=config, cut=cut)
        records += curve_records(at_size)
        laws, reason = law_of(cut)
        records += panel_records(at_size, laws)
        records += first_token_records(at_size)
        spoken = dialogues.of(cut.where)
        verdicts += _verdicts(cut, (laws, reason), scaling=scaling, plane=plane, spoken=spoken)
        if cut.where["category"] == ALL:
            verdicts.append(shuffled_check(cut, seed=config.seed))
    return records, verdicts


def _scaling(maker: CurveMaker) -> tuple[SizeScaling | None, Comparison | None, list[Record]]:
    """γ over the lengths of a fixed-length design, and accumulation against the free law on the plane."""
    if maker.config.design != "fixed_length" or len(maker.config.lengths) < 2:
        return None, None, []
    sweep = curve_sweep(maker.cut, column="p_kept")
    if sweep is None or len(sweep.lengths) < 2:
        return None, None, [maker.unknown("gamma", "fewer than two lengths have usable contexts")]
    scaling, reason = known_or_reason(lambda: size_scaling(sweep, level=maker.config.level))
    if scaling is None:
        return None, None, [maker.unknown("gamma", reason)]
    beyond = _unbracketed(maker, sweep)
    if beyond:
        blank = Estimate.unknown(beyond, n=scaling.gamma.n, unit="1", method=scaling.gamma.method)
        scaling = replace(scaling, gamma=blank)
    plane, _ = known_or_reason(lambda: compare_laws(sweep, laws=(ACCUMULATION, SCALED)))
    return scaling, plane, [maker.record("gamma", scaling.gamma)]


def _unbracketed(maker: CurveMaker, sweep: Sweep) -> str:
    """Say at which lengths the grid holds no crossing: the slope there is drawn, not measured."""
    resampling = maker.resampling("gamma_bracket")
    lengths = [
        f"{length:g}"
        for length in sweep.lengths
        if threshold(sweep.select(length=length), resampling=resampling).side is not None
    ]
    if not lengths:
        return ""
    return (
        f"alpha_c is not bracketed at L = {', '.join(lengths)}: the steepest slope may lie outside the "
        f"range of alpha that was measured, so no exponent can be read from it"
    )


def _verdicts(
    cut: Cut,
    compared: tuple[Comparison | None, str],
    *,
    scaling: SizeScaling | None,
    plane: Comparison | None,
    spoken: DialogueEvidence,
) -> Iterator[Verdict]:
    """Name the law and the place on the scale; without rollouts and ramps the ceiling is stated."""
    laws, reason = compared
    if laws is None:
        outcomes = ("constant", "no response") if reason == SAME else ("inconclusive", "inconclusive")
        for name, outcome in zip(("law", "transition"), outcomes, strict=True):
            yield Verdict(name=name, outcome=outcome, statement=reason, slice=cut.where)
        return
    rivals = f"simplest within two errors of the best held-out likelihood: {', '.join(laws.rivals)}"
    scores = tuple(
        f"{s.name}: {s.gap:.3g} ± {s.gap_stderr:.2g} nat per prompt behind the best" for s in laws.scores
    )
    yield Verdict(
        name="law",
        outcome=laws.named,
        statement=rivals,
        tests=(*scores, *(f"left out: {left}" for left in laws.left_out)),
        slice=cut.where,
    )
    place = verdict(
        Evidence(
            laws=laws,
            scaling=scaling,
            plane=plane,
            bimodality=spoken.bimodality,
            hysteresis=spoken.hysteresis,
            faults=spoken.faults,
        )
    )
    yield Verdict(
        name="transition",
        outcome=place.label,
        statement=place.ceiling or "no ceiling",
        tests=place.tests,
        slice=cut.where,
    )
