# ---
# description: Write a function of two weights, compute the limit of its learning rate, guess where gradient descent and Newton end, and see who was right.
# needs: [optimisation/learning_rate, optimisation/gd_vs_newton, optimisation/safe_newton]
# ---

# %% [markdown]
# # Gradient descent and Newton on your own function { #newton_lab }
#
# *“You showed me a valley in which Newton needs one step. What about my function?”*
#
# Write it here, and see. Open this page as a notebook, run the cells in order, and stop at each **Guess first**: a guess that fails teaches more than ten outputs. Then change the lines marked `# change this`, and run the cells again from there on.
#
# The proofs are on three pages: [how large a learning rate may be](../optimisation/learning_rate.md), [gradient descent against Newton](../optimisation/gd_vs_newton.md), and [how to keep Newton safe](../optimisation/safe_newton.md). This lab uses their functions.

# %%
import torch
from torch.func import grad, jacrev

from firstdescent.optimisation.figures.gd_vs_newton import draw_paths
from firstdescent.optimisation.gd_vs_newton import (
    classify_stationary,
    descend,
    newton,
)
from firstdescent.optimisation.learning_rate import lr_range_test
from firstdescent.optimisation.safe_newton import trust_newton

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.set_default_dtype(torch.float64)


def point(*numbers):
    return torch.tensor(numbers, device=device)


# %% [markdown]
# ## Your function { #function }
#
# It takes a tensor of two weights and returns one number, from PyTorch's operations. Run the lab once with this one, a valley: along it the curvature is 1, across it 12.


# %%
def loss(w):  # change this
    return (w[0] ** 2 + 12 * w[1] ** 2) / 2


start = point(4.0, 1.2)  # change this

# %% [markdown]
# Three others to put in its place. Further down all three are tried; run those cells before you peek.
#
# | Function | `return` | `start` |
# | --- | --- | --- |
# | a bent valley | `(1 - w[0]) ** 2 + 10 * (w[1] - w[0] ** 2) ** 2` | `point(-1.2, 1.0)` |
# | straight sides | `(1 + w @ w).sqrt()` | `point(2.0, 1.0)` |
# | four hollows | `((w**2 - 1) ** 2).sum() / 4 + w.prod() / 5` | `point(-0.3, 0.8)` |
#
# ## How bent is it here? { #curvature }
#
# The Hessian $H$ holds the second derivatives, and its eigenvalues are the curvatures along its own directions. On a quadratic a gradient step multiplies the error along a direction of curvature $\lambda$ by $1 - \text{lr}\,\lambda$. So [the steepest direction sets the limit](../optimisation/gd_vs_newton.md#quadratic), $\text{lr} < 2/\lambda_{\max}$.


# %%
def curvatures(f, w):
    return torch.linalg.eigvalsh(jacrev(grad(f))(w)).tolist()


def limit(f, w):
    steepest = curvatures(f, w)[-1]
    return 2 / steepest if steepest > 0 else float("inf")


print(f"loss {loss(start):.2f}, slope {grad(loss)(start).norm():.2f}")
print("curvatures", *[f"{h:.3g}" for h in curvatures(loss, start)])
print(f"the limit for lr: {limit(loss, start):.3g}")

# %% [markdown]
# If the lowest number is negative, you stand on the side of a hill or near a saddle. If none is positive, there is no limit to be had here: start elsewhere, or skip the cells with an `lr`.
#
# ## How close to the limit? { #limit }
#
# **Guess first.** Take 20 steps, with `lr` at these shares of the limit. Which share ends lowest? By how much does 1.1 end higher than 0.9?

# %%
shares = 0.1, 0.5, 0.9, 0.98, 1.02, 1.1  # change this
lrs = [share * limit(loss, start) for share in shares]
ends = lr_range_test(loss, start, lrs, steps=20)
for share, end in zip(shares, ends, strict=True):
    print(f"{share:4} of the limit: loss {end:.3g}")

# %% [markdown]
# The valley wants 0.9, not 0.5. With 0.9 the error shrinks at about the same rate along the valley and across it: the factors are $1 - 0.15 = 0.85$ and $1 - 0.15 \cdot 12 = -0.8$. At 1.02 the loss grows, but slowly, from 16.6 to 41; from other starts [a slow divergence](../optimisation/learning_rate.md#exercises) even looks fine at first.
#
# ## Step by step { #steps }
#
# **Guess first.** How many gradient steps, at 0.9 of the limit, bring the loss of the valley below a millionth? And how many Newton steps?


# %%
def show(path, rows):
    print(" step        loss  slope")
    for k in rows:
        slope = grad(loss)(path[k]).norm().item()
        slope = max(slope, 1e-12)  # less is rounding
        print(f"{k:5} {loss(path[k]):11.6f}  {slope:.0e}")


