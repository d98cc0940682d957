"""What each optimizer's weight decay confines a network to: norms, balls, gauges, Frank-Wolfe gap.

Lion-K with decoupled weight decay lambda minimises the loss over ||W|| <= R_W, ||a|| <= R_a, with
R = 1/lambda (Chen, Liu, Liang, Liu 2023, arXiv 2310.05898); the optimizer is the choice of norms.

| name                  | norm on W                   | norm on a   |
|-----------------------|-----------------------------|-------------|
| adamw, lion, signsgd  | largest entry               | largest     |
| adamw-ngd             | largest entry               | l2          |
| colnorm               | largest l2 norm of a column | largest     |
| colnorm-ngd           | largest l2 norm of a column | l2          |
| ngd-adamw             | Frobenius                   | largest     |
| ngd                   | Frobenius                   | l2          |
| muon-adamw            | spectral                    | largest     |
| muon                  | spectral                    | l2          |
| sgd                   | no ball: (beta/2)(||W||_F^2 + ||a||^2) |  |

The names of two optimizers say which one updates the hidden layer, and then which one the output
layer: muon-adamw is Muon as it is used in practice.

>>> from fractions import Fraction
>>> import numpy as np
>>> muon = geometry("muon")
>>> gradient = np.array([[3.0, 0.0], [0.0, -1.0]])
>>> print(muon.ball.hidden.lmo(gradient, 2.0) + 0.0)
[[-2.  0.]
 [ 0.  2.]]
>>> print(muon.ball.radius(Fraction(2, 3)))
3/2

The gauge of convex coordinates u_j = |a_j| w_j is the smallest rho = R_W R_a whose ball holds a
network that has them, and `lift` gives that network:

>>> U = np.array([[3.0, 0.0], [0.0, -4.0]])
>>> print(geometry("adamw").gauge(U).upper, geometry("ngd").gauge(U).upper)
4.0 7.0
>>> W, a = geometry("adamw").lift(np.array([1, -1]), U)
>>> print(a[1], np.abs(W).max())
-2.0 2.0

A new optimizer of the family is `LionK("name", hidden, output)` with norms from this file or with
a `Norm` of one's own.

Arrays are float64, with any leading batch axes: weights (..., d, m), outputs (..., m). A batch item
that is not finite gives a result that is not finite, and leaves the others alone. Exact values
belong to the modules that use this one; here only `LionK.radius` is exact.
"""

from theory.geometry.norms import Apart, Factorisation, MixedNorm, Norm, SchattenNorm, VectorNorm
from theory.geometry.optimizers import (
    Geometry,
    Interval,
    L2Penalty,
    LionK,
    ball_violation,
    frank_wolfe_gap,
    geometry,
    names,
)

__all__ = [
    "Apart",
    "Factorisation",
    "Geometry",
    "Interval",
    "L2Penalty",
    "LionK",
    "MixedNorm",
    "Norm",
    "SchattenNorm",
    "VectorNorm",
    "ball_violation",
    "frank_wolfe_gap",
    "geometry",
    "names",
]
