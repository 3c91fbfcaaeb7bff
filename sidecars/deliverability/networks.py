"""Which IP addresses lie in the open internet, and not in a network of somebody's own. Pure."""

import ipaddress

# These lead to IPv4 addresses, private ones too: RFC 6052, RFC 8215, RFC 3056, RFC 4380.
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
# All that IANA has given out as global unicast (RFC 4291 section 2.4), and what of that is for examples.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_DOCUMENTATION = ipaddress.IPv6Network("3fff::/20")  # RFC 9637; Python 3.11 does not know it


def is_public(address: str) -> bool:
    """Whether anybody may be asked at this address of IPv4 or IPv6. Raises ValueError where it is none."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if ip not in _GLOBAL_UNICAST or ip in _DOCUMENTATION or any(ip in each for each in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
