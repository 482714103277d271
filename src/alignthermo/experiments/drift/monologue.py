"""One long reply to the first probe under an instruction."""

from collections.abc import Sequence

from alignthermo.errors import AlignthermoError
from alignthermo.experiments.drift.seat import Room, Seat
from alignthermo.experiments.drift.voices import Voice, Waiting
from alignthermo.transcripts import Speech, TranscriptWriter

__all__ = ["hold_monologues"]


def hold_monologues(seats: Sequence[Seat], *, voice: Voice, writer: TranscriptWriter, room: Room) -> None:
    """Ask the first probe and let the model speak until it stops, or until there is no room.

    The reply is one message of the assistant. Room for an answer to a probe is kept free, as in a self-chat.

    Parameters
    ----------
    seats : sequence of Seat
        Filled with what is said; one without any room stays empty.
    voice : Voice
    writer : TranscriptWriter
    room : Room
    """
    speaking: list[Seat] = []
    waiting: list[Waiting] = []
    for seat in seats:
        seat.said.append(Speech(role="user", content=seat.talk.instruction.probes[0].text))
        try:
            written = seat.context(writer)
            budget = room.left(len(written.ids), probing=seat.probing(writer, written, room))
        except AlignthermoError as error:
            seat.fail(error)
            continue
        seat.open = False
        if budget > 0:
            speaking.append(seat)
            waiting.append(Waiting(key=f"{seat.talk.id}/monologue", ids=written.ids, budget=budget))
    for seat, one, said in zip(speaking, waiting, voice.speak(waiting), strict=True):
        seat.hear("assistant", said, context=len(one.ids))
