"""Define the commands, one module each: options and the calls of other rooms."""
