"""What the name of an arm says about it."""

from dataclasses import dataclass

from alignthermo.estimators.drift.schedule import Placement
from alignthermo.experiments.drift.cuts import PLAIN

__all__ = ["CONTROLS", "TreatmentName"]

CONTROLS = ("shuffled", "no_instruction")
"""Arms that read the plain conversations under another instruction."""


@dataclass(frozen=True, kw_only=True)
class TreatmentName:
    """Reminders and window of an arm, read from its name.

    Attributes
    ----------
    name : str
    form : str
        Phrasing of its reminders; empty without reminders.
    placement : {"start", "end", "every"}
        Of its reminders; ``start`` without any, where nothing is read once.
    every : int
        Tokens between its reminders; 0 unless they are repeated.
    window : str
        ``POLICY:TOKENS``, or empty.
    """

    name: str
    form: str
    placement: Placement
    every: int
    window: str

    @classmethod
    def read(cls, name: str) -> "TreatmentName":
        """Read the name of `alignthermo.transcripts.Treatment`.

        Examples
        --------
        >>> read = TreatmentName.read("repeat@256+sliding:512")
        >>> read.form, read.placement, read.every, read.window
        ('repeat', 'every', 256, 'sliding:512')
        """
        form, window, every = "", "", 0
        placement: Placement = "start"
        for part in name.split("+"):
            if "@" in part:
                form, _, where = part.partition("@")
                placement = "end" if where == "end" else "start" if where == "start" else "every"
                every = int(where) if placement == "every" else 0
            elif ":" in part:
                window = part
        return cls(name=name, form=form, placement=placement, every=every, window=window)

    @property
    def reminds(self) -> bool:
        """Whether it puts reminders in."""
        return self.form != ""

    @property
    def is_plain(self) -> bool:
        """Whether nothing is done."""
        return self.name == PLAIN
