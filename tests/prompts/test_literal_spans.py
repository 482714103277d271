"""Which control tokens stand outside of somebody's words: the fast search against the plain one."""

from hypothesis import given
from hypothesis import strategies as st

from alignthermo.prompts.literal import _outside

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted).map(tuple), max_size=6)


@given(found=SPANS, spans=SPANS)
def test_the_search_by_bisection_is_the_plain_one(found, spans):
    found = [span for span in found if span[0] < span[1]]
    plain = [span for span in found if not any(span[0] < end and start < span[1] for start, end in spans)]
    assert _outside(found, spans) == plain
