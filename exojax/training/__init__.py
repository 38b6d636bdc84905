"""Train models on arrays: state, step, sampler, loop, checkpoints, device mesh, hyper-parameter studies."""
