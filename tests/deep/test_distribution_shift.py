"""firstdescent.deep.distribution_shift against answers that it did not compute."""

import itertools
import math

import pytest
import torch

from firstdescent.deep.distribution_shift import (
    auc,
    density_ratio,
    domain_logits,
    doubled_ranks,
    effective_size,
    permutation_p,
)

D = torch.float64
NAN, INF = float("nan"), float("inf")


def vector(*values, dtype=D):
    return torch.tensor(values, dtype=dtype)


def draws(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=D)


def pairs(source, target):
    """The AUC by its definition: all pairs, ties half."""
    gap = target[:, None].double() - source[None].double()
    return ((gap > 0).double() + (gap == 0).double() / 2).mean().item()


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_the_share_of_pairs_with_ties_counted_half(seed):
    source, target = draws(17, seed=seed), draws(9, seed=seed + 50)
    assert auc(source, target) == pytest.approx(pairs(source, target), abs=1e-15)
    coarse, high = (2 * source).round(), (2 * target + 1).round()
    assert auc(coarse, high) == pytest.approx(pairs(coarse, high), abs=1e-15)


def test_auc_of_small_cases_counted_by_hand():
    assert auc(vector(1.0), vector(2.0)) == 1
    assert auc(vector(2.0), vector(1.0)) == 0
    assert auc(vector(1.0), vector(1.0)) == 0.5
    assert auc(vector(0.0, -0.0), vector(0.0)) == 0.5
    assert auc(vector(1, 2, 3, dtype=torch.int64), vector(2, 4, dtype=torch.int64)) == (
        4.5 / 6
    )
    assert auc(vector(-INF, 0.0), vector(INF, 0.0)) == 3.5 / 4
    assert auc(torch.tensor([False, True]), torch.tensor([True])) == 0.75


def test_auc_ignores_an_increasing_map_and_turns_over_when_the_sets_swap():
    source, target = draws(30), draws(20, seed=1) + 0.5
    assert auc(source.exp(), target.exp()) == auc(source, target)
    assert auc(target, source) == pytest.approx(1 - auc(source, target), abs=1e-15)


def test_auc_of_many_float32_scores_stays_exact():
    target = torch.arange(100_000, dtype=torch.float32)
    assert auc(target - 0.5, target) == pytest.approx(100_001 / 200_000, abs=1e-15)


def test_ranks_of_equal_scores_are_their_mean():
    ranks = doubled_ranks(vector(5.0, 1.0, 5.0), vector(5.0, 9.0))
    assert ranks.tolist() == [6, 2, 6, 6, 10]


@pytest.mark.parametrize("function", [doubled_ranks, auc])
def test_scores_that_cannot_be_ranked_are_refused(function):
    one = vector(1.0)
    for bad in (vector(), torch.zeros(1, 1, dtype=D), torch.tensor(1.0, dtype=D)):
        for both in ((bad, one), (one, bad)):
            with pytest.raises(ValueError, match=r"expected scores \(n,\)"):
                function(*both)
    with pytest.raises(ValueError, match="got nan"):
        function(vector(NAN), one)
    with pytest.raises(TypeError, match="of one dtype"):
        function(one, one.float())
    with pytest.raises(TypeError, match="real scores"):
        function(one + 0j, one + 0j)


def test_permutation_p_agrees_with_all_orders():
    source, target = vector(0.1, 0.4, 0.5, 1.2), vector(0.6, 0.9, 2.0)
    scores = torch.cat([source, target])
    reached = pairs(source, target)
    found = []
    for chosen in itertools.combinations(range(7), 3):
        rest = [i for i in range(7) if i not in chosen]
        found.append(pairs(scores[rest], scores[list(chosen)]) >= reached - 1e-12)
    exact = sum(found) / len(found)
    p = permutation_p(source, target, torch.Generator().manual_seed(0), 4000)
    assert abs(p - exact) < 4 * math.sqrt(exact * (1 - exact) / 4000)


