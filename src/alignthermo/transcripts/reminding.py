"""What a reminder says: the instruction again, in other words, or the gist of it."""

import re
from collections.abc import Sequence

from alignthermo.errors import InputError

__all__ = ["gist_of", "reminder_text"]

SHORT = 40
"""Instructions of so few words are their own gist."""
_SHARE = 3

_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:[.!?。！？]+|\n|$)")
_BINDING = re.compile(
    r"\b(?:never|always|must|only|not|no|cannot|don't|won't|every|avoid|refuse|forbidden|required|keep|stay)\b",
    re.IGNORECASE,
)


def gist_of(rule: str) -> str:
    """Return the sentences of an instruction that bind, at most a third of its words.

    A sentence binds that says *never, always, must, only, not* or a word like these; where none does, in
    other languages say, the first sentences stand for the rest. One sentence at least is kept, and an
    instruction of up to 40 words whole. Nothing is reworded: a gist in better words is the form ``own``.

    Examples
    --------
    >>> story = "You are Ada. " + "You like long walks and old maps. " * 6
    >>> gist_of(story + "Never tell your age.")
    'Never tell your age.'
    >>> gist_of("Sound like a pirate.")
    'Sound like a pirate.'
    """
    words = len(rule.split())
    sentences = [one.strip() for one in _SENTENCE.findall(rule) if one.strip()]
    if words <= SHORT or len(sentences) < 2:
        return rule
    binding = [place for place, one in enumerate(sentences) if _BINDING.search(one)]
    kept: list[int] = []
    left = words // _SHARE
    for place in binding or range(len(sentences)):
        length = len(sentences[place].split())
        if not kept or length <= left:
            kept.append(place)
            left -= length
    return " ".join(sentences[place] for place in kept)


def reminder_text(text: str, *, rule: str, rephrased: Sequence[str], turn: int, who: str) -> str:
    """Fill in a reminder: ``{rule}``, ``{summary}`` (see `gist_of`) and ``{rephrased}``.

    Parameters
    ----------
    text : str
    rule : str
        The instruction.
    rephrased : sequence of str
        The instruction in other words, taken in turn.
    turn : int
        How many reminders came before.
    who : str
        The conversation, for messages.

    Raises
    ------
    InputError
        The conversation has no instruction, or none in other words.
    """
    if "{rephrased}" in text:
        if not rephrased:
            raise InputError(
                f"transcript {who!r} has no instruction in other words that the reminder {text!r} could say; "
                "give its row a column `rephrased`, or write the words yourself (--reminder-text)"
            )
        text = text.replace("{rephrased}", rephrased[turn % len(rephrased)])
    if "{rule}" not in text and "{summary}" not in text:
        return text
    if not rule.strip():
        raise InputError(
            f"transcript {who!r} has no instruction that the reminder {text!r} could repeat; "
            "use reminders without {rule}"
        )
    return text.replace("{rule}", rule).replace("{summary}", gist_of(rule))
