"""Softmax, cross-entropy and the gradient p - onehot.

Page: docs/en/deep/softmax.md
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

# --8<-- [start:DIGITS]
DIGITS = """
.##. ..#. .##. ###. #..# #### .##. #### .##. .##.
#..# .##. #..# ...# #..# #... #... ...# #..# #..#
#..# ..#. ...# .##. #### ###. ###. ..#. .##. .###
#..# ..#. ..#. ...# ...# ...# #..# ..#. #..# ...#
#..# ..#. .#.. ...# ...# ...# #..# .#.. #..# ...#
.##. .### #### ###. ...# ###. .##. .#.. .##. .##.
"""
# --8<-- [end:DIGITS]


# --8<-- [start:check_scores]
def check_scores(o: Tensor) -> None:
    """Return nothing, or raise if o are not rows of scores.

    A score of -inf is allowed: it says that this class is impossible. Looks at the
    numbers: not for use inside torch.func.vmap, and on a GPU it waits for them.

    Shapes: o (..., k), k at least 1.
    Raises: TypeError unless o is a float32 or float64 tensor; ValueError without a
            class, for nan, for +inf, and for a row of -inf only.
    """
    kind = getattr(o, "dtype", type(o).__name__)
    if kind not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64 scores, got {kind}")
    if o.dim() == 0 or o.shape[-1] == 0:
        raise ValueError(f"expected scores (..., k), k > 0, got {tuple(o.shape)}")
    if not o.amax(-1).isfinite().all():  # amax passes nan on
        raise ValueError("expected scores without nan or inf, not all -inf in a row")
    # --8<-- [end:check_scores]


# --8<-- [start:check_labels]
def check_labels(y: Tensor, shape: Sequence[int]) -> None:
    """Return nothing, or raise if y is not a class number for each row of scores.

    Looks at the numbers: not for use inside torch.func.vmap, and on a GPU it waits.

    Shapes: y (n,), for scores of the shape (n, k).
    Raises: TypeError unless y is int64; ValueError unless the scores have two
            dimensions, for another shape of y, and for a number not in 0 ... k - 1.
    """
    if y.dtype != torch.int64:
        raise TypeError(f"expected int64 class numbers, got {y.dtype}")
    if len(shape) != 2 or y.shape != (shape[0],):
        found = tuple(shape), tuple(y.shape)
        raise ValueError(f"expected scores (n, k) and labels (n,), got {found}")
    if y.numel() and (int(y.min()) < 0 or int(y.max()) >= shape[1]):
        found = f"{int(y.min())} to {int(y.max())}"
        raise ValueError(f"expected labels 0 to {shape[1] - 1}, got {found}")
    # --8<-- [end:check_labels]


# --8<-- [start:log_sum_exp]
def log_sum_exp(o: Tensor) -> Tensor:
    """Return log(sum(exp(o))) of each row, without overflow.

    Shapes: o (..., k), result (...).
    Raises: TypeError and ValueError as `check_scores`.
    """
    check_scores(o)
    m = o.detach().amax(-1, keepdim=True)  # any constant would do
    return m[..., 0] + (o - m).exp().sum(-1).log()
    # --8<-- [end:log_sum_exp]


# --8<-- [start:log_softmax]
def log_softmax(o: Tensor) -> Tensor:
    """Return the logarithms of the probabilities of each row of scores.

    Shapes: o (..., k), result (..., k).
    Units:  nats.
    Raises: TypeError and ValueError as `check_scores`.
    """
    check_scores(o)
    o = o - o.detach().amax(-1, keepdim=True)  # large scores keep their digits
    return o - log_sum_exp(o)[..., None]
    # --8<-- [end:log_softmax]


# --8<-- [start:softmax]
def softmax(o: Tensor) -> Tensor:
    """Return the probabilities of each row of scores.

    Shapes: o (..., k), result (..., k).
    Raises: TypeError and ValueError as `check_scores`.
    """
    return log_softmax(o).exp()
    # --8<-- [end:softmax]


# --8<-- [start:cross_entropy]
def cross_entropy(o: Tensor, y: Tensor) -> Tensor:
    """Return minus the log of the probability of each row's label.

    Shapes: o (n, k) scores, not probabilities; y (n,) class numbers; result (n,).
    Units:  nats, one number a row: neither mean nor sum.
    Raises: TypeError and ValueError as `check_scores` and `check_labels`.
    """
    check_labels(y, o.shape)
    return -log_softmax(o).gather(1, y[:, None])[:, 0]
    # --8<-- [end:cross_entropy]


# --8<-- [start:ce_grad]
def ce_grad(o: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of each row's cross-entropy in its scores.

    Shapes: o (n, k), y (n,) class numbers, result (n, k).
    Units:  of the row's own loss: divide by n for the gradient of the mean.
    Raises: as `cross_entropy`.
    """
    check_labels(y, o.shape)
    return softmax(o) - one_hot(y, o.shape[1]).to(o)
    # --8<-- [end:ce_grad]