def test_permutation_p_is_uniform_if_nothing_moved():
    generator = torch.Generator().manual_seed(3)
    scores = draws(600, 40, seed=4)
    p = torch.tensor([permutation_p(s[:25], s[25:], generator, 39) for s in scores])
    for level in (0.05, 0.1, 0.25, 0.5, 0.9):
        share = (p <= level + 1e-9).double().mean().item()
        assert abs(share - level) < 4 * math.sqrt(level * (1 - level) / 600)


def test_permutation_p_is_never_zero_and_one_for_scores_all_equal():
    generator = torch.Generator().manual_seed(0)
    far = permutation_p(torch.zeros(40), torch.ones(40), generator, 99)
    assert far == 1 / 100
    assert permutation_p(torch.ones(4), torch.ones(5), generator, 9) == 1
    assert permutation_p(torch.ones(40), torch.zeros(40), generator, 9) == 1


def test_permutation_p_refuses_no_shuffles():
    with pytest.raises(ValueError, match="times must be at least 1"):
        permutation_p(vector(0.0), vector(1.0), torch.Generator(), 0)


def test_the_effective_size_counted_by_hand():
    assert effective_size(torch.ones(7, dtype=D)).item() == pytest.approx(7)
    assert effective_size(vector(0, 0, 3)).item() == 1
    assert effective_size(vector(1, 2)).item() == pytest.approx(9 / 5)
    assert effective_size(vector(1, 2, dtype=torch.int64)).dtype == D
    both = effective_size(torch.tensor([[1.0, 1.0], [1.0, 0.0]], dtype=D))
    assert both.tolist() == [2, 1]


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_the_effective_size_ignores_the_scale(scale):
    w = draws(50).exp()
    torch.testing.assert_close(effective_size(scale * w), effective_size(w))


def test_the_effective_size_of_many_float32_rows():
    assert effective_size(torch.full((100_000,), 1e-30)).item() == 100_000


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("n", [257, 70_000])
def test_the_effective_size_of_half_precision_rows_is_counted_in_float64(dtype, n):
    found = effective_size(torch.ones(n, dtype=dtype))
    assert (found.item(), found.dtype) == (n, D)


@pytest.mark.parametrize("bad", [[-1.0, 2.0], [NAN, 1.0], [INF, 1.0], [0.0, 0.0], []])
def test_the_effective_size_refuses_what_are_no_weights(bad):
    with pytest.raises(ValueError, match="weight"):
        effective_size(vector(*bad))


def test_the_effective_size_refuses_a_number_and_complex_weights():
    with pytest.raises(ValueError, match=r"\(\.\.\., n\)"):
        effective_size(torch.tensor(1.0))
    with pytest.raises(TypeError, match="real weights"):
        effective_size(vector(1.0) + 0j)


def sets(n=20_000, m=5_000):
    return draws(n, 1), 0.5 + draws(m, 1, seed=1)


def test_the_ratio_of_two_normals_is_found():
    source, target = sets()
    at = vector(-1, 0, 1, 2)[:, None]
    true = torch.exp(0.5 * at[:, 0] - 0.125)
    found = density_ratio(source, target, at)
    torch.testing.assert_close(found, true, rtol=0.08, atol=0)


def test_the_ratio_does_not_depend_on_how_many_target_rows_there_are():
    source, target = sets()
    at = vector(0, 1)[:, None]
    few = density_ratio(source, target[:2500], at)
    many = density_ratio(source, torch.cat([target[:2500]] * 4), at)
    torch.testing.assert_close(few, many, rtol=0.05, atol=0)


def test_the_logits_solve_the_score_equations():
    """At the fit the summed gradient A^T (p - y) vanishes."""
    source, target = draws(40, 2), draws(30, 2, seed=1) + 0.4
    rows = torch.cat([source, target])
    side = torch.cat([torch.zeros(40), torch.ones(30)]).double()
    wrong = torch.sigmoid(domain_logits(source, target, rows)) - side
    gradient = torch.cat([rows.T @ wrong, wrong.sum()[None]])
    torch.testing.assert_close(gradient, torch.zeros(3, dtype=D), atol=1e-6, rtol=0)


