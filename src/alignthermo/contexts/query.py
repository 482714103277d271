"""The final request, with what belongs to it: history, and a template it may stand in."""

from dataclasses import dataclass
from typing import Literal

from alignthermo.contexts.attack_templates import AttackTemplate
from alignthermo.contexts.unit import Unit
from alignthermo.errors import PromptError
from alignthermo.quantities import Message, Prompt

__all__ = ["HistoryPolicy", "Query"]

HistoryPolicy = Literal["filler", "instruction", "drop"]


@dataclass(frozen=True, kw_only=True)
class Query:
    """What the model is asked at the end of every context.

    Attributes
    ----------
    id : str
        The prompt's.
    request : str
        The last message.
    history : tuple of Unit
        Earlier turns of the prompt itself, kept whole and in order right before the request.
    template : AttackTemplate or None
        Stands around the request; its tokens are adversarial, those of the request neutral. It is the first
        turn of the attack, all of it or none: a cell that wants less than half its tokens of attack asks
        the request bare.
    """

    id: str
    request: str
    history: tuple[Unit, ...] = ()
    template: AttackTemplate | None = None

    @classmethod
    def of(
        cls, prompt: Prompt, *, history: HistoryPolicy = "filler", template: AttackTemplate | None = None
    ) -> "Query":
        """Take the request out of a prompt; its leading system messages are material (`system_units`).

        Parameters
        ----------
        prompt : Prompt
        history : str
            What the turns between the system text and the request count as, or ``drop``.
        template : AttackTemplate, optional

        Raises
        ------
        PromptError
            The prompt does not end with a user message.
        """
        last = prompt.messages[-1] if prompt.messages else None
        if last is None or last.role != "user":
            raise PromptError(f"prompt {prompt.id!r} does not end with a user message, so it asks nothing")
        earlier = _without_leading_system(prompt.messages[:-1])
        units = () if history == "drop" or not earlier else (_history(earlier, history),)
        return cls(id=prompt.id, request=last.content, history=units, template=template)


def _without_leading_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    first = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
    return messages[first:]


def _history(messages: tuple[Message, ...], label: Literal["filler", "instruction"]) -> Unit:
    return Unit(id="history", label=label, family="history", messages=messages)
