"""Grids of cells: what neighbours share, what draws depend on, what controls and reminders add."""

import math
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignthermo.contexts import (
    ContextComposer,
    Design,
    Material,
    Reinforcement,
    append_only_sizes,
    check_lengths,
    fixed_length_sizes,
    prefix_counts,
)
from alignthermo.errors import ConfigError, ContextTooLong, InputError
from tests.contexts.tokenizers import a_task, pool

ALPHAS = [i / 8 for i in range(9)]
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def composer(tokenizers):
    return ContextComposer(tokenizers["word"])


def contexts(composer, design, *tasks):
    return list(composer.sweep(design, tasks or [a_task()]))


def shared(a, b):
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def units(context, kind):
    return [(t.unit, t.copy) for t in context.turns if t.place == "dealt" and t.kind == kind]


@FEW
@given(seed=st.integers(0, 10**6), grown=st.lists(st.integers(0, 120), min_size=2, max_size=5, unique=True))
def test_append_only_contexts_continue_each_other(composer, seed, grown):
    sizes = append_only_sizes([60], grown)
    found = contexts(composer, Design(sizes=sizes, orders=("adversarial_last",), seed=seed))
    for smaller, larger in pairwise(found):
        assert larger.counts.instruction == smaller.counts.instruction
        turns = smaller.counts.total - smaller.counts.query - smaller.counts.template
        assert shared(smaller.ids, larger.ids) >= turns


@FEW
@given(seed=st.integers(0, 10**6), order=st.sampled_from(["adversarial_last", "adversarial_first"]))
def test_fixed_length_neighbours_share_all_they_can(composer, seed, order):
    found = contexts(composer, Design(sizes=fixed_length_sizes(ALPHAS, [120]), orders=(order,), seed=seed))
    first = "instruction" if order == "adversarial_last" else "adversarial"
    for left, right in pairwise(found):
        fewer, more = sorted((units(left, first), units(right, first)), key=len)
        assert more[: len(fewer)] == fewer
        system = sum(t.tokens for t in left.turns if t.place == "system")
        common = [t.tokens for t in (*left.turns, *right.turns) if (t.unit, t.copy) in fewer]
        assert shared(left.ids, right.ids) >= system + sum(common) / 2


def test_saving_of_a_sweep(composer):
    grown = [i * 25 for i in range(17)]
    last = Design(sizes=append_only_sizes([200], grown), orders=("adversarial_last",))
    tree = prefix_counts([context.ids for context in contexts(composer, last)])
    # each of the 17 is read anew, against the longest once and a request for each
    assert tree.saving > 8
    sizes = fixed_length_sizes([0.25, 0.5, 0.75], [120])
    alone = Design(sizes=sizes)
    tasks = [a_task(f"q{i}", request=f"open the box {'again ' * i}") for i in range(6)]
    own = prefix_counts([c.ids for c in contexts(composer, alone, *tasks)])
    together = Design(sizes=sizes, share="sweep")
    joint = prefix_counts([c.ids for c in contexts(composer, together, *tasks)])
    assert joint.naive_tokens == pytest.approx(own.naive_tokens, rel=0.05)
    assert joint.saving > 3 * own.saving


def test_shared_draws_hardly_depend_on_what_else_a_pool_has(composer):
    design = Design(sizes=((100.0, 0.0),), orders=("adversarial_last",), share="sweep")
    pools = [pool("instruction"), tuple(u for u in pool("instruction") if u.id != "instruction-3")]
    tasks = [a_task(f"q{i}", instruction=units_) for i, units_ in enumerate(pools)]
    first, second = (units(c, "instruction") for c in contexts(composer, design, *tasks))
    kept = [one for one in first if one[0] != "instruction-3"]
    assert second[: len(kept)] == kept


def test_everything_is_repeatable_and_draws_differ(composer, tokenizers):
    design = Design(sizes=fixed_length_sizes([0, 0.5, 1], [80]), replicates=3, seed=5)
    once, again = contexts(composer, design), contexts(ContextComposer(tokenizers["word"]), design)
    assert once == again
    assert len({context.id for context in once}) == len(once) == len(design)
    middle = [context.digest for context in once if context.wanted.alpha == 0.5]
    assert len(set(middle)) == 3
    other_seed = contexts(composer, Design(sizes=((40.0, 40.0),), seed=6))
    assert other_seed[0].digest not in middle
    # one more alpha, order or replicate leaves the others as they are
    wider = Design(
        sizes=fixed_length_sizes([0, 0.3, 0.5, 1], [80]),
        replicates=4,
        seed=5,
        orders=("adversarial_last", "random"),
    )
    digests = {context.id: context.digest for context in contexts(composer, wider)}
    assert {c.id: c.digest for c in once}.items() <= digests.items()