lr = 0.9 * limit(loss, start)
slide = descend(loss, start, lr, steps=60)
jump = newton(loss, start, steps=3)
print("gradient descent")
show(slide, (0, 1, 2, 5, 10, 20, 40, 60))
late = sum((loss(w) > 1e-6).item() for w in slide)
print(f"above 1e-6 for {late} of {len(slide)} points")
print("Newton")
show(jump, range(4))
draw_paths(loss, {"gradient descent": slide, "Newton": jump})

# %% [markdown]
# ![Contours of a long valley. Gradient descent jumps from side to side across it, in ever shorter steps, while it creeps along; Newton goes to the bottom in one straight step.](../assets/figures/labs/newton_lab/yours.svg)
#
# On a quadratic with positive curvatures, [one Newton step is all](../optimisation/gd_vs_newton.md#quadratic). Is yours no quadratic? Then look at how Newton's slope falls near the end: [its digits double](../optimisation/gd_vs_newton.md#digits), and those of gradient descent come at a steady pace.
#
# ## Who arrives? { #race }
#
# Now the three others, and a third method, *safe Newton*: `trust_newton` believes in the parabola only [within a radius](../optimisation/safe_newton.md#trust), and lets the loss judge each step.


# %%
def banana(w):
    return (1 - w[0]) ** 2 + 10 * (w[1] - w[0] ** 2) ** 2


def bowl(w):
    return (1 + w @ w).sqrt()


def hills(w):
    return ((w**2 - 1) ** 2).sum() / 4 + w.prod() / 5


functions = {  # change this: add yours
    "bent valley": (banana, point(-1.2, 1.0)),
    "straight sides": (bowl, point(2.0, 1.0)),
    "four hollows": (hills, point(-0.3, 0.8)),
}

# %% [markdown]
# **Guess first**: nine boxes. Gradient descent gets 100 steps at 0.9 of the limit *at its start*, Newton 20 steps, safe Newton as many as it asks for. For each box, say: a minimum, a saddle, not there yet, or ran away?


# %%
def safe_newton(f, w):
    return trust_newton(f, w).path


def ending(method, f, w, *more):
    try:
        kind = classify_stationary(f, method(f, w, *more)[-1])
    except (FloatingPointError, torch.linalg.LinAlgError):
        return "ran away"  # numbers too large, or H rounded to a singular one
    return kind.replace("not stationary", "not there yet")


for name, (f, w) in functions.items():
    print(name)
    bottom = safe_newton(f, w)[-1]
    print(f"  limit at start {limit(f, w):.2g}, end {limit(f, bottom):.2g}")
    print("  descent     ", ending(descend, f, w, 0.9 * limit(f, w), 100))
    print("  Newton      ", ending(newton, f, w, 20))
    print("  safe Newton ", ending(safe_newton, f, w))

# %% [markdown]
# Three things to take away.
#
# - **The limit at the start is not the limit elsewhere.** With straight sides and in the hollows it is smaller at the bottom than at the start, and the `lr` is beyond it: one jumps to and fro across the bottom, the other runs away. In the bent valley the `lr` is small enough, and the floor long and flat.
# - **Newton looks for a place without slope**, and a saddle is one. From straight sides it [jumps too far, each time further](../optimisation/gd_vs_newton.md#convex).
# - **A safeguard makes the difference**: three minima out of three.
#
# ## What the radius does { #safe }
#
# **Guess first.** Plain Newton does reach the minimum of the bent valley. Does its loss fall at every step?

# %%
f, w = functions["bent valley"]
plain, safe = newton(f, w, 8), safe_newton(f, w)
for name, path in {"Newton": plain, "safe Newton": safe}.items():
    highest = max(f(point) for point in path[1:]).item()
    print(f"{name:12} {len(path) - 1:2} steps to a loss of {f(path[-1]):.4f},")
    print(f"  from {f(w):.1f} by way of {highest:.1f}")
draw_paths(f, {"Newton": plain, "safe Newton": safe})

# %% [markdown]
# ![Contours of a valley bent like a banana. Newton cuts the bend in two long jumps, the first of them to a place far outside the valley; safe Newton follows the bend in short steps.](../assets/figures/labs/newton_lab/bent.svg)
#
# Newton climbed out of the valley and was lucky to come back. Safe Newton [refuses a step that does not lower the loss](../optimisation/safe_newton.md#trust), and pays with a few steps more.
#
# ## Wrong on purpose: a saddle { #saddle }
#
# It rises along $w_1$ and falls along $w_2$, without end. **Guess first**: which of these four leave the saddle at (0, 0)?


# %%
def saddle(w):
    return (w[0] ** 2 - w[1] ** 2) / 2


