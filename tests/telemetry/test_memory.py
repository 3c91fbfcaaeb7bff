import platform

from sidecars.telemetry.memory import keep_large_buffers


def test_the_c_library_takes_what_it_is_asked_to_keep():
    assert keep_large_buffers() == (platform.libc_ver()[0] == "glibc")
