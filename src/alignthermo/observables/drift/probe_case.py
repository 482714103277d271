"""One probe at one point of one conversation, and the contexts it is held against."""

from dataclasses import dataclass

from alignthermo.errors import InputError

__all__ = ["ProbeCase"]

Ids = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ProbeCase:
    """Contexts as token ids, each ending where an answer begins.

    I is the instruction, h_t the history so far, N a neutral system text of as many tokens as I, n_t a
    neutral history of as many tokens as h_t. Without a probe (contexts that end with the generation prompt
    alone) the same comparisons are `literal_drift` and the literal `instruction_influence`.

    Attributes
    ----------
    key : str
        Unique among the cases measured together; names the random streams of sampled answers.
    here : tuple of int
        I, h_t, probe.
    start : tuple of int
        I, probe.
    neutral_instruction : tuple of int, optional
        N, h_t, probe; as long as `here`, so that every later token keeps its position.
    neutral_history : tuple of int, optional
        I, n_t, probe; as long as `here`.
    wish : tuple of int, optional
        W, probe, where W is what an adversary would have as the instruction.
    base_here : tuple of int, optional
        `here` in the base's own ids; spelled from it unless given.
    answers : tuple of tuples of int
        Answers on which to compare; sampled from the first argument of each comparison where empty.
    compliant, defiant : tuples of tuples of int
        Reference answers that keep or break the instruction.

    Raises
    ------
    InputError
        An empty context or answer, or a neutral context of another length than `here`.
    """

    key: str
    here: Ids
    start: Ids
    neutral_instruction: Ids | None = None
    neutral_history: Ids | None = None
    wish: Ids | None = None
    base_here: Ids | None = None
    answers: tuple[Ids, ...] = ()
    compliant: tuple[Ids, ...] = ()
    defiant: tuple[Ids, ...] = ()

    def __post_init__(self) -> None:
        if not self.here or not self.start:
            raise InputError(f"probe case {self.key!r}: a context is empty")
        for name in ("neutral_instruction", "neutral_history"):
            other = getattr(self, name)
            if other is not None and len(other) != len(self.here):
                raise InputError(
                    f"probe case {self.key!r}: {name} has {len(other)} tokens where `here` has "
                    f"{len(self.here)}; a neutral control keeps the length (see `overwritten`)"
                )
        if not all((*self.answers, *self.compliant, *self.defiant)):
            raise InputError(f"probe case {self.key!r}: an answer is empty")
