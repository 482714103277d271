"""Two models at once: the same answers, a core each, and nobody waits for what has failed."""

import threading
import time
from concurrent.futures import CancelledError

import pytest
import torch

from alignthermo.models import side_by_side
from alignthermo.models.heads import readout_logits
from alignthermo.models.side_by_side import each_has_a_core
from alignthermo.models.side_by_side import side_by_side as read_side_by_side
from tests.models.tiny_models import hugging_face

IDS, POSITIONS = [[5, 6, 7, 8], [9, 10]], [[1, 3], [1]]


@pytest.fixture
def two(checkpoint):
    return {f"seed {seed}": hugging_face(checkpoint("llama", seed=seed)) for seed in (0, 1)}


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: 2)


@pytest.fixture
def one_core(monkeypatch):
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: 1)


def logits(name, model, go_on):
    return readout_logits(model.read(IDS, positions=POSITIONS))


def test_both_are_read_at_the_same_time(two, two_cores):
    meeting = threading.Barrier(2, timeout=20)
    assert sorted(read_side_by_side(two, lambda name, model, go_on: (meeting.wait(), name)[1])) == sorted(two)


def test_answers_are_those_of_reading_in_turn_bit_for_bit(two, two_cores):
    at_once = read_side_by_side(two, logits)
    for got, (name, model) in zip(at_once, two.items(), strict=True):
        torch.testing.assert_close(got, logits(name, model, None), rtol=0, atol=0)


def test_in_turn_on_one_core(two, one_core):
    here = threading.get_ident()
    assert read_side_by_side(two, lambda *_: threading.get_ident()) == [here, here]


def test_models_of_several_threads_have_the_cores_to_themselves(two, two_cores):
    assert each_has_a_core(two)
    torch.set_num_threads(2)
    try:
        assert not each_has_a_core(two)
    finally:
        torch.set_num_threads(1)


def test_what_shares_its_weights_is_read_in_turn(two, two_cores):
    model = two["seed 0"]
    assert not each_has_a_core({"aligned": model, "base": model})
    assert not each_has_a_core({"aligned": model})


def test_the_first_error_ends_the_other(two, two_cores):
    ended = []

    def read(name, model, go_on):
        if name == "seed 1":
            raise ValueError("of seed 1")
        end = time.monotonic() + 20.0
        try:
            while time.monotonic() < end:
                go_on()
                time.sleep(0.005)
        except CancelledError:
            ended.append(name)
            raise

    with pytest.raises(ValueError, match="of seed 1"):
        read_side_by_side(two, read)
    assert ended == ["seed 0"]
