"""firstdescent.deep.label_shift against answers that it did not compute."""

import math

import pytest
import torch

from firstdescent.deep.label_shift import (
    class_means,
    confusion,
    count_labels,
    em_shares,
    label_shares,
    mixture_se,
    nearest_shares,
    rescale,
)

D = torch.float64
INF, NAN = math.inf, math.nan


def t(*values):
    return torch.tensor(values, dtype=D)


def ints(*values):
    return torch.tensor(values)


class TestCountLabels:
    def test_each_row_of_labels_is_counted_by_itself(self):
        labels = ints([0, 2, 2, 2], [1, 1, 0, 0])
        expected = t([1, 0, 3], [2, 2, 0])
        torch.testing.assert_close(count_labels(labels, 3), expected)
        torch.testing.assert_close(count_labels(labels[0], 3), expected[0])

    @pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32])
    def test_any_integers_will_do(self, dtype):
        labels = torch.zeros(300, 2, dtype=dtype)
        assert count_labels(labels, 1).tolist() == [[2.0]] * 300

    def test_one_label_is_enough(self):
        assert count_labels(ints(1), 2).tolist() == [0.0, 1.0]

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64])
    def test_labels_that_are_not_integers_are_refused(self, dtype):
        with pytest.raises(TypeError, match="expected integer labels"):
            count_labels(torch.zeros(3, dtype=dtype), 2)

    def test_a_label_outside_the_classes_is_refused(self):
        with pytest.raises(ValueError, match="labels 0 to 1, got 0 to 2"):
            count_labels(ints(0, 2), 2)
        with pytest.raises(ValueError, match="labels 0 to 1, got -1 to 0"):
            count_labels(ints(0, -1), 2)

    def test_no_labels_and_no_classes_are_refused(self):
        for shape in ((0,), (), (2, 0)):
            labels = torch.zeros(shape, dtype=torch.long)
            with pytest.raises(ValueError, match="n > 0"):
                count_labels(labels, 2)
        with pytest.raises(ValueError, match="at least one class"):
            count_labels(ints(0), 0)


class TestConfusion:
    def test_rows_are_predictions_columns_are_true_classes(self):
        y = ints(0, 0, 0, 0, 1, 1)
        predicted = ints(0, 0, 0, 1, 0, 1)
        C = confusion(predicted, y, 2)
        torch.testing.assert_close(C, t([0.75, 0.5], [0.25, 0.5]))

    def test_it_agrees_with_counting_pair_by_pair_in_every_table(self):
        g = torch.Generator().manual_seed(0)
        y, predicted = torch.randint(4, (2, 3, 60), generator=g)
        C = confusion(predicted, y, 4)
        assert C.shape == (3, 4, 4)
        for table in range(3):
            for i in range(4):
                for j in range(4):
                    own = predicted[table][y[table] == j].tolist()
                    assert C[table, i, j].item() == pytest.approx(
                        own.count(i) / len(own)
                    )

    def test_small_integers_do_not_overflow(self):
        y = torch.arange(100, dtype=torch.uint8)
        assert torch.equal(confusion(y, y, 100), torch.eye(100, dtype=D))

    def test_a_class_without_rows_is_named(self):
        with pytest.raises(ValueError, match="no row of class 1"):
            confusion(ints(0, 1, 2), ints(0, 2, 2), 3)

    def test_shapes_must_agree(self):
        with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
            confusion(ints(0, 1), ints(0, 1, 1), 2)

    def test_a_prediction_outside_the_classes_is_refused(self):
        with pytest.raises(ValueError, match="labels 0 to 1, got 0 to 2"):
            confusion(ints(0, 2), ints(0, 1), 2)


