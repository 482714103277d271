"""Names of the program, written for the eye."""

__all__ = ["in_words"]


def in_words(name: str) -> str:
    """Write a name of the program for the eye.

    >>> in_words("adversarial_last")
    'adversarial last'
    """
    return name.replace("_", " ")
