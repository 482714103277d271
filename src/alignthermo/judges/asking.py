"""Asking a judge that costs a forward pass: every text once."""

from collections.abc import Callable, Sequence

from alignthermo.judges.exchange import Exchange, Judgement

__all__ = ["judged_once"]


def judged_once(
    exchanges: Sequence[Exchange], judge: Callable[[Sequence[Exchange]], Sequence[Judgement]]
) -> tuple[Judgement, ...]:
    """Judge each pair of request and response once, however often it occurs.

    Replies of a sweep repeat: the same refusal comes in hundreds of contexts. For judges that look at the
    two texts and at nothing else.

    Examples
    --------
    >>> def counting(some):
    ...     print(len(some))
    ...     return [Judgement.abstain("", judge="j") for _ in some]
    >>> len(judged_once([Exchange(id=str(n), response="No.") for n in range(3)], counting))
    1
    3
    """
    distinct = {(one.request, one.response): one for one in reversed(exchanges)}
    said = dict(zip(distinct, judge(tuple(distinct.values())), strict=True))
    return tuple(said[one.request, one.response] for one in exchanges)