class TestLabelShares:
    def test_it_solves_a_system_made_by_hand(self):
        # p = (3/5, 2/5): mu_0 = 3/4 * 3/5 + 1/2 * 2/5 = 13/20
        C = t([0.75, 0.5], [0.25, 0.5])
        predicted = ints(*[0] * 13, *[1] * 7)
        torch.testing.assert_close(label_shares(C, predicted), t(0.6, 0.4))

    def test_one_matrix_serves_many_sets(self):
        C = t([0.75, 0.5], [0.25, 0.5])
        many = ints([0, 1], [0, 0])
        expected = torch.stack([label_shares(C, row) for row in many])
        torch.testing.assert_close(label_shares(C, many), expected)

    def test_it_leaves_negative_entries_and_keeps_the_sum(self):
        p = label_shares(t([0.9, 0.2], [0.1, 0.8]), ints(0, 0, 0, 0))
        torch.testing.assert_close(p, t(8 / 7, -1 / 7))

    def test_float32_is_solved_in_float64(self):
        C = torch.tensor([[0.75, 0.5], [0.25, 0.5]])
        assert label_shares(C, ints(0, 1)).dtype == D

    @pytest.mark.parametrize(
        "wrong",
        [
            t([0.15, 0.4], [0.05, 0.4]),  # joint
            t([0.75, 0.25], [0.5, 0.5]),  # transposed
            t([0.6, 0.4], [0.3, 0.7]),  # rows sum to 1
            t([0.6, 0.401], [0.4, 0.6]),
            t([1.2, 0.1], [-0.2, 0.9]),
            t([NAN, 0.1], [0.2, 0.9]),
        ],
    )
    def test_a_matrix_of_another_kind_is_refused(self, wrong):
        with pytest.raises(ValueError, match="columns of C that sum to 1"):
            label_shares(wrong, ints(0, 1))

    @pytest.mark.parametrize(
        "C",
        [
            t([0.4, 0.4], [0.6, 0.6]),
            t([0, 0, 0], [0.3, 0.6, 0.1], [0.7, 0.4, 0.9]),
        ],
    )
    def test_a_singular_matrix_is_refused(self, C):
        with pytest.raises(ValueError, match="C is singular"):
            label_shares(C, ints(0, 1))

    @pytest.mark.parametrize("tilt", [1e-6, 1e-9])
    def test_a_nearly_singular_matrix_is_solved(self, tilt):
        C = t([0.5 + tilt, 0.5], [0.5 - tilt, 0.5])
        p = label_shares(C, ints(0, 1))
        torch.testing.assert_close(p, t(0, 1), atol=1e-6, rtol=0)

    def test_other_shapes_and_dtypes_are_refused(self):
        with pytest.raises(ValueError, match=r"\(\.\.\., k, k\), got \(2, 3\)"):
            label_shares(torch.ones(2, 3, dtype=D), ints(0))
        with pytest.raises(ValueError, match=r"got \(0, 0\)"):
            label_shares(torch.zeros(0, 0, dtype=D), ints(0))
        for many, rows in ((3, 2), (2, 3)):
            C = torch.eye(2, dtype=D).expand(many, 2, 2)
            with pytest.raises(ValueError, match=rf"got \({many}, 2, 2\) and"):
                label_shares(C, torch.zeros(rows, 5, dtype=torch.long))
        with pytest.raises(TypeError, match="floating-point numbers in C"):
            label_shares(torch.eye(2, dtype=torch.long), ints(0))


