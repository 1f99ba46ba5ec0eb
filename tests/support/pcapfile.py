"""Classic capture files of Ethernet frames, as net_pcap reads and writes them."""

import struct

MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D  # net_pcap writes the latter
ETHERNET = 1


def write(path, frames, seconds=None):
    """One frame a microsecond, or each in one of these seconds."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", MICROSECONDS, 2, 4, 0, 0, 262144, ETHERNET))
        for number, frame in enumerate(frames):
            second = seconds[number] if seconds else number // 1000000
            file.write(struct.pack("<IIII", second, number % 1000000, len(frame), len(frame)) + frame)


def read(path):
    """The frames, in order. A file that ends within a frame is an error, not a shorter capture."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 24:
        raise ValueError(f"{path}: {len(data)} bytes are no capture")
    order = "<" if int.from_bytes(data[:4], "little") in (MICROSECONDS, NANOSECONDS) else ">"
    magic, _, _, _, _, _, link = struct.unpack_from(f"{order}IHHiIII", data)
    if magic not in (MICROSECONDS, NANOSECONDS) or link != ETHERNET:
        raise ValueError(f"{path}: magic {magic:#x}, link type {link}: not a capture of Ethernet frames")
    frames, at = [], 24
    while at < len(data):
        _, _, captured, length = struct.unpack_from(f"{order}IIII", data, at)
        at += 16
        if captured != length or at + captured > len(data):
            raise ValueError(f"{path}: frame {len(frames)} has {len(data) - at} of {captured} of {length} bytes")
        frames.append(data[at:at + captured])
        at += captured
    return frames