# --8<-- [start:fit_softmax]
def fit_softmax(
    X: Tensor, y: Tensor, classes: int, lr: float, steps: int
) -> tuple[Tensor, Tensor]:
    """Return W and b after `steps` gradient steps from zero, on all rows at once.

    Shapes: X (n, d), y (n,) class numbers, W (classes, d), b (classes,).
    Units:  the loss is the mean of the cross-entropy over the rows, in nats.
    Raises: TypeError unless X is float32 or float64; ValueError for another shape,
            n = 0, numbers that are not finite, lr not positive and finite, negative
            steps, and scores or weights that overflow; both as `check_labels`.
    """
    if X.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64 X, got {X.dtype}")
    if X.dim() != 2 or len(X) == 0 or not X.isfinite().all():
        raise ValueError(f"expected finite X (n, d), n > 0, got {tuple(X.shape)}")
    if not 0 < lr < math.inf or steps < 0:
        raise ValueError(f"expected lr > 0 and steps >= 0, got {lr, steps}")
    check_labels(y, (len(X), classes))
    X = X.detach()
    W, b = X.new_zeros(classes, X.shape[1]), X.new_zeros(classes)
    o = X.new_zeros(len(X), classes)  # the scores X @ W.T + b
    for _ in range(steps):
        G = ce_grad(o, y) / len(X)  # (n, classes)
        W = W - lr * G.T @ X
        b = b - lr * G.sum(0)
        o = X @ W.T + b
        if not o.isfinite().all():
            raise ValueError("scores or weights overflow: expected smaller X or lr")
    return W, b
    # --8<-- [end:fit_softmax]


# --8<-- [start:blobs]
def blobs(
    n: int, priors: Sequence[float], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return n points of three normal classes drawn with the given priors.

    The centres are (0, 0), (2, 0) and (1, 1.7); sd 0.8 in each direction.

    Shapes: X (n, 2), y (n,) of 0, 1, 2; float64, on the CPU.
    Raises: ValueError unless n > 0 and priors are three probabilities of sum 1;
            TypeError if n is no integer.
    """
    centres = torch.tensor([[0, 0], [2, 0], [1, 1.7]], dtype=torch.float64)
    chances = torch.as_tensor(priors, dtype=torch.float64, device="cpu")
    fine = chances.shape == (3,) and bool((chances >= 0).all())
    if n < 1 or not fine or abs(chances.sum().item() - 1) > 1e-6:
        raise ValueError(f"expected n > 0, 3 priors of sum 1, got {n}, {priors}")
    y = torch.multinomial(chances, n, replacement=True, generator=generator)
    scatter = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    return centres[y] + 0.8 * scatter, y
    # --8<-- [end:blobs]


# --8<-- [start:glyph_shapes]
def glyph_shapes() -> Tensor:
    """Return the ten digits at four places of an 8 x 8 image: 1 ink, 0 paper.

    Shapes: (10, 4, 64), float64, on the CPU.
    """
    rows = [line.split() for line in DIGITS.split("\n") if line]
    ink = [[[pixel == "#" for pixel in part] for part in row] for row in rows]
    digits = torch.tensor(ink).transpose(0, 1)  # (10, 6, 4)
    shapes = torch.zeros(10, 4, 8, 8, dtype=torch.float64)
    for place in range(4):
        top, left = 1 + place // 2, 2 + place % 2
        shapes[:, place, top : top + 6, left : left + 4] = digits
    return shapes.flatten(2)
    # --8<-- [end:glyph_shapes]


# --8<-- [start:glyphs]
def glyphs(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return n images of digits, each at one of four places, with noise of sd 0.3.

    Shapes: X (n, 64), rows of 8 x 8 images; y (n,) the digits; float64, on the CPU.
    Raises: ValueError if n is negative.
    """
    if n < 0:
        raise ValueError(f"expected n >= 0, got {n}")
    y = torch.randint(10, (n,), generator=generator)
    place = torch.randint(4, (n,), generator=generator)
    noise = torch.randn(n, 64, generator=generator, dtype=torch.float64)
    return glyph_shapes()[y, place] + 0.3 * noise, y
    # --8<-- [end:glyphs]
