"""The type checker of the test run: on for the package, in every test anew, and for the first calls only."""

import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Float, TypeCheckError

from alignthermo.quantities import Estimate
from tests.conftest import CHECKED_CALLS, FirstCalls, first_calls

WRONG = (np.zeros(3), np.zeros(1))


def test_first_calls_are_checked_in_each_test_anew():
    checks = FirstCalls(first_calls.jaxtyped)

    @checks(typechecker=beartype)
    def added(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return x + y

    for _ in range(2):
        checks.test += 1
        for _ in range(CHECKED_CALLS):
            with pytest.raises(TypeCheckError):
                added(*WRONG)
        assert added(*WRONG).shape == (3,)


def test_functions_and_dataclasses_of_the_package_are_checked():
    with pytest.raises(TypeCheckError):
        Estimate.unknown(3, n=1, unit="1", method="none")
    with pytest.raises(TypeCheckError):
        Estimate(value="1", n=1, unit="1", method="none")


def test_without_the_checker_nothing_is_checked(without_shape_checker):
    assert Estimate.unknown("no data", n="1", unit="1", method="none").n == "1"
