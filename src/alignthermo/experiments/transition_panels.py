"""What stands beside a certificate line: how far each rival law is behind, and the base's own curve."""

from collections.abc import Iterator

import numpy as np

from alignthermo.estimators.laws import Comparison
from alignthermo.experiments.transition_curves import CurveMaker, mean_record, prompt_means
from alignthermo.quantities import Estimate, Record

__all__ = ["panel_records"]

TWO_ERRORS = 0.9545
"""Level of an interval of two standard errors on either side."""


def panel_records(maker: CurveMaker, laws: Comparison | None) -> Iterator[Record]:
    """Yield what a picture of one curve shows besides its points.

    Parameters
    ----------
    maker : CurveMaker
        Of one family, category, order and size.
    laws : Comparison or None
        None where no law could be fitted.
    """
    if laws is not None:
        yield from _law_gaps(maker, laws)
    if maker.config.base is not None:
        yield from _base_points(maker)


def _law_gaps(maker: CurveMaker, laws: Comparison) -> Iterator[Record]:
    """Yield each law's held-out log-likelihood per prompt behind the best, with two paired errors."""
    for score in laws.scores:
        gap = Estimate(
            value=score.gap,
            stderr=score.gap_stderr,
            low=score.gap - 2.0 * score.gap_stderr,
            high=score.gap + 2.0 * score.gap_stderr,
            level=TWO_ERRORS,
            n=laws.n_prompts,
            unit="nat/prompt",
            method="held-out log-likelihood behind the best law, by prompt; two paired, clustered errors",
        )
        yield maker.record("law_gap", gap, law=score.name)


def _base_points(maker: CurveMaker) -> Iterator[Record]:
    """Yield P(kept) of the base under attack at each wanted α, as for the model that is measured."""
    rows = maker.cut.of(model="base", control="attack")
    for alpha in sorted(set(rows.rows["wanted_alpha"].to_pylist())):
        values = prompt_means(rows.of(wanted_alpha=alpha), "p_kept")
        if values:
            more = {"wanted_alpha": f"{alpha:.6g}", "control": "attack"}
            yield mean_record(maker, "base_p_kept", np.array(list(values.values())), **more)
