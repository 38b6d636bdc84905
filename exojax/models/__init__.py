"""Model inputs to logits. One file a model; ``registry.py`` names them."""
