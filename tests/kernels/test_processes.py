"""Sample moments of every process against closed forms, with fixed seeds and bounds of 4.5 standard errors."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels import drivers as dr
from capmix.kernels.drivers import Process
from capmix.models.schema.drivers import PROCESS_SPECS
from scipy import linalg, stats

from .samples import DT, NUMBA, processes

COUNT = 200_000
T = 9
K, SIGMA = 0.8, 0.3
BOUND = 4.5


def paths(table, seed=11):
    return NUMBA.simulate(table, COUNT, seed).x(np.arange(COUNT))


def one(kind, rows, start):
    return paths(processes([rows], [kind], [start]))[:, 0]


def assert_mean(sample, expected):
    error = sample.std() / np.sqrt(sample.size) + 1e-7 * abs(expected)
    assert abs(sample.mean() - expected) < BOUND * error


def assert_variance(sample, expected):
    square = (sample - sample.mean()) ** 2
    assert_mean(square, expected)


def gaussian_moments(start, means, t):
    """Mean and variance after t periods of dy = K (mean - y) dt + SIGMA dW with a mean per period."""
    lags = np.arange(t - 1, -1, -1)
    pulls = (1.0 - np.exp(-K * DT)) * np.exp(-K * DT * lags)
    mean = start * np.exp(-K * DT * t) + pulls @ np.asarray(means)[1 : t + 1]
    return mean, SIGMA**2 / (2 * K) * (1.0 - np.exp(-2 * K * DT * t))


def test_vasicek_moments_with_a_mean_per_period():
    means = np.linspace(0.5, -0.5, T)
    x = one(Process.VASICEK, dr.vasicek_row(means, K, SIGMA, None, DT), 1.0)
    assert (x[:, 0] == 1.0).all()
    for t in (1, 4, 8):
        mean, variance = gaussian_moments(1.0, means, t)
        assert_mean(x[:, t], mean)
        assert_variance(x[:, t], variance)
    lag = np.cov(x[:, 4], x[:, 5])
    assert lag[0, 1] == pytest.approx(np.exp(-K * DT) * gaussian_moments(1.0, means, 4)[1], rel=0.02)


def test_volatility_per_period():
    volatility = np.array([9.0, 0.0, 0.5, *np.zeros(T - 3)])
    x = one(Process.VASICEK, dr.vasicek_row(np.zeros(T), K, volatility, None, DT), 1.0)
    assert np.ptp(x[:, 1]) == 0.0
    assert_variance(x[:, 2], 0.25 / (2 * K) * (1.0 - np.exp(-2 * K * DT)))


def test_floor_bounds_what_is_shown_and_not_the_path():
    free = one(Process.VASICEK, dr.vasicek_row(np.zeros(T), K, SIGMA, None, DT), 0.05)
    held = one(Process.VASICEK, dr.vasicek_row(np.zeros(T), K, SIGMA, 0.1, DT), 0.05)
    assert (held == np.maximum(free, np.float32(0.1))).all()


def test_cir_moments():
    theta, start = 0.09, 0.04
    x = one(Process.CIR, dr.cir_row(np.full(T, theta), K, SIGMA, DT), start)
    assert x.min() > 0.0
    for t in (1, 3, 8):
        b = np.exp(-K * DT * t)
        assert_mean(x[:, t], theta + (start - theta) * b)
        variance = start * SIGMA**2 / K * (b - b**2) + theta * SIGMA**2 / (2 * K) * (1 - b) ** 2
        assert_variance(x[:, t], variance)


def test_log_ou_moments():
    medians = np.linspace(1.0, 2.0, T)
    x = one(Process.LOG_OU, dr.log_ou_row(medians, K, SIGMA, DT), 1.5)
    for t in (1, 8):
        mean, variance = gaussian_moments(np.log(1.5), np.log(medians), t)
        assert_mean(np.log(x[:, t]), mean)
        assert_variance(np.log(x[:, t]), variance)
        assert_mean(x[:, t], np.exp(mean + variance / 2))


def test_geometric_jump_moments():
    drift, rate, m, d = np.linspace(-0.2, 0.2, T), 2.0, -0.3, 0.2
    x = one(Process.GEOMETRIC_JUMPS, dr.geometric_row(drift, SIGMA, rate, m, d, DT), 2.0)
    for t in (1, 8):
        years = t * DT
        growth = drift[1 : t + 1].sum() * DT
        jump = np.exp(m + d**2 / 2)
        assert_mean(x[:, t], 2.0 * np.exp(growth))
        square = np.exp(2 * growth + (SIGMA**2 + rate * (np.exp(2 * m + 2 * d**2) - 2 * jump + 1)) * years)
        assert_mean(x[:, t] ** 2, 4.0 * square)
        y = np.log(x[:, t] / 2.0)
        assert_mean(y, growth - (SIGMA**2 / 2 + rate * (jump - 1 - m)) * years)
        assert_variance(y, (SIGMA**2 + rate * (m**2 + d**2)) * years)
    third = rate * DT * (m**3 + 3 * m * d**2)
    y = np.log(x[:, 1] / 2.0)
    assert_mean((y - y.mean()) ** 3, third)


def test_geometric_without_jumps_is_lognormal():
    x = one(Process.GEOMETRIC_JUMPS, dr.geometric_row(np.full(T, 0.1), SIGMA, 0.0, 0.0, 0.0, DT), 1.0)
    assert_mean(np.log(x[:, 8]), (0.1 - SIGMA**2 / 2) * 2.0)
    assert_variance(np.log(x[:, 8]), SIGMA**2 * 2.0)


def test_poisson_inversion_is_the_quantile():
    u = np.concatenate([np.random.default_rng(3).random(20_000), [2.0**-53, 1.0 - 2.0**-53]])
    for mean in (0.05, 0.7, 3.0, 40.0):
        ours = dr.poisson(u, mean, np.exp(-mean))
        theirs = stats.poisson.ppf(u, mean)
        near = np.abs(stats.poisson.cdf(np.minimum(ours, theirs), mean) - u) < 1e-13
        assert ((ours == theirs) | near).all()
        assert ours.max() < mean + 60 + 12 * np.sqrt(mean)


def test_two_regime_moments():
    mu, sigma, q = np.array([0.2, -0.6]), np.array([0.1, 0.5]), np.array([0.7, 1.9])
    rows = np.tile(dr.regime_row(mu, sigma, q, 0, DT), (T, 1))
    x = one(Process.TWO_REGIME, rows, 3.0)
    moves = linalg.expm(DT * np.array([[-q[0], q[0]], [q[1], -q[1]]]))
    assert rows[0, 4:6] == pytest.approx([moves[0, 1], moves[1, 0]], abs=1e-15)
    for power in (1, 2):
        step = moves @ np.diag(np.exp((power * mu + power * (power - 1) / 2 * sigma**2) * DT))
        for t in (1, 8):
            assert_mean(x[:, t] ** power, 3.0**power * np.linalg.matrix_power(step, t)[0].sum())


def test_a_regime_that_is_never_left():
    rows = np.tile(dr.regime_row([0.2, 0.1], [0.1, 0.0], [0.0, 0.0], 1, DT), (T, 1))
    x = one(Process.TWO_REGIME, rows, 1.0)
    assert x[:, 8] == pytest.approx(np.exp(0.1 * 8 * DT), rel=1e-7)


def test_survival_probability_and_recovery():
    hazard = np.linspace(0.1, 0.5, T)
    x = one(Process.SURVIVAL, dr.survival_row(hazard, 0.25, 0.0, DT), 1.0)
    assert set(np.unique(x)) == {0.25, 1.0}
    assert (np.diff(x, axis=1) <= 0.0).all()
    for t in (1, 4, 8):
        assert_mean(x[:, t] == 1.0, np.exp(-hazard[1 : t + 1].sum() * DT))


def test_survival_without_hazard_never_fails_and_with_a_huge_one_always():
    rows = [dr.survival_row(np.full(T, h), 0.0, s, DT) for h, s in ((0.0, 0.0), (0.0, 2.0), (1e4, 0.0), (1e4, 2.0))]
    x = paths(processes(rows, [Process.SURVIVAL] * 4, [1.0] * 4))
    assert (x[:, :2] == 1.0).all()
    assert (x[:, 2:, 1:] == 0.0).all()


def test_correlated_default_against_the_bivariate_normal():
    rho, h = 0.6, 0.8
    lower = np.linalg.cholesky([[1.0, rho], [rho, 1.0]])
    rows = [dr.vasicek_row(np.zeros(2), K, SIGMA, None, DT), dr.survival_row(np.full(2, h), 0.0, 0.0, DT)]
    x = paths(processes(rows, [Process.VASICEK, Process.SURVIVAL], [0.0, 1.0], lower))
    limit = stats.norm.ppf(1.0 - np.exp(-h * DT))
    both = stats.multivariate_normal.cdf([0.0, limit], cov=[[1.0, rho], [rho, 1.0]])
    assert_mean((x[:, 0, 1] < 0.0) & (x[:, 1, 1] == 0.0), both)


def test_hazard_follows_the_level_at_the_start_of_the_period():
    h, power = 0.6, 3.0
    rows = [dr.geometric_row(np.zeros(3), 0.8, 0.0, 0.0, 0.0, DT), dr.survival_row(np.full(3, h), 0.0, power, DT)]
    table = processes(rows, [Process.GEOMETRIC_JUMPS, Process.SURVIVAL], [2.0, 1.0], depends_on=[-1, 0])
    x = paths(table)
    assert_mean(x[:, 1, 1], np.exp(-h * DT))
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    ratio = np.exp(0.8 * np.sqrt(DT) * nodes - 0.5 * 0.8**2 * DT)
    alive = weights @ np.exp(-h * DT * ratio**-power) / np.sqrt(2 * np.pi)
    assert_mean(x[:, 1, 2], np.exp(-h * DT) * alive)
    low = x[:, 0, 1] < 1.2
    assert x[low, 1, 2].mean() < x[~low, 1, 2].mean() - 0.1


def test_logistic_share_moments():
    low, high = 0.2, 0.9
    means = np.linspace(0.4, 0.8, T)
    x = one(Process.LOGISTIC_SHARE, dr.logistic_row(means, K, SIGMA, low, high, DT), 0.5)

    def logit(share):
        return np.log((share - low) / (high - share))

    assert (x > low).all()
    assert (x < high).all()
    for t in (1, 8):
        mean, variance = gaussian_moments(logit(0.5), logit(means), t)
        assert_mean(logit(x[:, t]), mean)
        assert_variance(logit(x[:, t]), variance)


def test_deterministic_path():
    path = np.linspace(1.0, 3.0, T)
    x = one(Process.DETERMINISTIC, dr.deterministic_row(path), path[0])
    assert (x == path.astype(np.float32)).all()


def test_window_shuts_and_reopens_as_a_markov_chain():
    """Closed form: a two-state chain with c = 1 - exp(-closing dt) and r = 1 - exp(-reopening dt)."""
    closing, reopening, share = 0.6, 2.0, 0.25
    x = one(Process.WINDOW, np.tile(dr.window_row(closing, reopening, share, DT), (T, 1)), 1.0)
    assert set(np.unique(x)) == {np.float32(share), 1.0}
    assert (x[:, 0] == 1.0).all()
    c, r = 1.0 - np.exp(-closing * DT), 1.0 - np.exp(-reopening * DT)
    for t in (1, 2, 8):
        shut = c / (c + r) * (1.0 - (1.0 - c - r) ** t)
        assert_mean(x[:, t], 1.0 - (1.0 - share) * shut)
    late = (x[:, 7] < 0.5) & (x[:, 8] < 0.5)
    assert_mean(late, c / (c + r) * (1.0 - (1.0 - c - r) ** 7) * (1.0 - r))


def test_window_that_never_shuts_and_one_that_never_reopens():
    rows = [np.tile(dr.window_row(c, r, 0.0, DT), (T, 1)) for c, r in ((0.0, 1.0), (1e4, 0.0))]
    x = paths(processes(rows, [Process.WINDOW] * 2, [1.0, 1.0]))
    assert (x[:, 0] == 1.0).all()
    assert (x[:, 1, 1:] == 0.0).all()


def test_window_shuts_when_its_correlated_shock_is_low():
    lower = np.linalg.cholesky([[1.0, 0.7], [0.7, 1.0]])
    rows = [dr.vasicek_row(np.zeros(2), K, SIGMA, None, DT), np.tile(dr.window_row(0.8, 1.0, 0.0, DT), (2, 1))]
    x = paths(processes(rows, [Process.VASICEK, Process.WINDOW], [0.0, 1.0], lower))
    limit = stats.norm.ppf(1.0 - np.exp(-0.8 * DT))
    both = stats.multivariate_normal.cdf([0.0, limit], cov=[[1.0, 0.7], [0.7, 1.0]])
    assert_mean((x[:, 0, 1] < 0.0) & (x[:, 1, 1] == 0.0), both)


def test_excess_is_the_payoff_of_a_call():
    """Mean against Black and Scholes' formula without interest; values against the driver beside it."""
    strike = 1.3
    rows = [dr.geometric_row(np.zeros(T), SIGMA, 0.0, 0.0, 0.0, DT), np.tile(dr.strike_row(strike), (T, 1))]
    x = paths(processes(rows, [Process.GEOMETRIC_JUMPS, Process.EXCESS], [1.0, 0.0], depends_on=[-1, 0]))
    assert x[:, 1] == pytest.approx(np.maximum(x[:, 0] / strike - 1.0, 0.0), abs=1e-6)
    years, width = 8 * DT, SIGMA * np.sqrt(8 * DT)
    d1 = (np.log(1.0 / strike) + 0.5 * SIGMA**2 * years) / width
    call = stats.norm.cdf(d1) - strike * stats.norm.cdf(d1 - width)
    assert_mean(x[:, 1, 8], call / strike)


