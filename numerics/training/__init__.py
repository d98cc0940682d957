"""Training in torch: optimizers, batches of runs, and what is made of them."""
