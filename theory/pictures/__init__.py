"""Pictures: one module for each thing that is drawn, on axes that are given, and their style.

What `plot` of an object draws is here. Nothing is saved; `numerics.pictures` makes figures of them.

>>> from matplotlib.figure import Figure
>>> from theory import analyse, example
>>> axes = Figure().subplots()
>>> analyse(example("flagship"), width=2).plot(axes).get_title()
'Components as the level rises'
"""