def test_shortfall_is_the_payoff_of_a_put():
    """First and second moment against the lognormal's truncated ones; values against the driver beside it."""
    strike = 1.3
    rows = [dr.geometric_row(np.zeros(T), SIGMA, 0.0, 0.0, 0.0, DT), np.tile(dr.strike_row(strike), (T, 1))]
    start = [1.0, 1.0 - 1.0 / strike]
    x = paths(processes(rows, [Process.GEOMETRIC_JUMPS, Process.SHORTFALL], start, depends_on=[-1, 0]))
    assert x[:, 1] == pytest.approx(np.maximum(1.0 - x[:, 0] / strike, 0.0), abs=1e-6)
    width = SIGMA * np.sqrt(8 * DT)
    far = (np.log(strike) + 0.5 * width**2) / width  # normals below which the price is below the strike
    below = [np.exp(0.5 * k * (k - 1) * width**2) * stats.norm.cdf(far - k * width) for k in range(3)]  # of price ** k
    assert_mean(x[:, 1, 8], below[0] - below[1] / strike)
    assert_mean(x[:, 1, 8] ** 2, below[0] - 2.0 * below[1] / strike + below[2] / strike**2)


def test_shortfall_of_a_gaussian_and_parity_with_the_excess():
    """E max(1 - x / k, 0) of a normal x; excess less shortfall is x / k - 1 in every scenario; a known path is kept."""
    strike, known = 0.8, np.linspace(0.5, 1.5, T)
    rows = [dr.vasicek_row(np.ones(T), K, SIGMA, None, DT), dr.deterministic_row(known)]
    rows += [np.tile(dr.strike_row(strike), (T, 1))] * 3
    kinds = [Process.VASICEK, Process.DETERMINISTIC, Process.EXCESS, Process.SHORTFALL, Process.SHORTFALL]
    start = [1.0, 0.5, 0.25, 0.0, 0.375]
    x = paths(processes(rows, kinds, start, depends_on=[-1, -1, 0, 0, 1]))
    assert x[:, 2] - x[:, 3] == pytest.approx(x[:, 0] / strike - 1.0, abs=1e-6)
    assert x[:, 4] == pytest.approx(np.tile(np.maximum(1.0 - known / strike, 0.0), (COUNT, 1)), abs=1e-7)
    _, variance = gaussian_moments(1.0, np.ones(T), 8)
    d = (strike - 1.0) / np.sqrt(variance)
    assert_mean(x[:, 3, 8], (d * stats.norm.cdf(d) + stats.norm.pdf(d)) * np.sqrt(variance) / strike)