class TestNearestShares:
    def test_shares_stay(self):
        torch.testing.assert_close(nearest_shares(t(0.2, 0.0, 0.8)), t(0.2, 0, 0.8))

    def test_by_hand(self):
        torch.testing.assert_close(nearest_shares(t(1.1, -0.1)), t(1, 0))
        torch.testing.assert_close(nearest_shares(t(0.7, 0.5, -0.2)), t(0.6, 0.4, 0))
        torch.testing.assert_close(nearest_shares(t(-5.0)), t(1))

    @pytest.mark.parametrize(
        ("p", "dtype", "expected"),
        [
            ([3e7, -3e7], torch.float32, [1, 0]),
            ([1e17, 0.0], D, [1, 0]),
            ([3000.0, -2999.0], torch.float16, [1, 0]),
            ([-1e17, -1e17], D, [0.5, 0.5]),
        ],
    )
    def test_large_entries_lose_nothing(self, p, dtype, expected):
        best = nearest_shares(torch.tensor(p, dtype=dtype))
        assert best.dtype == dtype
        assert best.tolist() == expected

    def test_no_other_shares_are_nearer(self):
        g = torch.Generator().manual_seed(0)
        p = torch.randn(50, 4, generator=g, dtype=D)
        best = nearest_shares(p)
        torch.testing.assert_close(best.sum(-1), torch.ones(50, dtype=D))
        assert (best >= 0).all()
        # of a convex set, exactly the nearest point has (p - best).(v - best) <= 0
        # for each corner v
        corner = torch.eye(4, dtype=D)
        gap = ((p - best)[:, None] * (corner - best[:, None])).sum(-1)
        assert (gap <= 1e-12).all()

    def test_what_is_not_finite_or_not_real_is_refused(self):
        for bad in (t(0.5, NAN), t(0.5, INF), t(), torch.tensor(1.0)):
            with pytest.raises(ValueError, match="expected finite p"):
                nearest_shares(bad)
        with pytest.raises(TypeError, match="floating-point"):
            nearest_shares(ints(0, 1))


class TestRescale:
    def test_two_classes_by_bayes_rule(self):
        # odds 1 : 3, times 6 : 1
        torch.testing.assert_close(rescale(t([0.25, 0.75]), t(6, 1)), t([2 / 3, 1 / 3]))

    def test_the_scale_of_the_weights_does_not_matter(self):
        P, w = t([0.2, 0.3, 0.5], [0.6, 0.3, 0.1]), t(3, 1, 0)
        for scale in (1e300, 1e-300):
            torch.testing.assert_close(rescale(P, scale * w), rescale(P, w))

    def test_small_numbers_do_not_vanish(self):
        assert rescale(t([1e-200, 1.0]), t(1e-200, 0)).tolist() == [[1.0, 0.0]]

    def test_large_numbers_do_not_overflow(self):
        assert rescale(t([1e308, 1e308]), t(1e308, 1e308)).tolist() == [[0.5, 0.5]]
        assert rescale(t([5e-324, 0.0]), t(1, 1)).tolist() == [[1.0, 0.0]]

    def test_it_adds_the_log_of_the_weights_to_the_logits(self):
        logits, w = t([1.0, -2.0, 0.5]), t(0.2, 3, 1)
        expected = (logits + w.log()).softmax(-1)
        torch.testing.assert_close(rescale(logits.softmax(-1), w), expected)

    def test_many_weights_at_once(self):
        P, w = t([0.2, 0.8], [0.5, 0.5]), t([1, 2], [3, 1])
        expected = torch.stack([rescale(P, one) for one in w])
        torch.testing.assert_close(rescale(P, w), expected)

    def test_float32_stays_float32(self):
        P, w = torch.full((100_000, 2), 0.5), torch.tensor([1.0, 3.0])
        assert rescale(P, w).dtype == torch.float32
        assert torch.equal(rescale(P, w)[7], torch.tensor([0.25, 0.75]))

    def test_a_row_without_a_class_is_refused(self):
        with pytest.raises(ValueError, match="no class left"):
            rescale(t([1.0, 0.0]), t(0, 1))
        with pytest.raises(ValueError, match="no class left"):
            rescale(t([0.5, 0.5]), t(0, 0))

    @pytest.mark.parametrize("bad", [-0.1, NAN, INF])
    def test_bad_numbers_are_refused(self, bad):
        with pytest.raises(ValueError, match=">= 0 in P"):
            rescale(t([bad, 1.0]), t(1, 1))
        with pytest.raises(ValueError, match=">= 0 in w"):
            rescale(t([0.5, 0.5]), t(bad, 1))

    def test_other_shapes_and_dtypes_are_refused(self):
        for P, w in ((t(0.5, 0.5), t(1, 1)), (t([0.5, 0.5]), t(1, 1, 1))):
            with pytest.raises(ValueError, match=r"P \(\.\.\., m, k\)"):
                rescale(P, w)
        with pytest.raises(ValueError, match=r"got \(0, 2\)"):
            rescale(torch.zeros(0, 2, dtype=D), t(1, 1))
        with pytest.raises(TypeError, match=r"torch\.int64"):
            rescale(t([0.5, 0.5]), ints(1, 1))