def test_random_order_is_random(composer):
    design = Design(sizes=((40.0, 40.0),), replicates=80)
    found = contexts(composer, design)
    heads = [next(t.kind for t in c.turns if t.place == "dealt") == "adversarial" for c in found]
    share = sum(len(units(c, "adversarial")) / sum(t.place == "dealt" for t in c.turns) for c in found) / 80
    assert abs(sum(heads) / 80 - share) < 4 * math.sqrt(share * (1 - share) / 80)
    # teeth: a fixed order is not taken for a random one
    fixed = contexts(composer, Design(sizes=((70.0, 70.0),), orders=("adversarial_last",), replicates=20))
    assert not any(next(t.kind for t in c.turns if t.place == "dealt") == "adversarial" for c in fixed)


def test_closest_comes_at_least_as_near_as_nested(composer):
    sizes = fixed_length_sizes(ALPHAS, [113])
    missed = {}
    for matching in ("nested", "closest"):
        found = contexts(composer, Design(sizes=sizes, matching=matching))
        missed[matching] = [(abs(c.missed_instruction), abs(c.missed_adversarial)) for c in found]
    for near, nested in zip(missed["closest"], missed["nested"], strict=True):
        assert near[0] <= nested[0]
        assert near[1] <= nested[1]
    assert max(miss[1] for miss in missed["closest"]) <= 1


def test_reached_counts_are_on_the_achievable_grid(composer):
    for matching in ("nested", "closest"):
        design = Design(sizes=fixed_length_sizes(ALPHAS, [113]), matching=matching)
        grid = composer.achievable(design, a_task())
        for context in contexts(composer, design):
            reached = (context.counts.instruction, context.counts.adversarial)
            # a reached count may lie one turn beyond the largest wish, where the grid ends
            assert reached[0] in grid.instruction or reached[0] > grid.instruction[-1]
            assert reached[1] in grid.adversarial or reached[1] > grid.adversarial[-1]


def test_dilution_has_as_much_filler_in_the_same_places(composer):
    design = Design(
        sizes=fixed_length_sizes(ALPHAS, [160]), orders=("random",), controls=("attack", "dilution")
    )
    found = contexts(composer, design)
    attacks, diluted = found[: len(ALPHAS)], found[len(ALPHAS) :]
    for attack, control in zip(attacks, diluted, strict=True):
        assert control.counts.adversarial == 0
        assert control.alpha == 0
        assert control.replaced == attack.counts.adversarial
        assert abs(control.missed_adversarial) <= 4
        assert control.counts.instruction == attack.counts.instruction
        kept = [t.unit for t in attack.turns if t.kind == "instruction"]
        assert [t.unit for t in control.turns if t.kind == "instruction"] == kept
    positions = [_starts(context) for context in (attacks[4], diluted[4])]
    assert all(abs(a - b) <= 12 for a, b in zip(*positions, strict=True))


def _starts(context):
    return [s.start for s in context.spans if s.kind == "instruction"]


def test_dilution_spreads_over_the_filler(composer):
    (control,) = contexts(composer, Design(sizes=((0.0, 150.0),), controls=("dilution",)))
    fillers = [t.unit for t in control.turns if t.kind == "filler"]
    assert max(fillers.count(one) for one in fillers) <= 3
    assert len(set(fillers)) > len(fillers) / 2


@pytest.mark.parametrize("placement", ["start", "end", "interleaved"])
def test_reinforcement_comes_on_top(composer, placement):
    more = [Reinforcement(tokens=n, placement=placement, phrasing="remember") for n in (20, 45)]
    design = Design(sizes=((80.0, 80.0),), reinforcements=(None, *more))
    plain, some, most = contexts(composer, design)
    for context, wanted in ((some, 20), (most, 45)):
        assert abs(context.counts.reinforcement - wanted) <= 4
        assert context.counts.instruction == plain.counts.instruction + context.counts.reinforcement
        assert context.counts.adversarial == plain.counts.adversarial
        assert context.alpha < plain.alpha
        assert context.missed_instruction == plain.missed_instruction
        others = [t.unit for t in context.turns if t.place != "reinforcement"]
        assert others == [t.unit for t in plain.turns]
        at = [i for i, t in enumerate(context.turns) if t.place == "reinforcement"]
        edge = {
            "start": list(range(1, 1 + len(at))),
            "end": list(range(len(context.turns) - 1 - len(at), len(context.turns) - 1)),
        }
        if placement in edge:
            assert at == edge[placement]
        else:
            assert 1 < at[0] <= at[-1] < len(context.turns) - 2
    names = [[t.unit for t in c.turns if t.place == "reinforcement"] for c in (some, most)]
    assert names[1][: len(names[0])] == names[0]


