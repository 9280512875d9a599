"""Small dense linear algebra for a dozen unknowns: Cholesky, in plain Python (central loads no numpy)."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

Vector = list[float]
Matrix = list[Vector]


def cholesky(a: Sequence[Sequence[float]]) -> Matrix:
    """Lower L with L L' = a, for symmetric positive definite a; ValueError otherwise."""
    size = len(a)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        row = lower[i]
        for j in range(i + 1):
            other = lower[j]
            rest = a[i][j] - sum(row[k] * other[k] for k in range(j))
            if i == j:
                if rest <= 0:
                    raise ValueError("the matrix is not positive definite")
                row[i] = sqrt(rest)
            else:
                row[j] = rest / other[j]
    return lower


def solve(lower: Matrix, right: Sequence[float]) -> Vector:
    """x with L L' x = right."""
    size = len(lower)
    y = [0.0] * size
    for i in range(size):
        y[i] = (right[i] - sum(lower[i][k] * y[k] for k in range(i))) / lower[i][i]
    for i in reversed(range(size)):
        y[i] = (y[i] - sum(lower[k][i] * y[k] for k in range(i + 1, size))) / lower[i][i]
    return y


def inverse(lower: Matrix) -> Matrix:
    """(L L')^-1."""
    size = len(lower)
    return [solve(lower, [1.0 if i == j else 0.0 for i in range(size)]) for j in range(size)]


def quadratic(matrix: Matrix, x: Sequence[float]) -> float:
    """x' M x."""
    return sum(x[i] * sum(m * v for m, v in zip(row, x, strict=True)) for i, row in enumerate(matrix) if x[i])


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """Scalar product."""
    return sum(x * y for x, y in zip(a, b, strict=True))
