"""What measured_order asks of errors, in the order in which it asks."""

import pytest

from firstdescent.optimisation.gd_vs_newton import measured_order


def test_equal_errors_are_positive_and_do_not_decrease():
    with pytest.raises(ValueError, match="strictly decreasing errors"):
        measured_order([1.0, 1.0, 1.0])
