"""From batches of arrays to trained weights: state, step, sampler, loop, checkpoints, device mesh."""
