# ---
# description: Gradient descent and Newton's method on a function of two weights that you write yourself.
# needs: [optimisation/gd_vs_newton]
# ---

# %% [markdown]
# # Gradient descent and Newton on your own function { #newton_lab }
#
# A question about gradient descent. **You need** [Newton](../optimisation/gd_vs_newton.md). $w^2$

# %%
import torch

from firstdescent.optimisation.figures.gd_vs_newton import draw_paths
from firstdescent.optimisation.gd_vs_newton import descend, newton

torch.set_default_dtype(torch.float64)


def loss(w):
    return (w[0] ** 2 + 12 * w[1] ** 2) / 2


start = torch.tensor([4.0, 1.2])
path = descend(loss, start, 0.15, 20)
print(path[-1])
draw_paths(loss, {"gradient descent": path})

# %% [markdown]
# ![A path](../assets/figures/labs/newton_lab/paths.svg)
#
# ## More { #more }
#
# Prose.

# %% raises="ValueError"
descend(loss, start, -1, 3)
