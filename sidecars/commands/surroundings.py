"""Which servers a command means: those of its environment, else this machine's own stack."""

import os

from infra.local.stack import Stack


def adopt_stack() -> Stack:
    """Without DATABASE_URL in the environment, takes the local stack's. Call before importing settings."""
    stack = Stack.default()
    if "DATABASE_URL" not in os.environ:
        os.environ.update(stack.own_env())
    return stack
