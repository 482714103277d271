"""Arms of a drift run: ways to run a conversation, and controls on the plain one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from alignthermo.contexts.texts import REMINDERS
from alignthermo.errors import ConfigError
from alignthermo.transcripts import Reminders, Treatment, Window

__all__ = ["CONTROLS", "DriftArm", "parse_reminders", "parse_window"]

Instruction = Literal["own", "shuffled", "none"]

CONTROLS: Mapping[str, Instruction] = {"shuffled": "shuffled", "no_instruction": "none"}
"""Arms that read the plain conversations under another instruction, and which."""

FORMS: Mapping[str, tuple[str, ...]] = {
    **REMINDERS,
    "rephrase": ("{rephrased}",),
    "summary": ("{summary}",),
}
"""Phrasings of a reminder; the last two want more of a conversation than its rule."""


@dataclass(frozen=True, kw_only=True)
class DriftArm:
    """How conversations are run, and under which instruction they are read.

    Attributes
    ----------
    name : str
    treatment : Treatment
    instruction : {"own", "shuffled", "none"}
        *shuffled* and *none* are controls: the plain conversations are read under another conversation's
        instruction, or under neutral text of its length.
    """

    name: str
    treatment: Treatment
    instruction: Instruction = "own"

    @property
    def is_control(self) -> bool:
        """Whether it is read on the plain conversations."""
        return self.instruction != "own"

    @property
    def reminds(self) -> bool:
        """Whether reminders are put in."""
        return self.treatment.reminders.placement != "none"

    @property
    def is_moved(self) -> bool:
        """Whether its reminder is moved along, right before what is asked."""
        return self.treatment.reminders.placement == "end"


def parse_reminders(
    text: str, *, own: tuple[str, ...] = (), role: Literal["user", "system"] = "user"
) -> Reminders:
    """Read ``FORM@WHERE``: a phrasing, and ``start``, ``end`` or a number of tokens.

    Raises
    ------
    ConfigError
        An unknown phrasing or place.

    Examples
    --------
    >>> parse_reminders("remember@256").every
    256
    """
    form, _, where = text.partition("@")
    phrasings = {**FORMS, **({"own": own} if own else {})}
    if form not in phrasings:
        raise ConfigError(
            f"reminders {text!r}: there is no phrasing {form!r}; there are {', '.join(phrasings)}"
            f"{'' if own else ' (and own, with --reminder-text)'}"
        )
    if where in ("start", "end"):
        placement = cast(Literal["start", "end"], where)
        return Reminders(form=form, placement=placement, texts=phrasings[form], role=role)
    if not where.isdecimal() or int(where) < 1:
        raise ConfigError(f"reminders {text!r}: write FORM@start, FORM@end or FORM@TOKENS, e.g. {form}@256")
    return Reminders(form=form, placement="every", every=int(where), texts=phrasings[form], role=role)


def parse_window(text: str) -> Window:
    """Read ``POLICY:TOKENS``.

    Raises
    ------
    ConfigError
        An unknown policy, or no number.

    Examples
    --------
    >>> parse_window("sliding:512")
    Window(policy='sliding', tokens=512)
    """
    policy, _, tokens = text.partition(":")
    if policy not in ("truncate", "sliding", "compaction") or not tokens.isdecimal() or int(tokens) < 1:
        raise ConfigError(
            f"window {text!r}: write truncate:TOKENS, sliding:TOKENS or compaction:TOKENS, e.g. sliding:512"
        )
    return Window(policy=cast(Literal["truncate", "sliding", "compaction"], policy), tokens=int(tokens))