def test_filler_of_the_same_length_is_the_control_of_reinforcement(composer):
    arms = [Reinforcement(tokens=45, placement="end", phrasing=name) for name in ("remember", "filler")]
    plain, own, filler = contexts(composer, Design(sizes=((80.0, 80.0),), reinforcements=(None, *arms)))
    assert abs(filler.counts.reinforcement - own.counts.reinforcement) <= 10
    assert filler.counts.filler == plain.counts.filler + filler.counts.reinforcement
    assert filler.counts.instruction == plain.counts.instruction
    assert filler.alpha == plain.alpha
    assert filler.missed_instruction == plain.missed_instruction


def test_reinforcement_needs_its_phrasing(composer):
    design = Design(
        sizes=((50.0, 0.0),), reinforcements=(Reinforcement(tokens=9, placement="end", phrasing="sung"),)
    )
    with pytest.raises(
        ConfigError, match=r"no reminder of that phrasing; it has firm, remember, repeat, short"
    ):
        contexts(composer, design)


def test_repeated_turns_are_noted_or_refused(composer):
    small = a_task(adversarial=pool("adversarial", size=2))
    (context,) = contexts(composer, Design(sizes=((20.0, 100.0),)), small)
    assert "turns repeated: the pool was used up" in context.notes
    assert max(t.copy for t in context.turns) > 0
    with pytest.raises(
        InputError, match=r"100 adversarial tokens are wanted, but all turns .* together have \d+"
    ):
        contexts(composer, Design(sizes=((20.0, 100.0),), repeat=False), small)
    with pytest.raises(
        InputError, match="100 adversarial tokens are wanted, but the material has no such turn"
    ):
        contexts(composer, Design(sizes=((20.0, 100.0),)), a_task(adversarial=()))
    assert contexts(composer, Design(sizes=((20.0, 0.0),)), a_task(adversarial=()))


def test_too_long_contexts_are_listed(composer):
    found = contexts(composer, Design(sizes=append_only_sizes([40], [20, 100, 200])))
    check_lengths(found, max_length=max(c.counts.total for c in found))
    with pytest.raises(ContextTooLong) as caught:
        check_lengths(found, max_length=150, reserve=20)
    message = str(caught.value)
    assert message.startswith("2 context(s) do not fit the model's 150 tokens with 20 more for the answer:")
    assert found[1].id in message
    assert found[2].id in message
    assert found[0].id not in message


BAD = [
    ({"sizes": ()}, "at least one size"),
    ({"sizes": ((0.0, 0.0),)}, "not both 0"),
    ({"sizes": ((-1.0, 5.0),)}, ">= 0"),
    ({"sizes": ((math.nan, 5.0),)}, "finite"),
    ({"replicates": 0}, "replicates >= 1"),
    ({"block": 0}, "block >= 1"),
    ({"orders": ()}, "orders of a design: choose some of random, adversarial_last"),
    ({"orders": ("random", "random")}, "each once"),
    ({"sizes": ((5.0, 5.0), (5.0, 5.0))}, "the same cell twice"),
]


@pytest.mark.parametrize(("changes", "words"), BAD)
def test_impossible_designs(changes, words):
    with pytest.raises(ConfigError, match=words):
        Design(**{"sizes": ((10.0, 10.0),), **changes})


def test_impossible_alpha_and_tasks(composer):
    with pytest.raises(ConfigError, match="share between 0 and 1"):
        fixed_length_sizes([0, 1.5], [100])
    with pytest.raises(ConfigError, match="same query and family"):
        contexts(composer, Design(sizes=((10.0, 0.0),)), a_task(), a_task())
    with pytest.raises(ConfigError, match="is not adversarial, but stands in the pool 'adversarial'"):
        Material(family="x", adversarial=pool("instruction"))
    with pytest.raises(ConfigError, match="two turns with the id 'adversarial-0'"):
        Material(family="x", adversarial=pool("adversarial") * 2)
    with pytest.raises(ConfigError, match="at least 1 token"):
        Reinforcement(tokens=0, placement="end", phrasing="short")