def test_a_driver_that_shows_another_stands_after_it_and_shows_no_other_such():
    rows = [dr.vasicek_row(np.ones(T), K, SIGMA, None, DT), *[np.tile(dr.strike_row(0.8), (T, 1))] * 2]
    for shown in (Process.EXCESS, Process.SHORTFALL):
        for depends_on in ([-1, 0, 1], [-1, 2, 0], [-1, -1, 0]):
            with pytest.raises(ValueError, match="a driver before it, no survival, excess or shortfall"):
                paths(processes(rows, [Process.VASICEK, shown, Process.SHORTFALL], [1.0, 0.0, 0.0], None, depends_on))


def test_every_process_has_a_definition_and_a_word_in_the_cases():
    assert set(dr.DEFINITIONS) == set(Process)
    assert {name.upper() for name in PROCESS_SPECS} == {p.name for p in Process}


def test_correlation_of_the_shocks():
    target = np.array([[1.0, 0.7, -0.4], [0.7, 1.0, 0.1], [-0.4, 0.1, 1.0]])
    rows = [dr.vasicek_row(np.zeros(4), K, SIGMA, None, DT)] * 3
    x = paths(processes(rows, [Process.VASICEK] * 3, [0.0] * 3, np.linalg.cholesky(target)))
    for t in (1, 2, 3):
        innovation = x[:, :, t] - np.exp(-K * DT) * x[:, :, t - 1]
        error = (1.0 - target**2 + 1e-12) / np.sqrt(COUNT)
        assert (np.abs(np.corrcoef(innovation.T) - target) < BOUND * error).all()
    between = np.corrcoef(x[:, 0, 2] - np.exp(-K * DT) * x[:, 0, 1], x[:, 0, 1])[0, 1]
    assert abs(between) < BOUND / np.sqrt(COUNT)