class TestEmShares:
    def test_it_finds_the_top_of_the_likelihood(self):
        g = torch.Generator().manual_seed(0)
        P = torch.randn(40, 2, generator=g, dtype=D).mul(2).softmax(-1)
        q = t(0.3, 0.7)
        grid = torch.linspace(0, 1, 10_001, dtype=D)
        w = torch.stack([grid, 1 - grid], -1) / q
        best = grid[(P @ w.T).log().mean(0).argmax()]
        assert em_shares(P, q)[0].item() == pytest.approx(best.item(), abs=1e-4)

    def test_certain_probabilities_give_the_counts(self):
        P = torch.eye(3, dtype=D)[[0, 0, 1, 2, 2, 2, 2, 0, 0, 0]]
        torch.testing.assert_close(em_shares(P, t(0.2, 0.3, 0.5)), t(0.5, 0.1, 0.4))

    def test_useless_probabilities_leave_the_shares_of_the_source(self):
        q = t(0.2, 0.8)
        torch.testing.assert_close(em_shares(q.expand(5, 2), q), q)

    def test_many_sets_end_as_each_does_alone(self):
        g = torch.Generator().manual_seed(1)
        P = torch.randn(3, 50, 3, generator=g, dtype=D).mul(3).softmax(-1)
        q = t(0.2, 0.3, 0.5)
        alone = torch.stack([em_shares(one, q, tol=1e-12) for one in P])
        torch.testing.assert_close(em_shares(P, q, tol=1e-12), alone)

    def test_float32_is_summed_in_float64(self):
        P = torch.tensor([[0.3, 0.7], [0.8, 0.2]]).repeat(50_000, 1)
        found = em_shares(P, torch.tensor([0.5, 0.5]))
        assert found.dtype == D
        torch.testing.assert_close(found, em_shares(P[:2].double(), t(0.5, 0.5)))

    @pytest.mark.parametrize("q", [t(0, 1), t(0.5, 0.6), t([0.5, 0.5]), t(NAN, 1)])
    def test_shares_that_are_none_are_refused(self, q):
        with pytest.raises(ValueError, match="positive shares with the sum 1"):
            em_shares(t([0.5, 0.5]), q)

    def test_probabilities_are_checked(self):
        with pytest.raises(ValueError, match=">= 0 in P"):
            em_shares(t([-0.5, 1.5]), t(0.5, 0.5))
        with pytest.raises(ValueError, match="no class left"):
            em_shares(t([0.0, 0.0]), t(0.5, 0.5))

    def test_what_is_not_real_floating_point_is_refused(self):
        P, q = t([0.5, 0.5], [0.2, 0.8]), t(0.5, 0.5)
        for bad in (P + 0j, P > 0.3, P.long()):
            with pytest.raises(TypeError, match="expected floating point"):
                em_shares(bad, q)
        with pytest.raises(TypeError, match="complex128"):
            em_shares(P, q + 0j)

    def test_it_stops_at_a_small_step_though_the_maximum_may_be_further(self):
        # two normals, 0.3 apart: the classes overlap nearly everywhere
        g, q = torch.Generator().manual_seed(0), t(0.2, 0.8)
        y = (torch.rand(2000, generator=g) < 0.3).to(D)
        x = torch.randn(2000, generator=g, dtype=D) + 0.3 * y
        P = torch.stack([-x.square(), -(x - 0.3).square()], -1).div(2)
        P = (P + q.log()).softmax(-1)
        tol = 1e-5
        found = em_shares(P, q, tol)
        r = P * found / q
        step = (r / r.sum(-1, keepdim=True)).mean(0) - found
        assert step.abs().max() <= tol
        low, high = 0.0, 1.0  # the slope in p_0 falls: halve
        for _ in range(60):
            p = (low + high) / 2
            w = t(p, 1 - p) / q
            slope = ((P[:, 0] / q[0] - P[:, 1] / q[1]) / (P @ w)).mean()
            low, high = (p, high) if slope > 0 else (low, p)
        assert 10 * tol < abs(found[0].item() - low) < 1000 * tol

    def test_it_says_when_it_did_not_arrive(self):
        with pytest.raises(RuntimeError, match="still move after 2 steps"):
            em_shares(t([0.3, 0.7], [0.8, 0.2]), t(0.5, 0.5), steps=2)


