"""Types and shapes are checked on the first calls of each function in each test, no longer on all.

The import hook of jaxtyping puts `jaxtyping.jaxtyped` on every function and class of the package. A checked
call costs some fifty microseconds, more than most functions; one fit calls them a hundred thousand times.
"""

import dataclasses
import functools
import inspect

import jaxtyping
import pytest

CHECKED_CALLS = 10
"""Of each function, anew in each test; a fixture counts with the test that asks for it first."""


class FirstCalls:
    """Stands in for `jaxtyping.jaxtyped` where the import hook calls it."""

    def __init__(self, jaxtyped):
        self.jaxtyped = jaxtyped
        self.test = 0

    def __call__(self, *, typechecker):
        def decorate(subject):
            if not inspect.isclass(subject):
                return self.checked_at_first(subject, typechecker)
            if dataclasses.is_dataclass(subject) and "__init__" in vars(subject):
                subject.__init__ = self.checked_at_first(subject.__init__, typechecker)
            return subject

        return decorate

    def checked_at_first(self, function, typechecker):
        checked = None  # made at the first call: most tests import far more than they call
        test, calls = 0, 0

        @functools.wraps(function)
        def call(*arguments, **options):
            nonlocal checked, test, calls
            if test != self.test:
                test, calls = self.test, 0
            calls += 1
            if calls > CHECKED_CALLS:
                return function(*arguments, **options)
            if checked is None:
                checked = self.jaxtyped(function, typechecker=typechecker)
            return checked(*arguments, **options)

        return call


first_calls = FirstCalls(jaxtyping.jaxtyped)
jaxtyping.jaxtyped = first_calls


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    first_calls.test += 1


@pytest.fixture
def without_shape_checker():
    """Run as users do, without the shape checker: here the package's own refusals are looked at."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
