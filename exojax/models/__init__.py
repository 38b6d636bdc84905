"""Define the models, which convert inputs to logits, one per file; ``registry.py`` names them."""
