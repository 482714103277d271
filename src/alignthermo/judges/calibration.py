"""A judge held against labelled completions: one call, one report, tables for a command line."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alignthermo.errors import InputError
from alignthermo.judges.confusion import JUDGED, Confusion, confusion_of
from alignthermo.judges.constancy import Constancy, error_constancy
from alignthermo.judges.correction import CorrectedRates, correct_rates
from alignthermo.judges.exchange import OUTCOMES, Judge, Judgement, RequestOutcome
from alignthermo.judges.heuristic import HeuristicJudge
from alignthermo.judges.labelled import Labelled, LabelledSet, read_labelled
from alignthermo.quantities import Estimate

__all__ = ["Calibration", "ReportTable", "calibrate", "calibrate_file"]

TARGET_ABSTENTION = 0.10


@dataclass(frozen=True, kw_only=True)
class ReportTable:
    """A table as text: what a command line or a page prints.

    Attributes
    ----------
    title : str
    columns : tuple of str
    rows : tuple of tuple of str
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How a judge did on labelled completions.

    Attributes
    ----------
    judge, source : str
    confusion : Confusion
    constancy : tuple of Constancy
        Empty where no covariate was asked for.
    judgements : tuple of Judgement
        In the order of the items.
    disagreements : tuple of (str, str, Judgement)
        Id, label and judgement of every item judged otherwise than labelled.
    notes : tuple of str
        Rows left out, and what the numbers cannot carry.
    problems : tuple of str
        One line per row left out, with its line in the file.
    """

    judge: str
    source: str
    confusion: Confusion
    constancy: tuple[Constancy, ...]
    judgements: tuple[Judgement, ...]
    disagreements: tuple[tuple[str, RequestOutcome, Judgement], ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...] = ()

    def correct(
        self,
        judged: Sequence[Judgement],
        *,
        partials: str = "separate",
        clusters: Sequence[str] | None = None,
    ) -> CorrectedRates:
        """Correct the rates of other judgements by this judge; see `correct_rates`.

        Raises
        ------
        InputError
            The judgements are another judge's: its errors are not these.
        InsufficientData
            See `correct_rates`.
        """
        others = sorted({judgement.judge for judgement in judged} - {self.judge})
        if others:
            raise InputError(
                f"this calibration is of {self.judge}, the judgements are by {', '.join(others)}: calibrate "
                "that judge, with the same settings"
            )
        outcomes = [judgement.outcome for judgement in judged]
        return correct_rates(outcomes, self.confusion, partials=partials, clusters=clusters)

    def tables(self) -> tuple[ReportTable, ...]:
        """Return the confusion matrix, the summary and, where asked for, the constancy of errors."""
        tables = (self._matrix(), self._summary())
        return (*tables, self._along()) if self.constancy else tables

    @property
    def _level(self) -> str:
        return f"[{100 * self.confusion.abstention.level:g} %]"

    def _matrix(self) -> ReportTable:
        rows = []
        for t, label in enumerate(OUTCOMES):
            cells = [
                f"{int(count)} ({_share(rate)})"
                for count, rate in zip(self.confusion.counts[t], self.confusion.rates[t], strict=True)
            ]
            rows.append((label, *cells, str(int(self.confusion.counts[t].sum()))))
        columns = ("label", *(f"judged {name}" for name in JUDGED), "n")
        return ReportTable(title=f"{self.judge} on {self.source}", columns=columns, rows=tuple(rows))

    def _summary(self) -> ReportTable:
        named = (
            ("balanced accuracy, full labels, abstentions wrong", self.confusion.balanced_accuracy),
            ("balanced accuracy, full labels, decided items", self.confusion.balanced_accuracy_decided),
            ("balanced accuracy, three labels, abstentions wrong", self.confusion.balanced_accuracy_all),
            ("abstention rate", self.confusion.abstention),
        )
        rows = tuple((name, _share(estimate), str(estimate.n)) for name, estimate in named)
        return ReportTable(title="summary", columns=("quantity", f"value {self._level}", "n"), rows=rows)

    def _along(self) -> ReportTable:
        rows = tuple(
            (
                c.label,
                c.covariate,
                f"{c.n_errors}/{c.n}",
                _signed(c.slope),
                _number(c.p_value),
                c.verdict.outcome,
            )
            for c in self.constancy
        )
        columns = ("label", "covariate", "errors", f"slope {self._level}", "p", "verdict")
        return ReportTable(title="constancy of the error rate", columns=columns, rows=rows)


def calibrate(
    judge: Judge,
    labelled: LabelledSet | Sequence[Labelled],
    *,
    covariate: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Calibration:
    """Hold a judge against labelled completions.

    Parameters
    ----------
    judge : Judge
    labelled : LabelledSet or sequence of Labelled
    covariate : str, optional
        A numeric column, for example ``alpha``, along which the errors are tested for constancy.
    level : float
    seed : int

    Raises
    ------
    InputError
        The covariate is missing in some item, or the judge returns another number of judgements.
    InsufficientData
        There is no item.
    """
    items = labelled.items if isinstance(labelled, LabelledSet) else tuple(labelled)
    source = labelled.name if isinstance(labelled, LabelledSet) else "labelled items"
    judgements = judge.judge([item.exchange for item in items])
    if len(judgements) != len(items):
        raise InputError(f"{judge.name} gave {len(judgements)} judgements for {len(items)} items")
    labels, said = [item.label for item in items], [judgement.outcome for judgement in judgements]
    clusters = [item.cluster for item in items]
    confusion = confusion_of(labels, said, judge=judge.name, clusters=clusters, level=level, seed=seed)
    along: tuple[Constancy, ...] = ()
    if covariate is not None:
        x = _covariate(items, covariate)
        along = error_constancy(labels, said, x, name=covariate, clusters=clusters, level=level, seed=seed)
    return Calibration(
        judge=judge.name,
        source=source,
        confusion=confusion,
        constancy=along,
        judgements=judgements,
        disagreements=tuple(
            (item.exchange.id, item.label, judgement)
            for item, judgement in zip(items, judgements, strict=True)
            if judgement.outcome != item.label
        ),
        notes=_notes(labelled, confusion),
        problems=labelled.problems if isinstance(labelled, LabelledSet) else (),
    )


def calibrate_file(
    path: Path,
    *,
    judge: Judge | None = None,
    covariate: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Calibration:
    """Hold a judge against a file of labelled completions; by default the offline heuristic judge.

    Raises
    ------
    InputError
        See `read_labelled` and `calibrate`.
    """
    labelled = read_labelled(path)
    return calibrate(judge or HeuristicJudge(), labelled, covariate=covariate, level=level, seed=seed)


def _covariate(items: Sequence[Labelled], name: str) -> np.ndarray:
    lacking = [item.exchange.id for item in items if name not in item.covariates]
    if lacking:
        known = sorted({column for item in items for column in item.covariates})
        raise InputError(
            f"{len(lacking)} of {len(items)} items have no number in the column {name!r} (first: "
            f"{lacking[0]!r}); numeric columns are {', '.join(known) or 'none'}"
        )
    return np.array([item.covariates[name] for item in items])


def _notes(labelled: LabelledSet | Sequence[Labelled], confusion: Confusion) -> tuple[str, ...]:
    notes: list[str] = []
    if isinstance(labelled, LabelledSet):
        if labelled.problems:
            notes.append(f"{len(labelled.problems)} rows left out")
        if labelled.n_undecided:
            notes.append(f"{labelled.n_undecided} rows without a decided label left out")
    if confusion.clustered:
        items, prompts = int(confusion.counts.sum()), confusion.abstention.n
        notes.append(
            f"{items} items stand on {prompts} prompts: intervals, and n beside them, are over prompts"
        )
    if confusion.abstention.value > TARGET_ABSTENTION:
        notes.append(f"the judge abstains on {confusion.abstention.value:.0%} of the items")
    notes += [
        f"only {int(n)} items are labelled {label}: its row says little"
        for label, n in zip(OUTCOMES, confusion.counts.sum(axis=1), strict=True)
        if n < 30
    ]
    return tuple(notes)


def _share(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return f"unknown: {estimate.reason}"
    return f"{estimate.value:.3f} [{_number(estimate.low)}, {_number(estimate.high)}]"


def _signed(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return f"unknown: {estimate.reason}"
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.3f}"
