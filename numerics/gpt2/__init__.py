"""Optimizers and loss landscapes of GPT-2 models: pretraining, alignment, connection, spectra.

    data.py         text as tokens, with a part held out
    model.py        GPT-2 as a plain `GPT2LMHeadModel`, its checkpoints and hidden matrices
    training.py     one trainer of models, bends of paths and alignments; AdamW or Muon
    alignment.py    another model in the coordinates of a first one, with the same logits
    paths.py        straight lines, polychains and Bezier curves between models; barriers
    spectra.py      singular values, stable and effective ranks along a path; norms
    study.py        a whole study from one configuration
    report.py       its page, with pictures

`isthmus gpt2` is a thin layer over these. They need the extra `gpt2`.
"""
