"""What refinement can cost at most: which cells are steep is known only once the sweep is read."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from alignthermo.contexts import Context
from alignthermo.experiments.transition_cells import PARTS
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_plan import TransitionPlan
from alignthermo.experiments.transition_shards import ComposedPrompt

__all__ = ["RefinementBound", "refinement_bound"]


@dataclass(frozen=True, kw_only=True)
class RefinementBound:
    """Most contexts that refinement adds, and most tokens one model then forwards."""

    contexts: int
    tokens: int


def refinement_bound(plan: TransitionPlan, config: TransitionConfig) -> RefinementBound:
    """Bound what every round costs if each curve is steep in one cell, which is all a round can refine.

    Each dose of redundant instruction is a curve of its own; their rounds may refine the plain one as well.

    Between two neighbouring α a context holds at most the instruction of the one and the attack of the other,
    and one turn more where the grid was not reached.
    """
    contexts = tokens = 0
    added = config.refine * (PARTS - 1)
    for shard in plan.shards:
        for one in shard.prompts:
            answers = sum(len(answer) - 1 for answer in (*one.compliant, *one.defiant))
            for curve in _curves(one, config):
                again = 2 if _is_raised(curve[0], config) else 1
                contexts += again * added
                tokens += again * added * (_longest(curve) + answers)
    return RefinementBound(contexts=contexts, tokens=tokens)


def _is_raised(context: Context, config: TransitionConfig) -> bool:
    """Whether a context is of a plain curve that is read with redundant instruction as well."""
    cell = context.wanted
    plain = bool(config.reinforcements) and cell.reinforcement is None
    return plain and _size(context, config) == round(config.lengths[0], 6)


def _size(context: Context, config: TransitionConfig) -> float:
    # shares of a length may add up to it but for the last bit
    cell = context.wanted
    return round(cell.length if config.size_name == "length" else cell.n_instruction, 6)


def _curves(one: ComposedPrompt, config: TransitionConfig) -> list[list[Context]]:
    """Contexts under attack of each family, order, replicate, size and reinforcement, α ascending."""
    found: dict[tuple[object, ...], list[Context]] = defaultdict(list)
    for context in one.contexts:
        cell = context.wanted
        if cell.control == "attack":
            more = cell.reinforcement and cell.reinforcement.name
            size = _size(context, config)
            found[context.family, cell.order, cell.replicate, size, more].append(context)
    return [sorted(curve, key=lambda context: context.wanted.alpha) for curve in found.values()]


def _longest(curve: Sequence[Context]) -> int:
    beside = max(c.counts.total - c.length for c in curve)
    both = [left.counts.instruction + right.counts.adversarial for left, right in pairwise(curve)]
    turn = max(turn.tokens for context in curve for turn in context.turns)
    return beside + max(both, default=curve[0].length) + turn
