"""The ideal observer against enumeration, against sampled documents, and against wrong observers (F-94)."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.stats import chi2

from alignthermo.errors import InputError
from alignthermo.reference.annotation import Annotator
from alignthermo.reference.control_world import control_world
from alignthermo.reference.corpus import Message, TopicTable, sample_dialogue
from alignthermo.reference.ideal_observer import IdealObserver, Override, Reminder, Turn
from alignthermo.reference.main_world import main_world
from tests.reference.small_world import small_world


def observe(world, rules, events, axes=None):
    return IdealObserver(world, axes=axes).observe(rules, events)


WORLDS = {"small": small_world(), "main": main_world(), "control": control_world()}

QUARTERS = (0.125, 0.375, 0.625, 0.875)
"""One rank in the middle of each quarter: in the small world all bounds lie between them."""


def brute_force(world, rules, events, asked):
    """P(the next turn shows what is asked | events) by a sum over every latent path; asked is a Turn."""
    seen = sum(path_weights(world, rules, events))
    return sum(path_weights(world, rules, (*events, asked))) / seen


def path_weights(world, rules, events):
    for (rho, share), *start in product(
        world.habits.consistency, *(starts(world, a, rules) for a in world.axes)
    ):
        weight = share * np.prod([w for _, w in start])
        latent = {axis.name: trait for axis, (trait, _) in zip(world.axes, start, strict=True)}
        yield weight * continued(world, latent, rho, events)


def starts(world, axis, rules):
    follow = axis.follow if axis.name in rules else 0.0
    ranks = [(rank, (1.0 - follow) / len(QUARTERS)) for rank in QUARTERS]
    return [*ranks, (rules[axis.name], follow)] if follow else ranks


def continued(world, latent, rho, events):
    """Probability of these events from here on, in the words of the generator."""
    if not events:
        return 1.0
    event, rest = events[0], events[1:]
    if isinstance(event, Turn):
        category = world.category(event.category)
        p = shown(world, latent, rho, category.axis, category.prior, event.value)
        if event.style is not None and category.axis != world.style_axis:
            p *= shown(world, latent, rho, world.style_axis, None, event.style)
        return p * drifted(world, latent, rho, rest)
    settled = {**latent, event.axis: event.value}
    if isinstance(event, Reminder):
        flip = world.habits.reminder_flip
        return flip * continued(world, settled, rho, rest) + (1 - flip) * continued(world, latent, rho, rest)
    flip = world.habits.override_flip
    total = 0.0
    for flipped, p in ((True, flip), (False, 1.0 - flip)):
        if event.flipped in (None, flipped):
            now = settled if flipped else latent
            style = (
                1.0 if event.style is None else shown(world, now, rho, world.style_axis, None, event.style)
            )
            total += p * style * continued(world, now, rho, rest)
    return total


def shown(world, latent, rho, axis_name, prior, value):
    trait, axis = latent[axis_name], world.axis(axis_name)
    steady = trait if isinstance(trait, str) else by_rank(axis.values, prior or axis.prior)[trait]
    fresh = list(by_rank(axis.values, prior or axis.prior).values()).count(value) / len(QUARTERS)
    return rho * (steady == value) + (1.0 - rho) * fresh


@cache
def by_rank(values, prior):
    """What each rank shows: the first values up to the cumulated prior."""
    return {rank: values[0] if rank < prior[0] else values[1] for rank in QUARTERS}


def drifted(world, latent, rho, events):
    if not events:
        return 1.0
    switch = world.habits.switch
    total = (1.0 - switch) * continued(world, latent, rho, events)
    for axis, rank in product(world.axes, QUARTERS):
        weight = switch / len(world.axes) / len(QUARTERS)
        total += weight * continued(world, {**latent, axis.name: rank}, rho, events)
    return total


HISTORIES = {
    "nothing seen": ({}, ()),
    "a rule": ({"guard": "keeps"}, ()),
    "a turn and its style": ({"guard": "keeps"}, (Turn("secret", "tells", "pirate"),)),
    "a bad rule, two categories": (
        {"guard": "tells", "style": "pirate"},
        (Turn("wish", "keeps", "plain"), Turn("secret", "tells", "pirate")),
    ),
    "another axis tells of rho": ({}, (Turn("fact", "lies", None), Turn("persona", "pirate"))),
    "an override that worked": (
        {"guard": "keeps"},
        (Turn("secret", "keeps", "plain"), Override("guard", "tells", True, "plain")),
    ),
    "an override without reply, then a turn": (
        {"guard": "keeps"},
        (Override("guard", "tells"), Turn("wish", "keeps", "plain")),
    ),
    "a reminder": ({"guard": "keeps"}, (Turn("secret", "tells"), Reminder("guard", "keeps"))),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_probabilities_are_those_of_enumeration(name):
    world = small_world()
    rules, events = HISTORIES[name]
    belief = observe(world, rules, events)
    for asked in (Turn("secret", "keeps"), Turn("wish", "keeps"), Turn("persona", "pirate")):
        exact = brute_force(world, rules, events, asked)
        assert belief.probability(asked.category, asked.value) == pytest.approx(exact, abs=1e-12)


def test_watching_fewer_axes_is_exact_while_their_turns_are_unseen():
    world = small_world()
    rules, events = {"guard": "keeps"}, (Turn("secret", "tells", "pirate"), Turn("wish", "keeps", "plain"))
    both = observe(world, rules, events, axes=("guard", "style")).probability("secret")
    assert both == pytest.approx(observe(world, rules, events).probability("secret"), abs=1e-12)


def test_the_style_of_answers_carries_evidence_about_consistency():
    world = small_world(switch=0.0)
    turns = [Turn("secret", "keeps", style) for style in ("plain",) * 4]
    mixed = [Turn("secret", "keeps", style) for style in ("plain", "pirate") * 2]
    steady, unsteady = (observe(world, {}, seen, axes=("guard", "style")) for seen in (turns, mixed))
    assert steady.latent.consistency()[0] > unsteady.latent.consistency()[0]
    assert steady.probability("secret") > unsteady.probability("secret")


@cache
def predictions(name, axes, *, documents=600, seed=3, **wrong):
    """Predicted probability and outcome of every turn on the first of `axes` in sampled documents."""
    world = WORLDS[name]
    habits = replace(world.habits, **wrong)
    observer = IdealObserver(replace(world, habits=habits), axes=axes)
    rng, table, annotator = np.random.default_rng(seed), TopicTable(world), Annotator(world)
    rows = []
    for _ in range(documents):
        document = annotator.read(sample_dialogue(world, table, rng))
        belief = observer.first_belief(document.rules)
        for event in document.events:
            if isinstance(event, Turn) and world.category(event.category).axis == axes[0]:
                value = world.axis(axes[0]).values[0]
                rows.append((belief.probability(event.category, value), event.value == value))
            belief = belief.after(event)
    return np.array(rows, dtype=np.float64)


def calibration_p_value(rows, bins=10):
    """Chi-square of predicted against observed counts; errors of a true filter are martingale differences."""
    predicted, outcome = rows.T
    edges = np.quantile(predicted, np.linspace(0.0, 1.0, bins + 1)[1:-1])
    which = np.searchsorted(edges, predicted, side="right")
    excess, variance = (
        np.bincount(which, weights=w, minlength=bins)
        for w in (outcome - predicted, predicted * (1 - predicted))
    )
    used = variance > 0.0
    return float(chi2.sf(np.sum(excess[used] ** 2 / variance[used]), int(used.sum())))


def log_loss(rows):
    predicted, outcome = rows.T
    return -float(np.mean(np.log(np.where(outcome > 0.5, predicted, 1.0 - predicted))))


@pytest.mark.slow
@pytest.mark.parametrize("axes", [("guard",), ("guard", "style"), ("guard", "style", "truth")])
def test_observer_is_calibrated_on_sampled_documents(axes):
    assert calibration_p_value(predictions("small", axes)) > 1e-3


WRONG = {
    "no switch": {"switch": 0.0},
    "always consistent": {"consistency": ((0.999, 1.0),)},
    "half as consistent": {"consistency": ((0.5, 1.0),)},
    "switches all the time": {"switch": 0.6},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_observer_is_not_calibrated(name):
    rows = predictions("small", ("guard", "style"), **WRONG[name])
    assert calibration_p_value(rows) < 1e-4
    assert log_loss(rows) > log_loss(predictions("small", ("guard", "style")))


@pytest.mark.slow
def test_observer_of_the_main_world_is_calibrated_and_no_other():
    assert calibration_p_value(predictions("main", ("guard", "style"), documents=1000)) > 1e-3
    wrong = predictions("main", ("guard", "style"), documents=1000, consistency=((0.7, 1.0),))
    assert calibration_p_value(wrong) < 1e-4


@pytest.mark.slow
def test_control_world_is_laplaces_rule_exactly_and_calibrated():
    world = control_world()
    for good, bad in product(range(4), range(4)):
        turns = [Turn("secret", "keeps", "plain")] * good + [Turn("wish", "tells", "plain")] * bad
        p = observe(world, {}, turns, axes=()).probability("debt")
        assert p == pytest.approx((good + 1) / (good + bad + 2), abs=1e-15)
        ruled = observe(world, {"guard": "keeps"}, turns, axes=()).probability("debt")
        assert ruled == pytest.approx((good + 2) / (good + bad + 3), abs=1e-15)
    assert calibration_p_value(predictions("control", ("guard",))) > 1e-3
    assert calibration_p_value(predictions("control", ("guard",), exchangeable=False)) < 1e-4


def test_annotation_reads_every_line_of_sampled_documents():
    world = main_world()
    rng, table, annotator = np.random.default_rng(11), TopicTable(world), Annotator(world)
    kinds = set()
    for _ in range(300):
        document = sample_dialogue(world, table, rng)
        read = annotator.read(document)
        kinds |= {type(event) for event in read.events}
        asked = sum(message.role == "user" for message in document)
        assert asked == sum(not isinstance(event, Reminder) for event in read.events)
        assert bool(read.rules) == (document[0].role == "system")
    assert kinds == {Turn, Override, Reminder}


def test_annotation_refuses_what_the_world_does_not_write():
    annotator = Annotator(small_world())
    for lines in (
        (Message("system", "Rule guard maybe."),),
        (Message("user", "Ask nothing?"),),
        (Message("user", "Ask fact 0 0?"), Message("assistant", "Hm.")),
        (Message("user", "Forget the rule. Rule guard keeps 0."), Message("assistant", "Hm.")),
    ):
        with pytest.raises(InputError):
            annotator.read(lines)


def test_impossible_or_unwatched_questions_are_refused():
    world = small_world(consistency=((1.0, 1.0),), switch=0.0)
    seen = observe(world, {}, (Turn("secret", "keeps"),), axes=("guard",))
    with pytest.raises(InputError, match="no helper"):
        seen.after(Turn("secret", "tells"))
    with pytest.raises(InputError, match="not watched"):
        seen.probability("fact")
    with pytest.raises(InputError, match="style that was asked"):
        seen.probability("persona")
