"""The tree and its passes, without a model."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignthermo.observables.forest import Question
from alignthermo.observables.forest.demand import demand_of, token_tree
from alignthermo.observables.forest.ledger import naive_tokens
from alignthermo.observables.forest.schedule import Bounds, Grow, Leave, Read, schedule
from alignthermo.observables.forest.shelf import Shelf
from alignthermo.observables.forest.trie import grow_trie
from benchmarks.sweep.designs import DESIGNS, Size

IDS = st.lists(st.integers(0, 2), min_size=0, max_size=9).map(tuple)
QUESTIONS = st.lists(st.tuples(IDS.filter(bool), st.lists(IDS, max_size=3)), min_size=1, max_size=8)


def questions_of(drawn):
    return [
        Question(key=str(n), context=context, candidates=tuple(candidates))
        for n, (context, candidates) in enumerate(drawn)
    ]


def prefixes(questions):
    """Every distinct sequence that has to be read, spelled out."""
    found = set()
    for q in questions:
        for sequence in (q.context, *(q.context + c[:-1] for c in q.candidates)):
            found |= {sequence[: n + 1] for n in range(len(sequence))}
    return found


def spelled(tree, token):
    above = [k for k in range(token + 1) if k <= token < tree.end[k]]
    return tuple(int(tree.ids[k]) for k in above)


@given(QUESTIONS)
@settings(max_examples=60, deadline=None)
def test_the_tree_is_every_distinct_beginning_once(drawn):
    questions = questions_of(drawn)
    trie = grow_trie(questions)
    tree = token_tree(trie)
    spellings = [spelled(tree, token) for token in range(tree.n_tokens)]
    assert len(spellings) == len(set(spellings))
    assert set(spellings) == prefixes(questions)
    assert [len(s) - 1 for s in spellings] == tree.depth.tolist()
    demand = demand_of(questions, trie, readouts=False)
    wanted = sorted(zip(demand.slot, demand.question, demand.place, demand.token, strict=True))
    asked = [
        (n, q.context + c[:i], c[i])
        for n, q in enumerate(questions)
        for c in q.candidates
        for i in range(len(c))
    ]
    assert [(n, spellings[place], token) for _, n, place, token in wanted] == asked
    shuffled = token_tree(grow_trie(questions[::-1]))
    assert np.array_equal(tree.ids, shuffled.ids)
    assert np.array_equal(tree.end, shuffled.end)


def follow(steps, tree, bounds):
    """Execute passes on paper: ancestors must be in hand or in the row."""
    chains, seen, deepest, padding = [np.empty(0, dtype=int)], [], 0, 0
    for step in steps:
        if isinstance(step, Leave):
            chains.pop()
            continue
        past = chains[-1][: step.known]
        rows = [step.tokens] if isinstance(step, Grow) else step.rows
        for row in rows:
            held = np.concatenate([past, row])
            for token in row:
                above = [k for k in held if k <= token < tree.end[k]]
                assert len(above) == tree.depth[token] + 1
            seen += row.tolist()
        if isinstance(step, Grow):
            chains.append(np.concatenate([past, step.tokens]))
            deepest = max(deepest, len(chains))
        else:
            longest = max(map(len, rows))
            assert longest * len(rows) <= bounds.slots
            assert len(rows) == 1 or len(rows) * (step.known + longest) <= bounds.cached
            padding += longest * len(rows) - sum(map(len, rows))
    assert len(chains) == 1
    return seen, deepest, padding


@given(QUESTIONS, st.sampled_from([3, 8, 2048]), st.sampled_from([4, 64]), st.sampled_from([0, 50, 2**24]))
@settings(max_examples=50, deadline=None)
def test_every_token_is_read_once_with_all_its_ancestors(drawn, slots, cached, masked):
    trie = grow_trie(questions_of(drawn))
    tree = token_tree(trie)
    bounds = Bounds(slots=slots, cached=cached, masked=masked)
    seen, deepest, _ = follow(schedule(trie.root, bounds=bounds), tree, bounds)
    assert sorted(seen) == list(range(tree.n_tokens))
    assert deepest <= 2 + math.log2(tree.n_tokens)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_full_sweep_saves_what_can_be_saved(design):
    prompts = 50 if design == "nested" else 12
    questions = DESIGNS[design](Size(prompts=prompts))
    assert len(questions) == 17 * prompts
    trie = grow_trie(questions)
    naive, optimal = naive_tokens(questions, replicates=0), token_tree(trie).n_tokens
    forwarded = slots = 0
    for step in schedule(trie.root, bounds=Bounds(slots=1024, cached=16_384)):
        if isinstance(step, Grow):
            forwarded, slots = forwarded + len(step.tokens), slots + len(step.tokens)
        elif isinstance(step, Read):
            forwarded += sum(map(len, step.rows))
            slots += max(map(len, step.rows)) * len(step.rows)
    assert naive >= 10 * slots
    assert naive - slots >= 0.95 * (naive - optimal)  # padding counted against us
    assert forwarded == optimal


def test_where_arithmetic_is_slow_more_passes_compute_less_in_vain():
    """A conversation probed along its way: trunk first, then its branches level by level."""
    history = tuple(range(3, 1027))
    questions = [Question(key=str(t), context=history[:t] + (1, 2) * 9) for t in range(32, 1025, 32)]
    trie = grow_trie(questions)

    def pairs_and_passes(masked):
        pairs, passes = 0, 0
        for step in schedule(trie.root, bounds=Bounds(slots=2048, cached=16_384, masked=masked)):
            if isinstance(step, Read):
                longest = max(map(len, step.rows))
                pairs, passes = pairs + longest * len(step.rows) * (step.known + longest), passes + 1
        return pairs, passes

    (few, many_passes), (many, one_pass) = pairs_and_passes(2**17), pairs_and_passes(2**24)
    assert one_pass == 1
    assert 3 <= many_passes <= 5
    assert few < many / 2


def test_a_shelf_drops_the_outermost_and_makes_it_anew():
    made = []
    shelf = Shelf(limit=10)
    for name, length in (("a", 4), ("b", 5), ("c", 6)):
        shelf.put(name, length=length, again=lambda name=name: made.append(name) or name.upper())
        assert shelf.held <= 10
    assert shelf.top() == "c"
    shelf.leave()
    assert shelf.top() == "B"  # dropped when c came: 5 + 6 > 10
    shelf.leave()
    assert shelf.top() == "A"
    shelf.leave()
    assert shelf.top() is None
    assert made == ["B".lower(), "a"]
    shelf.put("long", length=99, again=str)
    assert shelf.held == 99  # a single one is always held
