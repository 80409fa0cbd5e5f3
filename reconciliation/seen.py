"""Which ids a list of Stripe's has shown: eight bytes each, so that a million of them take eight megabytes."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b

# Of a million ids any two share eight bytes once in 37 million lists (the birthday bound of 64 bits). What is missed then is one
# record that Stripe lacks, in one comparison.
DIGEST_BYTES = 8
# Each is sorted by itself, so that never more than a part of the digests is held as Python's own numbers.
BUCKETS = 256


class SeenIds:
    """First every id is added; then it is asked for some."""

    def __init__(self) -> None:
        self._buckets: list[array[int]] = [array("Q") for _ in range(BUCKETS)]
        self._unsorted = False

    def add(self, ids: Iterable[str]) -> None:
        for one in ids:
            digest = _digest(one)
            self._buckets[digest % BUCKETS].append(digest)
        self._unsorted = True

    def __contains__(self, one: str) -> bool:
        if self._unsorted:
            self._buckets = [array("Q", sorted(bucket)) for bucket in self._buckets]
            self._unsorted = False
        digest = _digest(one)
        bucket = self._buckets[digest % BUCKETS]
        place = bisect_left(bucket, digest)
        return place < len(bucket) and bucket[place] == digest


def _digest(one: str) -> int:
    return int.from_bytes(blake2b(one.encode(), digest_size=DIGEST_BYTES).digest(), "big")
