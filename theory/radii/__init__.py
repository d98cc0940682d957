"""What one optimizer's ball holds of the landscape: the least radius that reaches a component.

>>> from theory import analyse, example
>>> found = least_radii(analyse(example("flagship"), width=2), ["adamw", "muon"])
>>> [str(component["adamw"].upper) for component in found.components]
['2', '12/5']
>>> found.preferred("adamw"), found.preferred("muon")
(0, 1)
"""

from theory.radii.radii import OPTIMIZERS, DualPoint, Radii, Radius, least_radii

__all__ = ["OPTIMIZERS", "DualPoint", "Radii", "Radius", "least_radii"]
