"""Optimizers and loss landscapes of GPT-2 models: pretraining, alignment, connection, spectra.

    corpora.py      text that goes by a name
    r_data.py       what packages of R bring, read without R
    data.py         text as tokens, with a part held out
    model.py        GPT-2 as a plain `GPT2LMHeadModel`, its checkpoints and hidden matrices
    training.py     one trainer of models, bends of paths and alignments; AdamW, Muon, Kaon
    kaon.py         Muon with scrambled singular values: a control
    alignment.py    another model in the coordinates of a first one, with the same logits
    paths.py        straight lines, polychains and Bezier curves between models; barriers
    ensembles.py    averages of what models and points between them predict
    spectra.py      singular values, stable and effective ranks along a path; norms
    slices.py       an MLP on a plane, in the exact landscape of small networks
    pretraining.py  a model trained, and what is recorded of it
    connection.py   two models aligned, with a path that is learned and measured
    names.py        what models, pairs and curves of a study are called
    config.py       a configuration, such as those in studies/, and what a study of it has
    parts.py        the parts of a study, each made from the files of those before it
    study.py        a whole study, in a folder
    runs.py         the record of all that was ever begun for it
    cells.py        what the pairs of a cell have in common
    estimate.py     how long a study would take
    report.py       its page, with the pictures of plots.py

`isthmus gpt2` is a thin layer over these. They need the extra `gpt2`.
"""
