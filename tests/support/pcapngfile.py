"""pcapng files, block by block (draft-ietf-opsawg-pcapng)."""

import struct

ETHERNET, LINUX_COOKED = 1, 113


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    length = 12 + len(body)
    return struct.pack(f"{order}II", kind, length) + body + struct.pack(f"{order}I", length)


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link=ETHERNET, snap_length=262144, order="<"):
    """Its stamps are of microseconds."""
    return block(1, struct.pack(f"{order}HHI", link, 0, snap_length), order)


def frame(number, microseconds, data, order="<"):
    """One of interface `number` of the section."""
    head = struct.pack(f"{order}IIIII", number, microseconds >> 32, microseconds & 0xFFFFFFFF, len(data), len(data))
    return block(6, head + data, order)
