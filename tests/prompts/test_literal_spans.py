"""Which control tokens stand outside of somebody's words: the fast search against the plain one."""

from hypothesis import given
from hypothesis import strategies as st

from alignthermo.prompts.literal import ControlTokens, _outside

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted).map(tuple), max_size=6)


@given(found=SPANS, spans=SPANS)
def test_the_search_by_bisection_is_the_plain_one(found, spans):
    found = [span for span in found if span[0] < span[1]]
    plain = [span for span in found if not any(span[0] < end and start < span[1] for start, end in spans)]
    assert _outside(found, spans) == plain


SHORT = st.text("a<|>", max_size=4)
WORDS = st.lists(st.text("a<|>", min_size=1, max_size=4), min_size=1, max_size=4, unique=True)


@given(words=WORDS, before=SHORT, content=SHORT, after=SHORT)
def test_text_that_no_control_token_can_touch_is_touched_by_none(words, before, content, after):
    controls = ControlTokens(special={word: n for n, word in enumerate(words)}, structural={})
    found = controls.find(before + content + after)
    start, end = len(before), len(before) + len(content)
    if content.strip() and not controls.could_touch(content):
        assert not any(a < end and start < b for a, b in found)


def test_ordinary_text_is_not_touched_and_pieces_of_control_tokens_may_be():
    controls = ControlTokens(special={"<|im_end|>": 0, "User: ": 1}, structural={"[/INST]": 2})
    for text in ("What does a gardener do in winter?", "1 < 2 and User is a word", "[note] a", ""):
        assert not controls.could_touch(text)
    for piece in ("1 <", "end|> and more", "im_en", "im_en ", "a [/INST] b", ": so"):
        assert controls.could_touch(piece)
