"""muon and muon-adamw over some blocks, by an interior-point method that keeps to their structure.

With u_b = radius v_b the program of the 2-summing norm, and with given alpha_b that of a cell of
muon-adamw, has one small semidefinite constraint for each block:

    min L(F u)   subject to   P_b = [[W_b, v_b], [v_b^T, alpha_b]] >= 0 (psd),   S_b X v_b >= 0,
                              sum_b W_b = I,   sum_b alpha_b = 1  (or alpha_b = c_b for all b).

The dual matrices share Z and nu (or have their own nu_b where alpha_b is given); lam = -grad L:

    D_b = [[Z, -z_b], [-z_b^T, nu]] >= 0 (psd),   2 z_b = radius F_b^T lam + (S_b X)^T mu_b,
    mu_b >= 0.

Newton's method for P_b D_b = tau I, s_b mu_b = tau, s_b = S_b X v_b, follows the central path as
tau falls (Mehrotra's steps, Nesterov and Todd's scaling). P_b and mu_b are eliminated block by
block, which leaves n + d (d + 1) / 2 + 1 equations for lam, Z and nu whatever the number of blocks:
a block adds a matrix of rank d + 1 and a Kronecker product. Nothing is proved here: lam and Z are
priced. Source: proofs_notes/two-summing.md.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from theory.errors import SolverFailure
from theory.losses import Loss, Separable, Squared
from theory.programs.blocks import Patterns
from theory.programs.free import orthonormal
from theory.programs.program import Solved
from theory.types import Array

_LOG = logging.getLogger(__name__)

_ROUNDS = 100  # of Newton's method; twenty to forty are usual
_SHARE = 0.99  # of the way to the boundary
_FIRST = 4.0  # times the longest gradient of a block: the first Z
_SLACK = 0.01  # times what would be central: the first slacks, which are to be small in the end
_CENTRED = 8  # corrections of a step at most, each for one so much longer:
_MORE = 0.3
_APART = 10.0  # times tau, or a part of it, that s mu may be
_WORTH = 1.05  # times as long, for another correction
_LEAST = 1e-4  # of tau, from one round to the next
_REFINED = 6  # times at most that a step is corrected by what it leaves of its equations,
_EXACT = 1e-4  # until that is so small, relatively
_WRONG = 1.0  # what a step may leave; more, and floats have come to their end
_SHORTEST = 1e-6  # of steps
_SMALL = 1e-4  # of the loss of zero weights: gaps of smaller losses are relative to this
_THINNED = 3.0  # by what the gaps of points passed differ that are kept
_BACK = 3.0  # times the gap: where a program over more blocks starts
_ROOM = 0.3  # times that gap: by how much Z and nu allow new blocks more than they cost
_FLOOR = 0.2  # times that gap: of the costs, what all other multipliers of new blocks may be worth
_TRIES = 8  # to make D definite there
_USEFUL = 1e-2  # a wider gap, relative, is none that can be priced


class _Point(NamedTuple):
    """A primal and a dual point.

    P, D: (k, d + 1, d + 1). s, mu: (k, r), for the rows of X that are not zero. fit, lam: (n,).
    """

    P: Float[Array, "k e e"]
    s: Float[Array, "k r"]
    mu: Float[Array, "k r"]
    Z: Float[Array, "d d"]
    nu: Float[Array, " g"]
    fit: Float[Array, " n"]
    lam: Float[Array, " n"]
    D: Float[Array, "k e e"]

    @property
    def v(self) -> Float[Array, "k d"]:
        """Of the blocks, in units of the radius."""
        return self.P[:, :-1, -1]

    @property
    def gap(self) -> float:
        """Of the duality, where s is the slack."""
        return float((self.P * self.D).sum() + (self.s * self.mu).sum())


class _Passed(NamedTuple):
    """A point on the way, and its relative gap."""

    gap: float
    point: _Point


class _Step(NamedTuple):
    """A change of a point; of P and D in the coordinates in which both are one diagonal matrix."""

    P: Float[Array, "k e e"]
    D: Float[Array, "k e e"]
    s: Float[Array, "k r"]
    mu: Float[Array, "k r"]
    Z: Float[Array, "d d"]
    nu: Float[Array, " g"]


class _Solution(NamedTuple):
    """Of Newton's equations. w: v = C w. x: lam, in units of the root of curvature, Z, and nu."""

    w: Float[Array, "k e"]
    v: Float[Array, "k d"]
    mu: Float[Array, "k r"]
    x: Float[Array, " N"]
    D: Float[Array, "k e e"]


