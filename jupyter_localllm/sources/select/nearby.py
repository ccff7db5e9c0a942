"""How near two spellings are: other endings of one word, or a slip of the pen."""

from __future__ import annotations

__all__ = ["nearness"]

_SAME_STEM = 0.5
_SLIP = 0.4  # less than a half: a name that is spelled nearly so is more often another name


def nearness(one: str, other: str) -> float:
    """How likely two terms mean the same, for words whose language is not known.

    A common beginning of four letters and of six tenths of the longer word is taken for a stem, which serves most
    European languages nearly as well as a stemmer of their own (McNamee and Mayfield, "Character n-gram tokenization
    for European language text retrieval", Information Retrieval 7, 2004). Else one letter may be wrong, missing, too
    many, or swapped with its neighbour.

    Returns
    -------
    float
        0 if they are not near; never 1, which is for equal terms.

    Examples
    --------
    >>> nearness("einwohner", "einwohnerzahl"), nearness("nicolas", "nicholas"), nearness("kane", "lane")
    (0.5, 0.4, 0.0)
    """
    common = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        common += 1
    longest = max(len(one), len(other))
    if common >= 4 and common >= 0.6 * longest:
        return _SAME_STEM
    return _SLIP if min(len(one), len(other)) >= 5 and _one_slip(one, other, common) else 0.0


def _one_slip(one: str, other: str, common: int) -> bool:
    a, b = one[common:], other[common:]
    return (
        a[1:] == b[1:]  # another letter
        or a[1:] == b  # one too many
        or a == b[1:]  # one missing
        or (a[:1] == b[1:2] and a[1:2] == b[:1] and a[2:] == b[2:])  # two swapped
    )
