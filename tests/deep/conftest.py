"""What the tests of several pages of this part share."""

import pytest
import torch


@pytest.fixture
def defaults():
    """Each dtype that may be the default one, which it is until the next is asked."""
    before = torch.get_default_dtype()

    def each():
        for dtype in (torch.float32, torch.float64):
            torch.set_default_dtype(dtype)
            yield dtype

    yield each()
    torch.set_default_dtype(before)
