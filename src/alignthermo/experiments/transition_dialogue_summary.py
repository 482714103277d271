"""From the rows of dialogues to records, verdicts, and the evidence for a place on the verdict scale."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from alignthermo.estimators.laws import Bimodality, Hysteresis
from alignthermo.experiments.own_turns import SelfTest
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_curves import CurveMaker
from alignthermo.experiments.transition_loops import (
    KEEPS_OWN,
    Loops,
    loop_records,
    loop_verdicts,
    loops_of,
    self_test_verdict,
)
from alignthermo.experiments.transition_rollouts import (
    escape_lines,
    rollout_records,
    rollout_verdict,
    rollouts_of,
)
from alignthermo.experiments.transition_sweeps import Cut
from alignthermo.experiments.transition_warnings import warning_records
from alignthermo.quantities import Record, Verdict

__all__ = ["NO_DIALOGUES", "DialogueEvidence", "DialogueSummary", "summarise_dialogues"]

DECIDES = "edit_keep_own"


@dataclass(frozen=True, kw_only=True)
class DialogueEvidence:
    """What dialogues say about one curve.

    Attributes
    ----------
    bimodality : Bimodality or None
        Of rollouts at the crossing.
    hysteresis : tuple of Hysteresis
        Own arm of the edit protocol, one per hold; empty where loops do not count.
    faults : tuple of str
        Why loops that were measured do not count.
    """

    bimodality: Bimodality | None = None
    hysteresis: tuple[Hysteresis, ...] = ()
    faults: tuple[str, ...] = ()


NO_DIALOGUES = DialogueEvidence()


@dataclass(frozen=True, kw_only=True)
class DialogueSummary:
    """Records and verdicts of all dialogues, and evidence by the slice of the curve it belongs to."""

    records: tuple[Record, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    evidence: Mapping[frozenset[tuple[str, str]], DialogueEvidence] = field(default_factory=dict)

    def of(self, where: Mapping[str, str]) -> DialogueEvidence:
        """Return the evidence for one curve."""
        return self.evidence.get(frozenset(where.items()), NO_DIALOGUES)


def summarise_dialogues(rows: pa.Table | None, config: TransitionConfig) -> DialogueSummary:
    """Estimate everything that dialogues show, from their rows alone; the same rows give the same numbers.

    Parameters
    ----------
    rows : pyarrow.Table or None
        Of `DIALOGUE_SCHEMA`.
    config : TransitionConfig
        Level, seed, lengths of rollouts and window.
    """
    if rows is None or not rows.num_rows:
        return DialogueSummary()
    records: list[Record] = []
    verdicts: list[Verdict] = []
    evidence: dict[frozenset[tuple[str, str]], DialogueEvidence] = {}
    for category in dict.fromkeys(rows["category"].to_pylist()):
        cut = Cut(where={}, rows=rows).of(category=category)
        family, order, size = (cut.rows[name][0].as_py() for name in ("family", "order", "size"))
        where = {"category": category, "family": family, "order": order, config.size_name: f"{size:g}"}
        found = _scene(CurveMaker(config=config, cut=Cut(where=where, rows=cut.rows)))
        records += found[0]
        verdicts += found[1]
        evidence[frozenset(where.items())] = found[2]
    return DialogueSummary(records=tuple(records), verdicts=tuple(verdicts), evidence=evidence)


def _scene(maker: CurveMaker) -> tuple[list[Record], list[Verdict], DialogueEvidence]:
    tested, checks = self_test_verdict(maker)
    loops = [one for protocol in KEEPS_OWN if (one := loops_of(maker, protocol, tested)) is not None]
    rollouts = rollouts_of(maker)
    records: list[Record] = []
    verdicts: list[Verdict] = list(checks)
    wavering = rollouts.wavering if rollouts else None
    for one in loops:
        records += loop_records(maker, one)
    verdicts += loop_verdicts(maker, loops, escape_lines(wavering) if wavering else ())
    if rollouts:
        records += rollout_records(maker, rollouts)
        verdicts += rollout_verdict(maker, rollouts)
    for said in warning_records(maker):
        if isinstance(said, Record):
            records.append(said)
        else:
            verdicts.append(said)
    counted, faults = _counted(loops, tested)
    two_kinds = wavering.bimodality if wavering else None
    return records, verdicts, DialogueEvidence(bimodality=two_kinds, hysteresis=counted, faults=faults)


def _counted(loops: list[Loops], tested: SelfTest | None) -> tuple[tuple[Hysteresis, ...], tuple[str, ...]]:
    """Return the loops that count, or why none does."""
    if not loops:
        return (), ()
    edited = [one for one in loops if one.protocol == DECIDES]
    if not edited or not edited[0].own:
        reasons = [reason for one in edited for arm, _, reason in one.unknown if arm == "own"]
        why = reasons[0] if reasons else "only append-only ramps were made, on which an accumulator loops too"
        return (), (f"loops do not count: {why}",)
    if tested is None:
        return (), ("loops do not count: the self-test edit_without_own was not made",)
    if not tested.passed:
        return (), ("loops do not count: the apparatus failed its self-test edit_without_own",)
    return edited[0].own, ()
