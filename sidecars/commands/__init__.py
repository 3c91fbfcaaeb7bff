"""The operator's commands, one file a concern. sidecars/cli.py gathers them."""
