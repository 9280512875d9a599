"""Exact nearest-neighbour search over half-precision vectors, with a removal that leaves no copy behind."""

from __future__ import annotations

from collections.abc import Sequence

import faiss
import numpy as np

from edge.values import Vector

_HALF_BYTES = 2


class SearchIndex:
    """faiss `IndexIDMap2` over `SQfp16`, inner product. Vectors of unit length: scores are cosines."""

    def __init__(self, dimension: int) -> None:
        faiss.omp_set_num_threads(1)  # of the thread that makes the index; others: edge.process.limit_threads
        self._dimension = dimension
        self._flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index = faiss.IndexIDMap2(self._flat)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, number: int, vector: Vector) -> None:
        """Take in one vector of the index's dimension."""
        self._index.add_with_ids(vector.reshape(1, -1), np.array([number], np.int64))

    def remove(self, numbers: Sequence[int]) -> None:
        """Take some out, in one pass. faiss closes the gaps and leaves old rows behind; they are overwritten here."""
        before = len(self)
        if before == 0 or self._index.remove_ids(faiss.IDSelectorBatch(np.array(numbers, np.int64))) == 0:
            return
        self._overwrite(len(self), before)

    def clear(self) -> None:
        """Overwrite and forget every vector."""
        self._overwrite(0, len(self))
        self._index.reset()

    def _overwrite(self, first: int, past: int) -> None:
        if past > first:
            row = self._dimension * _HALF_BYTES
            buffer = faiss.rev_swig_ptr(self._flat.codes.data(), past * row)
            buffer[first * row :] = 0

    def nearest(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """(number, cosine), best first; at most `count`."""
        scores, numbers = self._index.search(np.ascontiguousarray(vector, np.float32).reshape(1, -1), count)
        return [(int(n), float(s)) for n, s in zip(numbers[0], scores[0], strict=True) if n >= 0]
