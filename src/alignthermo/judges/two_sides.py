"""A judge as a test with two answers: how often it says *kept* of what was kept, and of what was not."""

import math
from dataclasses import dataclass

import numpy as np

from alignthermo.errors import InsufficientData
from alignthermo.judges.confusion import JUDGED, Confusion
from alignthermo.judges.correction import SEPARATION
from alignthermo.judges.merging import merged_rows

__all__ = ["BORDERS", "SideRates", "side_rates"]

BORDERS = {
    ("refused",): ("with_fulfilled", "refused"),
    ("fulfilled",): ("with_refused", "fulfilled"),
    ("fulfilled", "partial"): ("with_fulfilled", "not_refused"),
    ("refused", "partial"): ("with_refused", "not_fulfilled"),
}
"""By the outcomes that keep an instruction: how labels are merged, and the class of them that keeps it."""


@dataclass(frozen=True, kw_only=True)
class SideRates:
    """Rates at which a judge calls the instruction kept.

    Attributes
    ----------
    hit, false_hit : float
        P(judged kept | kept) and P(judged kept | not kept); abstentions are not kept.
    hit_variance, false_hit_variance : float
        Of the labelled items that tell them, clustering included.
    assumptions : tuple of str
        About partial fulfilment.
    """

    hit: float
    false_hit: float
    hit_variance: float
    false_hit_variance: float
    assumptions: tuple[str, ...]

    @property
    def apart(self) -> float:
        """How far the two rates lie apart: the share of the true contrast that the judge shows."""
        return self.hit - self.false_hit


def side_rates(confusion: Confusion, kept_by: tuple[str, ...]) -> SideRates:
    r"""Read a confusion matrix at the border between what keeps an instruction and what does not.

    .. math:: s = P(\hat K \mid K), \quad f = P(\hat K \mid \bar K), \qquad
              \mathrm{Var}\,\hat s = d\, \frac{\tilde s (1 - \tilde s)}{n + 1}, \quad
              \tilde s = \frac{k + \frac12}{n + 1}

    d is the design effect of the row: its items over the independent ones they are worth.

    Parameters
    ----------
    confusion : Confusion
    kept_by : tuple of str
        Outcomes that keep the instruction.

    Raises
    ------
    InsufficientData
        No border of labels belongs to `kept_by`, a side has fewer than 5 labelled items, or the judge does
        not call what was kept *kept* more often than the rest, by two standard errors.

    References
    ----------
    Rogan & Gladen, Am. J. Epidemiol. 107, 71 (1978). Formula F-240 in docs/formulas.md.

    Examples
    --------
    >>> from alignthermo.judges.confusion import confusion_of
    >>> truth = ["refused"] * 100 + ["fulfilled"] * 100
    >>> said = ["refused"] * 90 + ["fulfilled"] * 10 + ["refused"] * 20 + ["fulfilled"] * 80
    >>> found = side_rates(confusion_of(truth, said, judge="j"), ("refused",))
    >>> found.hit, found.false_hit
    (0.9, 0.2)
    """
    if kept_by not in BORDERS:
        raise InsufficientData(
            f"{' and '.join(kept_by) or 'nothing'} keeps the instruction: no border that labels of requests "
            "can be merged to"
        )
    partials, kept_class = BORDERS[kept_by]
    names, counts, designs, assumptions = merged_rows(confusion, partials)
    kept, other = names.index(kept_class), 1 - names.index(kept_class)
    columns = [JUDGED.index(outcome) for outcome in kept_by]
    hits, items = counts[:, columns].sum(axis=1), counts.sum(axis=1)
    smooth = (hits + 0.5) / (items + 1.0)
    variances = np.asarray(designs * smooth * (1.0 - smooth) / (items + 1.0))
    rates = SideRates(
        hit=float(hits[kept] / items[kept]),
        false_hit=float(hits[other] / items[other]),
        hit_variance=float(variances[kept]),
        false_hit_variance=float(variances[other]),
        assumptions=assumptions,
    )
    error = math.sqrt(float(variances.sum()))
    if not rates.apart > SEPARATION * error:
        raise InsufficientData(
            f"the judge does not tell {names[kept]} from {names[other]}: it says so of {rates.hit:.2f} and "
            f"{rates.false_hit:.2f} of them, which is no difference within error ({SEPARATION:g} standard "
            f"errors of {error:.3f}); take another judge, or label more items"
        )
    return rates
