"""What a shard leaves beside its rows: prompts without a measurement, and what reading cost."""

from collections.abc import Sequence

from alignthermo.experiments.prompt_records import ROW_FAILED
from alignthermo.experiments.responses import Problem
from alignthermo.observables.forest import TokenCounts
from alignthermo.quantities import Estimate, Record

__all__ = ["problem_records", "shard_records", "token_records"]

_COUNTED = ("naive", "optimal", "forwarded", "padding", "recomputed", "generated")


def shard_records(
    shard_id: str,
    problems: Sequence[Problem],
    counts: Sequence[TokenCounts],
    *,
    experiment: str = "transition",
) -> tuple[Record, ...]:
    """Return the records that are stored with a shard."""
    own = (
        _record(
            f"tokens_{name}",
            _count(float(sum(getattr(one, name) for one in counts))),
            unit_id=shard_id,
            experiment=experiment,
        )
        for name in _COUNTED
    )
    return (*problem_records(problems, experiment=experiment), *own)


def problem_records(problems: Sequence[Problem], *, experiment: str = "transition") -> tuple[Record, ...]:
    """Return one record for each prompt (under one family, or at all) or conversation that was skipped."""
    return tuple(
        _record(
            ROW_FAILED,
            Estimate.unknown(problem.message, n=0, unit="1", method="not measured"),
            unit_id=problem.prompt_id,
            category=problem.category,
            experiment=experiment,
        )
        for problem in problems
    )


def token_records(of_shards: Sequence[Record], *, experiment: str = "transition") -> tuple[Record, ...]:
    """Add the tokens of all shards up."""
    found = []
    for name in _COUNTED:
        values = [r.estimate.value for r in of_shards if r.quantity == f"tokens_{name}"]
        if values:
            total = _count(sum(values))
            found.append(
                _record(f"tokens_{name}", total, unit_id="all", experiment=experiment, category="all")
            )
    return tuple(found)


def _count(value: float) -> Estimate:
    return Estimate(value=value, stderr=0.0, low=value, high=value, n=1, unit="token", method="counted")


def _record(
    quantity: str, estimate: Estimate, *, unit_id: str, experiment: str = "transition", **where: str
) -> Record:
    return Record(experiment=experiment, unit_id=unit_id, slice=where, quantity=quantity, estimate=estimate)
