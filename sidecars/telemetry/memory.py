"""How this process's C library keeps memory that was freed."""

import ctypes

# mallopt(3). 32 MiB is the most that glibc takes for the second.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
KEPT_BYTES = 32 * 1024 * 1024


def keep_large_buffers() -> bool:
    """Keeps up to 32 MiB for the next buffers of megabytes, which bodies and records need.

    By default glibc gives a thread's back to the kernel, which clears each page anew: a fifth of what an
    event costs the webhook receiver. Two arenas instead of one for nearly each thread keep that bounded.
    False where the C library is another one, or takes it not.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    wanted = ((M_TRIM_THRESHOLD, KEPT_BYTES), (M_MMAP_THRESHOLD, KEPT_BYTES), (M_ARENA_MAX, 2))
    return mallopt is not None and all(mallopt(option, value) for option, value in wanted)