@pytest.mark.parametrize(
    "make",
    [
        lambda: dr.vasicek_row(np.nan, 1.0, 0.1, None, DT),
        lambda: dr.vasicek_row(0.0, 0.0, 0.1, None, DT),
        lambda: dr.vasicek_row(0.0, 1.0, -0.1, None, DT),
        lambda: dr.vasicek_row(0.0, 1.0, 0.1, np.inf, DT),
        lambda: dr.vasicek_row(0.0, 1.0, 0.1, None, 0.0),
        lambda: dr.cir_row(0.0, 1.0, 0.1, DT),
        lambda: dr.log_ou_row(-1.0, 1.0, 0.1, DT),
        lambda: dr.geometric_row(0.0, 0.1, -1.0, 0.0, 0.0, DT),
        lambda: dr.geometric_row(0.0, 0.1, 1e4, 0.0, 0.0, DT),
        lambda: dr.regime_row([0.0, 0.0], [0.1, 0.1], [0.1, -0.1], 0, DT),
        lambda: dr.regime_row([0.0, 0.0], [0.1, 0.1], [0.1, 0.1], 2, DT),
        lambda: dr.survival_row(-0.1, 0.0, 0.0, DT),
        lambda: dr.survival_row(0.1, 0.0, -1.0, DT),
        lambda: dr.logistic_row(0.95, 1.0, 0.1, 0.1, 0.9, DT),
        lambda: dr.logistic_row(0.5, 1.0, 0.1, 0.9, 0.1, DT),
        lambda: dr.deterministic_row([1.0, np.inf]),
        lambda: dr.window_row(-0.1, 1.0, 0.0, DT),
        lambda: dr.window_row(0.1, -1.0, 0.0, DT),
        lambda: dr.window_row(0.1, 1.0, 1.5, DT),
        lambda: dr.strike_row(0.0),
        lambda: dr.strike_row(-1.0),
    ],
)
def test_rows_refuse_what_has_no_meaning(make):
    with pytest.raises(ValueError, match=r"must|have|is 0"):
        make()
