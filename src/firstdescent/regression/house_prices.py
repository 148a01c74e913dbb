"""The linear model of a house's price, its loss, and houses whose truth is known.

Page: docs/en/regression/house_prices.md
"""

import torch
from torch import Generator, Tensor


# --8<-- [start:fair_price]
def fair_price(X: Tensor) -> Tensor:
    """Return what each house is worth in this made-up market, without noise.

    40, and 10 for each bedroom, 15 for each bathroom, 2 for each square metre.
    Integers are counted in float64.

    Shapes: X (n, 3): bedrooms, bathrooms, area in square metres; result (n,).
    Units:  thousands of euros.
    Raises: ValueError if X is not (n, 3); TypeError if it is complex.
    """
    if X.dim() != 2 or X.shape[1] != 3:
        raise ValueError(f"expected X of shape (n, 3), got {tuple(X.shape)}")
    if X.is_complex():
        raise TypeError(f"expected real numbers, got {X.dtype}")
    X = X if X.is_floating_point() else X.double()
    return X @ X.new_tensor([10, 15, 2]) + 40
    # --8<-- [end:fair_price]


# --8<-- [start:make_houses]
def make_houses(n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return n houses and their prices: the fair price plus normal noise.

    Large houses have more of everything, so the columns of X are correlated.

    Shapes: X (n, 3): bedrooms, bathrooms, area; y (n,); float64, on the CPU.
    Units:  area in square metres, y in thousands of euros; the noise has a
            standard deviation of 20 thousand.
    Raises: ValueError if n < 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    bedrooms = torch.randint(1, 6, (n,), generator=generator).double()
    noise = torch.randn(3, n, generator=generator, dtype=torch.float64)
    bathrooms = (0.6 * bedrooms + 0.5 * noise[0]).round().clamp(min=1)
    area = (30 + 25 * bedrooms + 12 * noise[1]).clamp(min=20).round()
    X = torch.stack([bedrooms, bathrooms, area], dim=1)
    return X, fair_price(X) + 20 * noise[2]
    # --8<-- [end:make_houses]


# --8<-- [start:standardise]
def standardise(X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return X with columns of mean 0 and standard deviation 1, and both numbers.

    New rows are standardised with the same two: (rows - mean) / std.
    Integers are counted in float64.

    Shapes: X (n, d), result (n, d), mean (d,), std (d,).
    Units:  std divides by n, so each column's mean square becomes 1, up to the
            rounding of X (which is coarse for a mean far larger than the std).
    Raises: ValueError if X is not (n, d) with n > 0, has an entry that is nan
            or infinite, or a column that does not vary or whose std overflows;
            TypeError if X is complex.
    """
    if X.dim() != 2 or len(X) == 0:
        raise ValueError(f"expected X of shape (n, d), n > 0, got {tuple(X.shape)}")
    if X.is_complex():
        raise TypeError(f"expected real numbers, got {X.dtype}")
    if not X.isfinite().all():
        raise ValueError("expected finite numbers in X, got nan or inf")
    X = X if X.is_floating_point() else X.double()
    mean, std = X.mean(dim=0), X.std(dim=0, correction=0)
    # Rounding can give a constant column, such as 0.1 in each row, a std above 0.
    varies = (X.amin(dim=0) < X.amax(dim=0)) & (std > 0) & std.isfinite()
    if not varies.all():
        columns = (~varies).nonzero()[:, 0].tolist()
        raise ValueError(
            f"expected columns that vary, with a finite std; {columns} do not"
        )
    return (X - mean) / std, mean, std
    # --8<-- [end:standardise]


# --8<-- [start:predict]
def predict(X: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Return the linear model's prediction for each row of X.

    Shapes: X (m, d), w (d,), b (), result (m,).
    Raises: ValueError if X is not (m, d), w not (d,) or b not ().
    """
    if X.dim() != 2 or w.shape != X.shape[1:] or b.dim() != 0:
        raise ValueError(
            f"X (m, d) needs w (d,) and b (), got X {tuple(X.shape)}, "
            f"w {tuple(w.shape)} and b {tuple(b.shape)}"
        )
    return X @ w + b
    # --8<-- [end:predict]


# --8<-- [start:squared_loss]
def squared_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """Return half the squared error, averaged over the m examples.

    Shapes: y_hat (m,), y (m,), result ().
    Units:  a mean, in units of y squared; half of what MSELoss returns.
    Raises: ValueError if the shapes differ (broadcasting would pair every
            prediction with every label), are not (m,), or if m = 0.
    """
    if y_hat.dim() != 1 or y_hat.shape != y.shape or len(y) == 0:
        raise ValueError(
            "y_hat and y must have one shape, (m,) with m > 0, "
            f"got {tuple(y_hat.shape)} and {tuple(y.shape)}"
        )
    return ((y_hat - y) ** 2).mean() / 2
    # --8<-- [end:squared_loss]