class _Left(NamedTuple):
    """What a solution leaves of the equations: of v, of the sums of W and alpha, and of lam.

    size: the largest of all, as a part of what P and D are in the coordinates of E.
    """

    E: Float[Array, "k e e"]
    sums: Float[Array, " M"]
    lam: Float[Array, " n"]
    size: float


class SpectralProgram:
    """min L(sum_b s_b D_b X u_b) over u_b in the cones of some blocks and a ball of muon.

    counts: of neurons in each block; then the ball is that of a cell of muon-adamw, and the radius
    rho. Free columns of the patterns go with the squared loss only: see `solves`.
    """

    @staticmethod
    def solves(patterns: Patterns, loss: Loss) -> bool:
        """Whether the loss is one for it. With free columns their best coefficients have to be
        known in closed form."""
        if patterns.free is not None:
            return isinstance(loss, Squared)
        return isinstance(loss, Separable) and loss.smooth

    def __init__(
        self,
        patterns: Patterns,
        blocks: Int[Array, " b"],
        y: Float[Array, " n"],
        loss: Loss,
        *,
        counts: Float[Array, " b"] | None = None,
    ) -> None:
        self.X, self.y, self.loss = patterns.X, y, loss
        self.masks = patterns.masks(blocks)
        lengths = np.linalg.norm(self.X, axis=1)
        self.on = np.flatnonzero(lengths)
        self.lengths = lengths[self.on]
        self.normals = self.X[self.on] / self.lengths[:, None]
        self.sides = patterns.sides(blocks)[:, self.on]
        self.zero = loss.at(np.zeros(len(y)), y)
        self.free = None
        if patterns.free is not None:
            self.root = np.sqrt(loss.curvature(y, y))
            self.free = orthonormal(self.root[:, None] * patterns.free)
        k, d = len(blocks), self.X.shape[1]
        self.room = np.ones(1) if counts is None else counts
        self.group = np.zeros(k, dtype=int) if counts is None else np.arange(k)
        self.packing = _Packing(d)
        self._radius = -1.0  # of the points passed on the way to the solution
        self._passed: list[_Passed] = []

    def solve(self, radius: float, tolerance: float) -> Solved:
        """The solution for this radius, to this gap, relative to the value.

        Raises SolverFailure where the method breaks down before a useful point. Where it does so
        later, its solution is the last point, and less accurate.
        """
        if radius != self._radius:
            start = self._start(radius)
            if start is None:
                shift = self._whole(np.zeros(len(self.y)))
                u = np.zeros((len(self.masks), self.X.shape[1]))
                return Solved(u, -self.loss.gradient(shift, self.y), None, shift)
            self._radius, self._passed = radius, [_Passed(self._relative_gap(start), start)]
        best = min(self._passed, key=lambda passed: passed.gap)
        for _ in range(_ROUNDS):
            if best.gap <= tolerance:
                break
            point = self._round(self._passed[-1].point, radius)
            if point is None:
                break
            passed = _Passed(self._relative_gap(point), point)
            best = min(best, passed, key=lambda each: each.gap)
            if len(self._passed) > 1 and passed.gap > self._passed[-2].gap / _THINNED:
                self._passed.pop()
            self._passed.append(passed)
        if best.gap > tolerance:
            _LOG.info("the interior-point method ends at a relative gap of %.1e", best.gap)
        if not best.gap <= max(tolerance, _USEFUL):
            raise SolverFailure(
                [f"interior-point method: a relative gap of {best.gap:.1e} is left"]
            )
        point, lam = best.point, -self.loss.gradient(best.point.fit, self.y)
        return Solved(radius * point.v, lam, point.Z, point.fit - self.fit(radius, point.v))

    def follow(
        self,
        before: SpectralProgram,
        here: Int[Array, " j"],
        there: Int[Array, " j"],
        mu: Float[Array, "k n"],
        gap: float,
    ) -> None:
        """Start where the program over other blocks was at such a gap.

        Blocks `here` are its blocks `there`. mu: what prices the others, for lam of this loss.
        """
        passed = [each for each in before._passed if each.gap >= gap * _BACK]
        if not passed:
            return
        (gap, point), radius = passed[-1], before._radius
        gap = min(gap, 1.0)
        k, d = len(self.masks), len(point.Z)
        new = np.setdiff1d(np.arange(k), here)
        tau = point.gap / (point.P.shape[0] * (d + 1) + point.s.size)
        # All multipliers are to be positive, and those added to cost little.
        form = np.sqrt((self.normals * np.linalg.solve(point.Z, self.normals.T).T).sum(axis=1))
        floor = 2 * _FLOOR * gap * np.sqrt(point.nu[0]) / form.sum()
        multipliers = mu[:, self.on] * self.lengths * (radius / self.zero) + floor
        multipliers[here] = point.mu[there]
        s = tau / multipliers
        s[here] = point.s[there]
        P = np.zeros((k, d + 1, d + 1))
        P[here] = point.P[there]
        Z, nu = point.Z, point.nu
        for _ in range(_TRIES):
            fit = self._whole(self.fit(radius, P[:, :-1, -1]))
            lam = self._lam(fit)
            D = self.dual(radius, lam, multipliers, Z, nu)
            if P[:, d, d].all() and _definite(D):
                start = _Point(P, s, multipliers, Z, nu, fit, lam, D)
                self._radius, self._passed = radius, [_Passed(self._relative_gap(start), start)]
                return
            z = D[:, :d, d]
            cost = float((z * np.linalg.solve(Z, z.T).T).sum(axis=1).max() / nu[0])
            scale = max(1.0, (1 + _ROOM * gap) * cost**0.5)
            Z, nu = scale * Z, scale * nu
            P[new] = tau * np.linalg.inv(self.dual(radius, lam, multipliers, Z, nu)[new])

    def _relative_gap(self, point: _Point) -> float:
        """With what the slacks are off, in units of the value or of 10^-4 of that of zero."""
        value = self.loss.at(point.fit, self.y) / self.zero
        off = np.abs(point.mu * (point.s - self.outputs(point.v))).sum()
        W, alpha = self.sums(point.P)
        off += abs((point.Z * W).sum()) + np.abs(point.nu * alpha).sum()
        return float((point.gap + off) / max(value, _SMALL))

    def sums(self, P: Float[Array, "k e e"]) -> tuple[Float[Array, "d d"], Float[Array, " g"]]:
        """By what sum_b W_b and the sums of alpha are too large."""
        d = P.shape[1] - 1
        alpha = np.bincount(self.group, P[:, d, d])
        return P[:, :d, :d].sum(axis=0) - np.eye(d), alpha - self.room

    def outputs(self, v: Float[Array, "k d"]) -> Float[Array, "k r"]:
        """S_b X v_b, in units of ||x_k||"""
        outputs: Array = (v @ self.normals.T) * self.sides
        return outputs

    def _start(self, radius: float) -> _Point | None:
        """Zero weights, and Z and nu so large that D_b is definite; None where zero is optimal."""
        k, d = len(self.masks), self.X.shape[1]
        fit = self._whole(np.zeros(len(self.y)))
        if not self.zero:
            return None
        lam = self._lam(fit)
        size = radius * np.linalg.norm((self.masks * lam) @ self.X, axis=1).max(initial=0.0)
        if not size:
            return None
        top = _FIRST * float(size)
        P = np.zeros((k, d + 1, d + 1))
        P[:, range(d), range(d)] = 1 / k
        P[:, d, d] = self.room[self.group] / (k if len(self.room) == 1 else 1)
        mu = np.full(self.sides.shape, top / (2 * max(1, self.sides.shape[1])))
        Z, nu = top * np.eye(d), np.full(len(self.room), top)
        D = self.dual(radius, lam, mu, Z, nu)
        tau = float((P * D).sum()) / (k * (d + 1))
        return _Point(P, _SLACK * tau / mu, mu, Z, nu, fit, lam, D)

    def _lam(self, fit: Float[Array, " n"]) -> Float[Array, " n"]:
        """In units of the loss of zero weights."""
        lam: Array = -self.loss.gradient(fit, self.y) / self.zero
        return lam

    def fit(self, radius: float, v: Float[Array, "k d"]) -> Float[Array, " n"]:
        """sum_b F_b u_b"""
        fit: Array = radius * (self.masks * (v @ self.X.T)).sum(axis=0)
        return fit

    def _whole(self, fit: Float[Array, " n"]) -> Float[Array, " n"]:
        """With the free columns that are best for it, by least squares."""
        if self.free is None:
            return fit
        missing = self.root * (self.y - fit)
        return self.y - self.beside(missing) / self.root

    def beside(self, values: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """What is orthogonal to the free columns, in units of the root of curvature."""
        return values if self.free is None else values - self.free @ (self.free.T @ values)

    def dual(
        self,
        radius: float,
        lam: Float[Array, " n"],
        mu: Float[Array, "k r"],
        Z: Float[Array, "d d"],
        nu: Float[Array, " g"],
    ) -> Float[Array, "k e e"]:
        d = len(Z)
        z = (radius * (self.masks * lam) @ self.X + (self.sides * mu) @ self.normals) / 2
        D: Array = np.empty((len(mu), d + 1, d + 1))
        D[:, :d, :d] = Z
        D[:, :d, d] = D[:, d, :d] = -z
        D[:, d, d] = nu[self.group]
        return D

    def _round(self, point: _Point, radius: float) -> _Point | None:
        """A step of Mehrotra's; None where it has come to an end in floats."""
        k, e, _ = point.P.shape
        tau = point.gap / (k * e + point.s.size)
        try:
            system = _System(self, point, radius)
            affine = system.step(0.0, np.zeros_like(point.P), np.zeros_like(point.s))
            after = system.gap_after(affine, system.length(affine))
            tau *= min(max((after / point.gap) ** 3, _LEAST), 1.0)
            step, length = system.centred(tau, affine)
        except LinAlgError:
            return None
        while length > _SHORTEST:
            following = self._moved(point, system, step, length, radius)
            if following is not None:
                return following
            length /= 2
        return None

    def _moved(
        self, point: _Point, system: _System, step: _Step, length: float, radius: float
    ) -> _Point | None:
        """The point a step away; None where a loss that is no square makes D indefinite."""
        P = point.P + length * system.unscaled(step.P)
        fit = self._whole(self.fit(radius, P[:, :-1, -1]))
        lam, mu = self._lam(fit), point.mu + length * step.mu
        Z, nu = point.Z + length * step.Z, point.nu + length * step.nu
        D = self.dual(radius, lam, mu, Z, nu)
        if not (_definite(D) and _definite(P)):
            return None
        return _Point(P, point.s + length * step.s, mu, Z, nu, fit, lam, D)


class _Packing:
    """Symmetric d x d matrices as vectors with the same inner product."""

    def __init__(self, d: int) -> None:
        self.d = d
        self.i, self.j = np.triu_indices(d)
        self.weights = np.where(self.i == self.j, 1.0, np.sqrt(2.0))

    def pack(self, S: Float[Array, "*k d d"]) -> Float[Array, "*k m"]:
        packed: Array = S[..., self.i, self.j] * self.weights
        return packed

    def unpack(self, packed: Float[Array, " m"]) -> Float[Array, "d d"]:
        S = np.empty((self.d, self.d))
        S[self.i, self.j] = S[self.j, self.i] = packed / self.weights
        return S

    def products(self, A: Float[Array, "k d d"]) -> Float[Array, "m m"]:
        """The matrix of S -> sum_b A_b S A_b."""
        i, j, d = self.i, self.j, self.d
        flat = A.reshape(len(A), -1)
        every = (flat.T @ flat).reshape(d, d, d, d)  # sum_b A_ik A_jl, by i, k, j, l
        one, two = i[:, None], j[:, None]
        both = (every[one, i, two, j] + every[one, j, two, i]) / 2
        matrix: Array = both * self.weights[:, None] * self.weights
        return matrix


class _System:
    """Newton's equations at one point, factorised.

    In the coordinates of a matrix G_b with P = G diag(r) G^T and G^T D G = diag(r), the equations
    for P and D are dP + dD = E; those for s and mu are dmu = t - (mu / s) S X dv. With M the rows
    of G but the last, m, and omega = m.m, the change dv of the corner M dP m is C w, where

        C = omega^1/2 M J,   J = I + (2^1/2 - 1) m m^T / omega,
        (I + C^T (S X)^T diag(mu / s) S X C / 2) w = e + C^T (S X)^T t / 2 + Y^T x / 2,

    x = (dlam, dZ, dnu), and e is J^-1 E m / omega^1/2 without the part that C does not see. What
    is left for x is the sum over the blocks of Y (...)^-1 Y^T / 2, of dZ -> A dZ A with A = M (I -
    m m^T / omega) M^T, and of a square. No difference of large numbers is formed: blocks in use
    have P of rank one in the end.
    """

    def __init__(self, program: SpectralProgram, point: _Point, radius: float) -> None:
        self.program, self.point, self.radius = program, point, radius
        packing = program.packing
        k, d = point.v.shape
        n, m, groups = len(program.y), len(packing.i), len(point.nu)
        L = np.linalg.cholesky(point.P)
        values, vectors = np.linalg.eigh(_symmetric(_T(L) @ point.D @ L))
        if values.min() <= 0:
            raise LinAlgError
        self.roots = np.sqrt(values)
        self.scaling = (L @ vectors) * values[:, None, :] ** -0.25
        self.inverse = (_T(vectors) @ np.linalg.inv(L)) * values[:, :, None] ** 0.25
        M, last = self.scaling[:, :d], self.scaling[:, d]
        self.omega = (last**2).sum(axis=1)
        root = np.sqrt(self.omega)[:, None]
        self.last = last / root
        a = (M @ last[:, :, None])[:, :, 0]
        unseen = self.inverse[:, :, d]  # M maps it to zero
        height = (unseen**2).sum(axis=1)
        self.unseen = _stretched(unseen, self.last, 1 / np.sqrt(2) - 1)
        self.unseen /= np.linalg.norm(self.unseen, axis=1)[:, None]
        self.C = root[:, :, None] * _stretched(M, self.last[:, None], np.sqrt(2) - 1)
        self.ratio = point.mu / point.s
        H = (program.normals @ self.C) * np.sqrt(self.ratio / 2)[:, :, None]
        order = np.argsort(-(H**2).sum(axis=2), axis=1)
        H = np.take_along_axis(H, order[:, :, None], axis=1)
        one = np.broadcast_to(np.eye(d + 1), (k, d + 1, d + 1))
        self.T_root: Array = np.asarray(np.linalg.qr(np.concatenate([H, one], axis=1), mode="r"))
        curvature = program.loss.curvature(point.fit, program.y) / program.zero
        self.curvature_root = np.sqrt(curvature)
        self.pulled = -2 * a / root
        self.seen = self._seen(M)
        self.seen_last = -2 * root * self._seen(last[:, None])[:, 0]
        wide = self._wide().reshape(n + m + groups, -1)
        matrix = wide @ wide.T / 2
        matrix[range(n), range(n)] += 1.0
        across = _stretched(M, self.last[:, None], -1.0)
        matrix[n : n + m, n : n + m] += packing.products(across @ _T(across))
        y = np.zeros((k, m + groups))
        y[:, :m] = -packing.pack(a[:, :, None] * a[:, None, :]) / self.omega[:, None] ** 2
        y[range(k), m + program.group] = 1.0
        y *= (self.omega / np.sqrt(2 * self.omega * height - 1))[:, None]
        matrix[n:, n:] += y.T @ y
        self.sizes = np.sqrt(np.diag(matrix))
        matrix /= self.sizes[:, None] * self.sizes
        self.factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        self.off = point.s - program.outputs(point.v)

    def _wide(self) -> Float[Array, "N k e"]:
        """Y (..)^-1/2 for all blocks."""
        program = self.program
        n, d = program.X.shape
        m, k = len(program.packing.i), len(self.T_root)
        inverse = np.linalg.inv(self.T_root)
        wide = np.zeros((n + m + len(self.point.nu), k, d + 1))
        columns = (self.C @ inverse).transpose(1, 0, 2).reshape(d, -1)
        np.matmul(program.X, columns, out=wide[:n].reshape(n, -1))
        wide[:n] *= (self.radius * self.curvature_root * program.masks).T[:, :, None]
        if program.free is not None:
            wide[:n] = program.beside(wide[:n].reshape(n, -1)).reshape(n, k, -1)
        rows = (self.seen @ inverse).transpose(1, 0, 2)
        pulled = self.pulled.T[:, :, None]
        for i in range(d):
            at = np.flatnonzero(program.packing.i == i) + n
            wide[at] = rows[i] * pulled[i:]
            wide[at] += rows[i:] * pulled[i]
        wide[n : n + m] *= program.packing.weights[:, None, None] / 2
        wide[n + m + program.group, range(k)] = (self.seen_last[:, None] @ inverse)[:, 0]
        return wide

    def _down(self, v: Float[Array, "k d"], w: Float[Array, "k e"]) -> Float[Array, " N"]:
        """sum_b Y_b w_b; its first part for v_b = C_b w_b."""
        program = self.program
        fit = program.beside(self.curvature_root * program.fit(self.radius, v))
        S = _T(self.seen @ w[:, :, None])[:, 0].T @ self.pulled
        nu = np.bincount(program.group, (self.seen_last * w).sum(axis=1))
        return np.concatenate([fit, program.packing.pack((S + S.T) / 2), nu])

    def _up(self, x: Float[Array, " N"]) -> Float[Array, "k e"]:
        """Y_b^T x"""
        program, packing = self.program, self.program.packing
        n, m = len(program.y), len(packing.i)
        z = (self.radius * program.masks * (self.curvature_root * x[:n])) @ program.X
        Z = self.pulled @ packing.unpack(x[n : n + m])
        up: Array = (z[:, None] @ self.C)[:, 0] + (Z[:, None] @ self.seen)[:, 0]
        up += x[n + m :][program.group][:, None] * self.seen_last
        return up

    def _seen(self, rows: Float[Array, "k l e"]) -> Float[Array, "k l e"]:
        """J^-1 of these, without the part that C does not see."""
        seen = _stretched(rows, self.last[:, None], 1 / np.sqrt(2) - 1)
        along = (seen @ self.unseen[:, :, None]) * self.unseen[:, None]
        left: Array = seen - along
        return left

    def centred(self, tau: float, affine: _Step) -> tuple[_Step, float]:
        """The step towards tau, and how much of it to go: corrected while that makes it longer.

        Of many thousand pairs s mu, and eigenvalues of P D, some are far from tau, and these would
        make it short. What they would be after a longer step is moved to between tau / 10 and
        10 tau (Gondzio 1996).
        """
        point = self.point
        squares, products = _symmetric(affine.P @ affine.D), affine.s * affine.mu
        step = self.step(tau, squares, products)
        length = self.length(step)
        for _ in range(_CENTRED):
            if length >= 1:
                break
            ahead = min(1.0, length + _MORE)
            P, D = self._scaled(step, ahead)
            values, vectors = np.linalg.eigh(_symmetric(P @ D))
            moved = _towards(values, tau)
            squares = squares - (vectors * moved[:, None, :]) @ _T(vectors)
            pairs = (point.s + ahead * step.s) * (point.mu + ahead * step.mu)
            products = products - _towards(pairs, tau)
            other = self.step(tau, squares, products)
            longer = self.length(other)
            if longer < length * _WORTH:
                break
            step, length = other, longer
        return step, min(1.0, _SHARE * length)

    def step(
        self, tau: float, squares: Float[Array, "k e e"], products: Float[Array, "k r"]
    ) -> _Step:
        """Towards the central path at tau, where P D and s mu are so much larger than their
        first order says.

        Raises LinAlgError where rounding spoils it.
        """
        program, point = self.program, self.point
        packing = program.packing
        n, m = len(program.y), len(packing.i)
        roots = self.roots
        e = roots.shape[1]
        E = -squares
        E[:, range(e), range(e)] += tau - roots**2
        E *= 2 / (roots[:, :, None] + roots[:, None, :])
        t = (tau - products) / point.s - point.mu + self.ratio * self.off
        found = self._solve(_Left(E, self._sums(self.unscaled(E)), np.zeros(n), np.inf), t)
        left = self._left(E, found)
        for _ in range(_REFINED):
            if left.size <= _EXACT:
                break
            more = self._solve(left, np.zeros_like(t))
            better = _Solution(*(a + b for a, b in zip(found, more, strict=True)))
            after = self._left(E, better)
            if after.size > left.size / 2:
                break
            found, left = better, after
        if not left.size <= _WRONG:
            raise LinAlgError
        dZ, dnu = packing.unpack(found.x[n : n + m]), found.x[n + m :]
        ds = program.outputs(found.v) - self.off
        return _Step(E - found.D, found.D, ds, found.mu, dZ, dnu)

    def _left(self, E: Float[Array, "k e e"], found: _Solution) -> _Left:
        """In the coordinates of E, in those of the sums, and in those of x."""
        n, d = len(self.program.y), found.v.shape[1]
        change = self.unscaled(E - found.D)
        wrong = np.zeros_like(change)
        wrong[:, :d, d] = wrong[:, d, :d] = change[:, :d, d] - found.v
        fit = self.program.beside(self.curvature_root * self.program.fit(self.radius, found.v))
        E, sums = self.inverse @ wrong @ _T(self.inverse), self._sums(change)
        lam = -found.x[:n] - fit
        size = max(float(np.abs(part).max()) for part in (E, sums, lam)) / self.roots.max()
        return _Left(E, sums, lam, size)

    def _sums(self, change: Float[Array, "k e e"]) -> Float[Array, " M"]:
        """By what sum_b W_b and the sums of alpha are too large after this change of P."""
        W, alpha = self.program.sums(self.point.P + change)
        return np.concatenate([self.program.packing.pack(W), alpha])

    def _solve(self, left: _Left, t: Float[Array, "k r"]) -> _Solution:
        program, packing = self.program, self.program.packing
        n, m = len(program.y), len(packing.i)
        corner = self._seen((left.E @ self.last[:, :, None])[:, None, :, 0])[:, 0]
        pulled = (t * program.sides) @ program.normals
        w = self._T_solve(corner + (pulled[:, None] @ self.C)[:, 0] / 2)
        right = np.concatenate([left.lam, left.sums])
        v = (self.C @ w[:, :, None])[:, :, 0]
        right -= self._down(v, w - corner)
        x = cho_solve(self.factor, right / self.sizes, check_finite=False) / self.sizes
        w = w + self._T_solve(self._up(x)) / 2
        v = (self.C @ w[:, :, None])[:, :, 0]
        mu = t - self.ratio * program.outputs(v)
        lam, Z, nu = self.curvature_root * x[:n], packing.unpack(x[n : n + m]), x[n + m :]
        D = _T(self.scaling) @ program.dual(self.radius, lam, mu, Z, nu) @ self.scaling
        return _Solution(w, v, mu, x, D)

    def _T_solve(self, r: Float[Array, "k e"]) -> Float[Array, "k e"]:
        half = np.linalg.solve(_T(self.T_root), r[:, :, None])
        found: Array = np.linalg.solve(self.T_root, half)[:, :, 0]
        return found

    def unscaled(self, P: Float[Array, "k e e"]) -> Float[Array, "k e e"]:
        """A change of P in its own coordinates."""
        change: Array = self.scaling @ P @ _T(self.scaling)
        return change

    def length(self, step: _Step) -> float:
        """How far one may go, at most 1."""
        half = np.sqrt(self.roots)
        scale = half[:, :, None] * half[:, None, :]
        least = min(
            float(np.linalg.eigvalsh(step.P / scale).min()),
            float(np.linalg.eigvalsh(step.D / scale).min()),
            float((step.s / self.point.s).min(initial=0.0)),
            float((step.mu / self.point.mu).min(initial=0.0)),
        )
        return 1.0 if least >= -1 else -1 / least

    def gap_after(self, step: _Step, length: float) -> float:
        """The duality gap after such a step."""
        P, D = self._scaled(step, length)
        s, mu = self.point.s + length * step.s, self.point.mu + length * step.mu
        return float((P * D).sum() + (s * mu).sum())

    def _scaled(
        self, step: _Step, length: float
    ) -> tuple[Float[Array, "k e e"], Float[Array, "k e e"]]:
        """P and D after such a step, in the coordinates in which both are one diagonal matrix."""
        e = self.roots.shape[1]
        P, D = length * step.P, length * step.D
        P[:, range(e), range(e)] += self.roots
        D[:, range(e), range(e)] += self.roots
        return P, D


def _towards(products: Float[Array, "*k"], tau: float) -> Float[Array, "*k"]:
    """What brings products near tau, without making any of them much smaller at once."""
    moved: Array = np.clip(products, tau / _APART, tau * _APART) - products
    return np.maximum(moved, -tau * _APART)


def _stretched(
    rows: Float[Array, "*k e"], direction: Float[Array, "*k e"], by: float
) -> Float[Array, "*k e"]:
    """rows (I + by d d^T), for unit vectors d."""
    along = (rows * direction).sum(axis=-1, keepdims=True)
    stretched: Array = rows + by * along * direction
    return stretched


def _definite(A: Float[Array, "k e e"]) -> bool:
    try:
        np.linalg.cholesky(A)
    except LinAlgError:
        return False
    return True


def _symmetric(A: Float[Array, "k e e"]) -> Float[Array, "k e e"]:
    return (A + _T(A)) / 2


def _T(A: Float[Array, "k e f"]) -> Float[Array, "k f e"]:
    return A.transpose(0, 2, 1)