@pytest.mark.parametrize("penalty", [0.0, 3.0])
def test_units_and_origin_of_a_column_do_not_matter(penalty):
    source, target = draws(60, 2), draws(50, 2, seed=1) + 0.3

    def moved(x):
        return x * vector(1000, 1e-3) + vector(5000, -7)

    plain = domain_logits(source, target, source, penalty)
    other = domain_logits(moved(source), moved(target), moved(source), penalty)
    torch.testing.assert_close(plain, other, atol=1e-6, rtol=1e-6)


def test_float32_and_integers_are_taken_in_float64():
    source, target = sets(300, 200)
    found = density_ratio(source.float(), target.float(), target.float())
    assert found.dtype == D
    expected = density_ratio(source, target, target)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)
    counts = torch.tensor([[0], [1], [2], [3]])
    assert density_ratio(counts, counts[1:3], counts).isfinite().all()


def test_the_inputs_and_the_global_generator_are_left_alone():
    three = [*sets(50, 40), draws(5, 1, seed=2)]
    kept, state = [t.clone() for t in three], torch.get_rng_state()
    density_ratio(*three)
    generator = torch.Generator().manual_seed(0)
    permutation_p(three[0][:, 0], three[1][:, 0], generator, 9)
    assert all(torch.equal(a, b) for a, b in zip(three, kept, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("penalty", [0.5, 5.0])
def test_the_penalty_is_half_lam_times_the_squares_beside_the_sum_of_losses(penalty):
    """At the fit Z^T (sigmoid(logits) - side) + penalty * weights vanishes."""
    source, target = draws(40, 2), draws(30, 2, seed=1) + 0.4
    rows = torch.cat([source, target])
    logits = domain_logits(source, target, rows, penalty)
    Z = (rows - rows.mean(dim=0)) / rows.std(dim=0, correction=0)
    A = torch.cat([Z, torch.ones(70, 1, dtype=D)], dim=1)
    theta = torch.linalg.lstsq(A, logits[:, None], driver="gels").solution[:, 0]
    side = torch.cat([torch.zeros(40), torch.ones(30)]).double()
    gradient = Z.T @ (torch.sigmoid(logits) - side) + penalty * theta[:2]
    torch.testing.assert_close(gradient, torch.zeros(2, dtype=D), atol=1e-6, rtol=0)


@pytest.mark.parametrize("function", [domain_logits, density_ratio])
def test_tables_that_do_not_fit_together_are_refused(function):
    good = draws(10, 2)
    for place in range(3):
        for bad in (draws(10), draws(10, 3), draws(0, 2), draws(4, 0)):
            three = [good, good + 0.1, good]
            three[place] = bad
            with pytest.raises(ValueError, match=r"expected \(n, k\)"):
                function(*three)
        three = [good, good + 0.1, good]
        three[place] = good + 0j
        with pytest.raises(TypeError, match="real numbers"):
            function(*three)
        three[place] = torch.full_like(good, NAN)
        with pytest.raises(ValueError, match="finite"):
            function(*three)


def test_separated_sets_and_columns_that_do_not_vary_are_refused():
    low, high = draws(20, 1), draws(20, 1) + 100
    with pytest.raises(ValueError, match="separated"):
        density_ratio(low, high, low)
    assert density_ratio(low, high, low, penalty=1.0).isfinite().all()
    with pytest.raises(ValueError, match="vary"):
        domain_logits(torch.ones(4, 1), torch.ones(4, 1), torch.ones(4, 1))


def test_a_ratio_that_overflows_is_refused():
    source, target = sets(200, 200)
    with pytest.raises(ValueError, match="overflows"):
        density_ratio(source, target, vector(1e6)[:, None])


def test_a_ratio_that_underflows_is_zero():
    source, target = sets(200, 200)
    assert density_ratio(source, target, vector(-1e6)[:, None]).item() == 0
