import os

import pytest
import torch

from alignthermo.errors import ModelError
from alignthermo.models import threads
from alignthermo.models.threads import threads_for, usable_cores


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_small_model_gets_one_thread_and_the_setting_comes_back(two_threads, checkpoint):
    folder = str(checkpoint("llama"))
    with threads_for(folder) as inside:
        assert inside == torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_a_large_one_keeps_what_there_is(two_threads, checkpoint, monkeypatch):
    monkeypatch.setattr(threads, "SMALL_MODEL_BYTES", 1)
    with threads_for(str(checkpoint("llama"))) as inside:
        assert inside == 2


def test_the_setting_comes_back_after_an_error(two_threads):
    with pytest.raises(ModelError), threads_for("./nowhere"):
        pass
    assert torch.get_num_threads() == 2


def test_there_is_a_core():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
