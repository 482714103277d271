"""How the records and verdicts of one arm are made: same slice, same policies, one random stream each."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from alignthermo.errors import AlignthermoError
from alignthermo.estimators import Resampling
from alignthermo.experiments.drift.arms import DriftArm
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.cuts import DriftCut
from alignthermo.quantities import Estimate, Record, Verdict, random_stream

__all__ = ["DriftMaker", "estimates_by_name"]


@dataclass(frozen=True, kw_only=True)
class DriftMaker:
    """Turns estimates on one cut into records.

    Attributes
    ----------
    config : DriftConfig
    cut : DriftCut
    notes : mapping
        What the numbers depend on besides.
    """

    config: DriftConfig
    cut: DriftCut
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def arm(self) -> DriftArm:
        """Arm of the cut."""
        return self.config.arm(self.cut.where["arm"])

    def noting(self, **notes: str) -> "DriftMaker":
        """Return a maker whose records say more of what they depend on."""
        return replace(self, notes={**self.notes, **notes})

    def resampling(self, quantity: str, **more: str) -> Resampling:
        """Return the random source of a quantity: a new quantity never shifts another's resamples."""
        keys = [f"{key}={value}" for key, value in sorted({**self.cut.where, **more}.items())]
        rng = random_stream(self.config.seed, "bootstrap", quantity, *keys)
        return Resampling(rng=rng, level=self.config.level, n_resamples=self.config.resamples)

    def record(self, quantity: str, estimate: Estimate, **more: str) -> Record:
        """Wrap an estimate; `more` makes the slice finer."""
        return Record(
            experiment="drift",
            unit_id="all",
            slice={**self.cut.where, **more},
            quantity=quantity,
            estimate=estimate,
            policies={
                "mode": self.config.mode,
                "compliance": self.cut.order_parameter,
                **self.notes,
            },
        )

    def unknown(self, quantity: str, reason: str, *, unit: str = "1", **more: str) -> Record:
        """Record that a quantity is not known, and why."""
        blank = Estimate.unknown(reason, n=self.cut.n_conversations, unit=unit, method="not measured")
        return self.record(quantity, blank, **more)

    def measured(
        self,
        quantity: str,
        measure: Callable[[Resampling], Estimate],
        /,
        *,
        unit: str,
        columns: tuple[str, ...] = (),
        **more: str,
    ) -> Record:
        """Record what is measured, or why it cannot be: what the rows say of `columns`, else the error."""
        try:
            estimate = measure(self.resampling(quantity, **more))
        except AlignthermoError as error:
            reason = self.cut.reason(*columns) or str(error)
            estimate = Estimate.unknown(reason, n=self.cut.n_conversations, unit=unit, method="not measured")
        if math.isnan(estimate.low) and not math.isnan(estimate.value) and estimate.reason is None:
            estimate = replace(estimate, reason="no interval")
        return self.record(quantity, estimate, **more)

    def verdict(self, name: str, outcome: str, statement: str, *, tests: tuple[str, ...] = ()) -> Verdict:
        """Name an outcome on this slice."""
        return Verdict(name=name, outcome=outcome, statement=statement, tests=tests, slice=self.cut.where)


def estimates_by_name(records: list[Record]) -> Mapping[str, Estimate]:
    """Return the estimates of one slice by quantity; finer slices are left out."""
    return {
        record.quantity: record.estimate for record in records if record.slice.keys() == {"arm", "category"}
    }