class TestClassMeans:
    def test_by_hand(self):
        means = class_means(t([1, 2, 6], [0, 0, 3]), ints([1, 1, 0], [0, 1, 0]), 2)
        torch.testing.assert_close(means, t([6, 1.5], [1.5, 0]))

    def test_sums_are_made_in_float64(self):
        for value, dtype in ((2.0, torch.float16), (3e38, torch.float32)):
            values = torch.full((100_000,), value, dtype=dtype)
            means = class_means(values, torch.zeros(100_000, dtype=torch.uint8), 1)
            torch.testing.assert_close(means, values[:1].double())

    def test_what_cannot_be_averaged_is_refused(self):
        with pytest.raises(ValueError, match="no row of class 1: its mean"):
            class_means(t(1, 2), ints(0, 0), 2)
        with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
            class_means(t(1, 2), ints(0, 0, 0), 1)
        with pytest.raises(ValueError, match="finite value"):
            class_means(t(1, NAN), ints(0, 0), 1)
        with pytest.raises(TypeError, match="floating-point"):
            class_means(ints(1, 2), ints(0, 0), 1)


class TestMixtureSe:
    def test_by_hand(self):
        # variances: target 2, class 0 (1, 3): 2, class 1 (0, 3, 6): 9
        source, y = t(1, 0, 3, 3, 6), ints(0, 1, 0, 1, 1)
        se = mixture_se(source, y, t(4, 6), t(0.5, 0.5))
        assert se.item() == pytest.approx((2 / 2 + 0.25 * 2 / 2 + 0.25 * 9 / 3) ** 0.5)

    def test_one_row_has_no_spread(self):
        with pytest.raises(ValueError, match="two source rows of each class"):
            mixture_se(t(1, 2, 3), ints(0, 0, 1), t(1, 2), t(0.5, 0.5))
        with pytest.raises(ValueError, match="two target rows"):
            mixture_se(t(1, 2, 3, 4), ints(0, 0, 1, 1), t(1), t(0.5, 0.5))

    def test_small_integers_are_labels_too(self):
        source, y = t(1, 0, 3, 3, 6), ints(0, 1, 0, 1, 1)
        args = t(4, 6), t(0.5, 0.5)
        for dtype in (torch.uint8, torch.int32):
            same = mixture_se(source, y.to(dtype), *args)
            assert torch.equal(same, mixture_se(source, y, *args))

    @pytest.mark.parametrize(
        ("target", "p", "error", "said"),
        [
            (t(1, NAN), t(0.5, 0.5), ValueError, "finite numbers in target"),
            (t(1, 2), t(NAN, 1), ValueError, "finite numbers in p"),
            (t(1, 2), torch.tensor(0.5), ValueError, "a row of finite numbers in p"),
            (t(1, 2) + 1j, t(0.5, 0.5), TypeError, "in target, got torch.complex128"),
            (ints(1, 2), t(0.5, 0.5), TypeError, "in target, got torch.int64"),
            (t(1, 2), ints(0, 1), TypeError, "in p, got torch.int64"),
        ],
    )
    def test_what_has_no_spread_is_refused(self, target, p, error, said):
        with pytest.raises(error, match=said):
            mixture_se(t(1, 2, 3, 4), ints(0, 0, 1, 1), target, p)