ends = {
    "Newton": newton(saddle, point(1.0, 0.5))[-1],
    "descent, w₂ = 0": descend(saddle, point(1.0, 0.0), 0.5, 100)[-1],
    "descent, w₂ = 1e-9": descend(saddle, point(1.0, 1e-9), 0.5, 100)[-1],
    "safe Newton": safe_newton(saddle, point(1.0, 0.0))[-1],
}
for name, w in ends.items():
    print(f"{name:19} {'left' if saddle(w) < -1 else 'stays'}")

# %% [markdown]
# Newton goes straight in. Gradient descent stays only on a line that no one hits by chance: a billionth beside it is enough, [given time](../optimisation/gd_vs_newton.md#saddles). Safe Newton sees the negative curvature and leaves even where the slope says nothing; its path ends because the loss is [below a floor](../optimisation/safe_newton.md#trust) that it is given.
#
# **Conclude**: where a run stands still, ask for the curvatures before you call it a minimum.
#
# ## Wrong on purpose: flat { #flat }
#
# At the bottom of $w_1^4 + w_2^4$ all curvatures are zero. A Newton step there is $w - 4w^3/12w^2 = \tfrac23 w$. And a trough, $w_1^2$, has no curvature at all along $w_2$. **Guess first**: do Newton's digits still double? What is its step in the trough?


# %%
def quartic(w):
    return (w**4).sum()


def trough(w):
    return w[0] ** 2


errors = newton(quartic, point(4.0, 1.2), 20).norm(dim=1)
print(f"quartic: error times {errors[20] / errors[19]:.4f} a step")
try:
    newton(trough, point(4.0, 1.2))
except torch.linalg.LinAlgError:
    print("trough, Newton: H has no inverse")
end = safe_newton(trough, point(4.0, 1.2))[-1].tolist()
print("trough, safe: ends at", *[f"{v:.2f}" for v in end])

# %% [markdown]
# **Conclude**: [doubling digits](../optimisation/gd_vs_newton.md#digits) need an $H$ that can be inverted at the bottom. In a trough every point of the bottom is as good, and safe Newton goes to the nearest.
#
# ## Wrong on purpose: a kink { #kink }
#
# $\lvert w_1 \rvert + 12 \lvert w_2 \rvert$ has straight sides. **Guess first**: what is its limit for `lr`? Where is gradient descent after 1000 steps of 0.3, and where after 1001?


# %%
def kink(w):
    return w[0].abs() + 12 * w[1].abs()


w = point(4.0, 1.2)
print("the limit at the start:", limit(kink, w))
path = descend(kink, w, 0.3, 1001)
for k in (1000, 1001):
    print(k, "steps:", *[f"{v:.1f}" for v in path[k].tolist()])

# %% [markdown]
# All curvatures are zero wherever there are any, so the limit is infinite, and says nothing: the slope does not shrink near the bottom. Each weight jumps to and fro across its kink, [for ever](../estimation/laplace_robust.md#kink).
#
# **Conclude**: $2/\lambda_{\max}$ speaks of smooth functions. Where there is a kink, `lr` must shrink.
#
# ## What to try next { #next }
#
# 1. Multiply your loss by 10. What becomes of the limit, and of Newton's path?
# 2. In the valley, make 12 into 120. How many more steps does gradient descent need, with its [best `lr`](../optimisation/gd_vs_newton.md#quadratic)?
# 3. Begin on the hills at `point(-0.3, 0.2)`. Where does Newton end? Use `ending`.
#
# **Guess first**; the next cell checks all three.


# %%
def banana_times(factor):
    return lambda w: factor * banana(w)


def valley(steep):
    return lambda w: (w[0] ** 2 + steep * w[1] ** 2) / 2


w = point(4.0, 1.2)
for factor in (1, 10):
    f = banana_times(factor)
    print(f"times {factor}: limit {limit(f, w):.2g}", end=", ")
    print("w", *[f"{v:.4f}" for v in newton(f, w, 3)[-1].tolist()])
for steep in (12, 120):
    path = descend(valley(steep), w, 2 / (1 + steep), 1500)
    print(f"across {steep:3}: {(path.norm(dim=1) > 1e-6).sum()} steps to 1e-6")
print("hills:", ending(newton, hills, point(-0.3, 0.2), 20))

# %% [markdown]
# A tenth of the limit, and the same path: [Newton does not see the scale of a loss](../optimisation/gd_vs_newton.md#units). Ten times as many steps: they grow with the [condition number](../optimisation/learning_rate.md#best). And Newton can climb to a top.
#
# ## In short { #in-short }
#
# - $2/\lambda_{\max}$ is a limit for `lr` on a quadratic, and elsewhere one for the place where it was computed.
# - Newton ends where there is no slope: in a minimum, at a saddle, on a top, or nowhere.
# - A radius, or a loss that judges each step, costs a few steps and mends that.
# - Flat bottoms and kinks break what curvature promises. Look at the curvatures where a run stands still.
