"""Which tokens have to be predicted after which token of the tree, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from alignthermo.models.hugging_face_tree import TokenTree
from alignthermo.observables.forest.questions import Question
from alignthermo.observables.forest.trie import Branch, Trie

__all__ = ["Demand", "demand_of", "path_to", "token_tree"]


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Every single log-probability that is wanted, sorted by the place it is read at.

    Attributes
    ----------
    place : int64 array, shape (wanted,)
        Token of the tree after which a prediction is wanted; ascending.
    token : int64 array, shape (wanted,)
        Whose probability.
    slot : int64 array, shape (wanted,)
        Where it goes: responses lie one after the other, token by token.
    question : int64 array, shape (wanted,)
        Which question it belongs to.
    starts : list of lists of int
        Per question, the first slot of each response, and one past the last.
    context_place : int64 array, shape (question,)
        The last token of each context.
    read : bool array, shape (tree token,)
        Whether anything is wanted after a token.
    row_place, row_question, row_slot : int64 arrays, shape (row,)
        Every whole distribution that is wanted: the token of the tree it stands after (ascending), the
        question it belongs to, and its place among the rows of that question.
    n_rows : int64 array, shape (question,)
        How many each question wants.
    """

    place: Int[np.ndarray, " wanted"]
    token: Int[np.ndarray, " wanted"]
    slot: Int[np.ndarray, " wanted"]
    question: Int[np.ndarray, " wanted"]
    starts: list[list[int]]
    context_place: Int[np.ndarray, " question"]
    read: Bool[np.ndarray, " tree"]
    row_place: Int[np.ndarray, " row"]
    row_question: Int[np.ndarray, " row"]
    row_slot: Int[np.ndarray, " row"]
    n_rows: Int[np.ndarray, " question"]


def token_tree(trie: Trie) -> TokenTree:
    """Lay the tree out flat, depth first."""
    n = trie.root.size
    ids, depth, end = (np.empty(n, dtype=np.int64) for _ in range(3))
    for branch in trie.order:
        own = slice(branch.first, branch.first + len(branch.ids))
        ids[own] = branch.ids
        depth[own] = np.arange(branch.depth, branch.depth + len(branch.ids))
        end[own] = branch.first + branch.size
    return TokenTree(ids=ids, depth=depth, end=end)


def path_to(branch: Branch, *, length: int | None = None) -> Int[np.ndarray, " token"]:
    """Places of the last `length` tokens (all of them unless given) on the way to the end of a branch."""
    wanted = branch.depth + len(branch.ids) if length is None else length
    runs: list[range] = []
    at: Branch | None = branch
    have = 0
    while at is not None and have < wanted:
        runs.append(at.own)
        have += len(at.ids)
        at = at.parent
    places = np.concatenate([np.empty(0, dtype=np.int64), *(np.asarray(run) for run in reversed(runs))])
    return places[len(places) - wanted :].astype(np.int64)


def demand_of(questions: Sequence[Question], trie: Trie, *, readouts: bool) -> Demand:
    """Collect everything that is wanted of the model."""
    places, tokens, owners, slots, starts = [], [], [], [], []
    slot = 0
    for number, (question, ends) in enumerate(zip(questions, trie.response_ends, strict=True)):
        starts.append([slot])
        for n, (response, end) in enumerate(zip(question.candidates, ends, strict=True)):
            if response and n >= question.unscored:
                places.append(path_to(end, length=len(response)))
                tokens.append(np.asarray(response, dtype=np.int64))
                owners.append(np.full(len(response), number))
                slots.append(np.arange(slot, slot + len(response)))
            slot += len(response)
            starts[-1].append(slot)
    nothing = np.empty(0, dtype=np.int64)
    place = np.concatenate([nothing, *places])
    order = np.argsort(place, kind="stable")
    context_place = np.array([end.own[-1] for end in trie.context_ends], dtype=np.int64)
    read = np.zeros(trie.root.size, dtype=np.bool_)
    read[place] = True
    if readouts:
        read[context_place] = True
    rows = [_row_places(*one) for one in zip(questions, trie.context_ends, trie.response_ends, strict=True)]
    row_place = np.concatenate([nothing, *rows])
    read[row_place] = True
    n_rows = np.array([len(one) for one in rows], dtype=np.int64)
    row_order = np.argsort(row_place, kind="stable")
    return Demand(
        place=place[order],
        token=np.concatenate([nothing, *tokens])[order],
        slot=np.concatenate([nothing, *slots])[order],
        question=np.concatenate([nothing, *owners])[order],
        starts=starts,
        context_place=context_place,
        read=read,
        row_place=row_place[row_order],
        row_question=np.repeat(np.arange(len(rows)), n_rows)[row_order],
        row_slot=np.concatenate([nothing, *(np.arange(n) for n in n_rows)])[row_order],
        n_rows=n_rows,
    )


def _row_places(question: Question, end: Branch, response_ends: Sequence[Branch]) -> Int[np.ndarray, " row"]:
    nothing = np.empty(0, dtype=np.int64)
    along = path_to(end)[np.array(question.positions, dtype=np.int64)] if question.positions else nothing
    unfolded = [
        path_to(last, length=len(response))
        for response, last in zip(
            question.candidates[: question.unfolded], response_ends[: question.unfolded], strict=True
        )
        if response
    ]
    return np.concatenate([along, *unfolded])
