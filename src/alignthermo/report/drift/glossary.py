"""What each quantity of a drift run is called and means; one entry for a measure, wherever it was taken."""

import dataclasses
import re
from collections.abc import Sequence

from alignthermo.quantities import Record
from alignthermo.report.glossary import GLOSSARY, Term

__all__ = ["DRIFT_GLOSSARY", "by_measure"]

DRIFT_GLOSSARY: dict[str, Term] = {
    "drift": Term(
        name="probe drift",
        definition="KL of the answer to a probe here from the answer to the same probe at the beginning",
    ),
    "control": Term(name="neutral control", definition="probe drift after neutral history of as many tokens"),
    "excess": Term(name="excess drift", definition="probe drift less its neutral control, paired"),
    "literal": Term(
        name="literal drift",
        definition="KL of the reply given here from what the instruction alone would answer: other questions",
    ),
    "influence": Term(
        name="instruction influence",
        definition="KL of the answer with the instruction from that with neutral text of its length",
    ),
    "relaxation": Term(
        name="relaxation KL(q‖p)", definition="of the measured model from its base in the same context"
    ),
    "compliance": Term(
        name="compliance",
        definition="σ(h) of the reference answers, mean over probes; without any, the share of kept answers",
    ),
    "log_odds": Term(name="log-odds h", definition="ln of the compliant mass over the defiant mass"),
    "kept": Term(
        name="kept answers", definition="share of sampled, determined answers that keep the instruction"
    ),
    "entropy": dataclasses.replace(GLOSSARY["compliance_entropy"], name="entropy S"),
    "surprisal": Term(name="surprisal", definition="−ln q of the tokens that were said"),
    "attention": Term(name="attention on the instruction", definition="mass on its tokens, mean over heads"),
    "drift_rate": Term(
        name="drift rate", definition="least-squares slope of probe drift within conversations"
    ),
    "median_drift_rate": Term(
        name="median drift rate", definition="median over conversations of the median slope of each"
    ),
    "excess_rate": Term(name="excess rate", definition="slope of the excess drift"),
    "influence_rate": Term(name="decay of the influence", definition="slope of the instruction influence"),
    "relaxation_rate": Term(name="relaxation rate", definition="slope of KL(q‖p)"),
    "entropy_rate": Term(name="dS/dt", definition="slope of the entropy over turns; its sign is the claim"),
    "path_irreversibility": Term(
        name="path irreversibility",
        definition="KL of forward from backward transitions between turn states; a lower bound",
    ),
    "law_gap": Term(name="held-out gap", definition="log-likelihood per conversation behind the best law"),
    "law_plateau": Term(name="plateau", definition="drift that the saturating law tends to"),
    "law_relaxation_time": Term(name="relaxation time", definition="time constant of the saturating law"),
    "law_initial_rate": Term(name="initial rate", definition="of the named law at the beginning"),
    "law_late_rate": Term(name="late rate", definition="of the named law at the last measured time"),
    "law_exponent": Term(name="exponent", definition="of the power law; below 1 the rate falls"),
    "change_point": Term(name="change-point", definition="time at which the step law jumps"),
    "jump": Term(name="jump", definition="height of the step"),
    "rate_change": Term(name="change of rate", definition="late half less early half, paired"),
    "went_to": Term(
        name="where it went", definition="share of failed points nearest to base, wish or beginning"
    ),
    "lean": Term(name="lean", definition="KL to the wish less KL to the base; positive: nearer to the base"),
    "drift_vs_free_energy": Term(
        name="drift against KL(q‖p)",
        definition="rank correlation over instructions: drift rate, and KL(q‖p) at the beginning",
    ),
    "gain_per_reminder_token": Term(
        name="gain per reminder token", definition="what an arm avoids, per token of its reminders"
    ),
    "held_out_upper": Term(
        name="held-out upper limit", definition="one-sided, over conversations that chose nothing"
    ),
}
_WHEN = re.compile(r"_(along|start|end|change|turns|tokens|base|wish)$")


def by_measure(records: Sequence[Record]) -> tuple[Record, ...]:
    """Return the records under the name of their measure.

    ``drift_along`` and ``drift_end`` are both ``drift``; those that have an entry of their own keep it.
    """
    return tuple(dataclasses.replace(record, quantity=_measure(record.quantity)) for record in records)


def _measure(quantity: str) -> str:
    return quantity if quantity in DRIFT_GLOSSARY else _WHEN.sub("", quantity)
