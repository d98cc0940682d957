"""pyscnn (Mishkin, Sahiner, Pilanci 2022) on given patterns, in an environment of its own.

    python reference_scnn.py data.npz out.npz

data.npz: X (n, d), y (n,), gates (d, P) with patterns 1(X g >= 0), beta, tolerances (T,). Solves
min 1/2 ||sum_b s_b D_b X u_b - y||^2 + beta sum_b ||u_b||_2 over the cones with its augmented
Lagrangian solver, from scratch for each tolerance. out.npz: seconds (T,), U (T, 2, P, d), gates.

pyscnn scales the squared loss by 1 / (2 n), so its lambda is beta / n.
"""

import sys
import time

import numpy as np
from scnn.metrics import Metrics
from scnn.models import ConvexReLU
from scnn.optimize import optimize_model
from scnn.regularizers import NeuronGL1
from scnn.solvers import AL


def main(source: str, target: str) -> None:
    """Solve and time."""
    data = np.load(source)
    X, y, beta = data["X"], data["y"], float(data["beta"])
    seconds, solutions = [], []
    for tolerance in data["tolerances"]:
        model = ConvexReLU(data["gates"])
        solver = AL(model, tol=float(tolerance), constraint_tol=float(tolerance))
        start = time.process_time()
        solved, _ = optimize_model(
            model,
            solver,
            Metrics(),
            X,
            y[:, None],
            regularizer=NeuronGL1(beta / len(y)),
            return_convex=True,
            unitize_data=False,
            dtype="float64",
        )
        seconds.append(time.process_time() - start)
        solutions.append([block[0] for block in solved.parameters])
        print(tolerance, seconds[-1], flush=True)
        gates = solved.G  # in an order of its own
    np.savez(target, seconds=seconds, U=solutions, gates=gates)


if __name__ == "__main__":
    main(*sys.argv[1:])
