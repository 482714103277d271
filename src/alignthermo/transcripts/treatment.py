"""What is done to a conversation before it is read on: reminders put in, old messages taken out."""

from dataclasses import dataclass, field
from typing import Literal

from alignthermo.errors import ConfigError

__all__ = ["NO_REMINDERS", "WHOLE", "Reminders", "Treatment", "Window"]

Placement = Literal["none", "start", "end", "every"]
Policy = Literal["whole", "truncate", "sliding", "compaction"]


@dataclass(frozen=True, kw_only=True)
class Reminders:
    """Which reminder stands where.

    Attributes
    ----------
    form : str
        Name of the phrasing: ``repeat``, ``rephrase``, ``summary`` …, ``none``.
    placement : {"none", "start", "end", "every"}
        *start*: once, right after the instruction. *end*: moved along, right before what is asked now.
        *every*: before the first user message after every `every` tokens of history; it stays there.
    every : int
        Tokens of history between reminders; 0 unless placed so.
    texts : tuple of str
        Taken in turn; ``{rule}`` stands for the instruction's own text, ``{summary}`` for the sentences of it
        that bind, ``{rephrased}`` for other words of it that came with the conversation.
    role : {"user", "system"}
        Who speaks them. A template that wants roles to alternate joins them to the next user message.

    Raises
    ------
    ConfigError
        Texts without a placement or the other way round, or a spacing that fits neither.
    """

    form: str
    placement: Placement
    every: int = 0
    texts: tuple[str, ...] = ()
    role: Literal["user", "system"] = "user"

    def __post_init__(self) -> None:
        if (self.placement == "none") != (not self.texts) or not all(text.strip() for text in self.texts):
            raise ConfigError(f"reminders {self.form!r}: texts and a placement belong together, none empty")
        if (self.placement == "every") != (self.every > 0):
            raise ConfigError(
                f"reminders {self.form!r}: a spacing in tokens belongs to the placement 'every', "
                f"got {self.placement!r} with {self.every}"
            )


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which old messages are taken out.

    Attributes
    ----------
    policy : {"whole", "truncate", "sliding", "compaction"}
        *whole*: none. *truncate*: the oldest go, the instruction first. *sliding*: the oldest go, the
        instruction stays. *compaction*: as sliding, and one user message stands for what went, with the first
        words of each.
    tokens : int
        Tokens of words (instruction and history) that may stay; 0 for ``whole``.
    """

    policy: Policy = "whole"
    tokens: int = 0

    def __post_init__(self) -> None:
        if (self.policy == "whole") != (self.tokens == 0) or self.tokens < 0:
            raise ConfigError(
                f"window {self.policy!r}: needs a number of tokens, 'whole' none; got {self.tokens}"
            )


NO_REMINDERS = Reminders(form="none", placement="none")
WHOLE = Window()


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """Reminders and a window, together one way to run a conversation."""

    reminders: Reminders = NO_REMINDERS
    window: Window = field(default=WHOLE)

    @property
    def name(self) -> str:
        """Tell it from any other: ``plain``, ``repeat@start``, ``repeat@256``, ``sliding:512`` ….

        Examples
        --------
        >>> Treatment().name
        'plain'
        >>> Treatment(reminders=Reminders(form="repeat", placement="every", every=256, texts=("{rule}",)),
        ...           window=Window(policy="sliding", tokens=512)).name
        'repeat@256+sliding:512'
        """
        parts = []
        if self.reminders.placement != "none":
            where = (
                str(self.reminders.every) if self.reminders.placement == "every" else self.reminders.placement
            )
            parts.append(f"{self.reminders.form}@{where}")
        if self.window.policy != "whole":
            parts.append(f"{self.window.policy}:{self.window.tokens}")
        return "+".join(parts) or "plain"
