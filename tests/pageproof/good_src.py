"""What the good page teaches."""


# --8<-- [start:double]
def double(x):
    """Return twice x."""

    return 2 * x
    # --8<-- [end:double]


# --8<-- [start:half]
def half(x):
    return x / 2
    # --8<-- [end:half]
