"""Neutral text of equal length keeps everything but the words."""

import pytest

from alignthermo.errors import InputError
from alignthermo.observables.drift import overwritten, run_of_filler


def test_only_the_spans_change():
    ids = tuple(range(20))
    written = overwritten(ids, [(2, 7), (10, 20)], [100, 101, 102])
    assert len(written) == len(ids)
    assert written[:2] == ids[:2]
    assert written[7:10] == ids[7:10]
    assert written[2:7] + written[10:] == run_of_filler([100, 101, 102], 15)


def test_refusals():
    assert overwritten((1, 2), [], []) == (1, 2)
    assert run_of_filler([], 0) == ()
    with pytest.raises(InputError, match="empty"):
        run_of_filler([], 3)
    for spans in ([(3, 1)], [(0, 4), (3, 5)], [(0, 9)]):
        with pytest.raises(InputError, match="span"):
            overwritten(range(6), spans, [7])
