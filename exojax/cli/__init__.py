"""The commands: argument parsing and wiring only, one module each."""
