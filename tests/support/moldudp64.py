"""Frames with MoldUDP64 in UDP in IPv4 in Ethernet, built and taken apart by hand.

A second opinion: it shares no line with the product, and the support tests hold it against tshark. Build with
`packet` and `frame`; any header field can be given a wrong value. `parse` accepts what is right and says what isn't.
"""

import ipaddress
import struct
from typing import NamedTuple

HEARTBEAT = 0
END_OF_SESSION = 0xFFFF
UDP_OVERHEAD = 20 + 8  # IPv4 without options, UDP
MOLD_OVERHEAD = UDP_OVERHEAD + 20


class NotMold(ValueError):
    """The frame isn't a whole MoldUDP64 packet. The text says why."""


class Frame(NamedTuple):
    length: int
    dst_mac: str
    src_mac: str
    vlan: int | None  # the whole tag: priority and id
    src_ip: str
    dst_ip: str
    ip_id: int
    dont_fragment: bool
    ttl: int
    ip_length: int
    ip_checksum: str  # good, bad
    src_port: int
    dst_port: int
    udp_checksum: str  # good, bad, none
    session: bytes
    sequence: int
    count: int
    messages: tuple


def largest_message(mtu):
    return mtu - MOLD_OVERHEAD - 2


def session_name(name):
    return name.encode("ascii").ljust(10) if isinstance(name, str) else name


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(session, sequence, messages=(), *, count=None, tail=b""):
    """A downstream packet. `count` and `tail` make wrong ones."""
    header = session_name(session) + struct.pack("!QH", sequence, len(messages) if count is None else count)
    return header + b"".join(struct.pack("!H", len(message)) + message for message in messages) + tail


def heartbeat(session, next_sequence):
    return packet(session, next_sequence, count=HEARTBEAT)


def end_of_session(session, next_sequence):
    return packet(session, next_sequence, count=END_OF_SESSION)


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def frame(payload, *, dst_mac="02:00:00:00:00:01", src_mac="02:00:00:00:00:02", vlan=None, ethertype=0x0800,
          src_ip="198.51.100.1", dst_ip="198.51.100.2", version=4, ihl=None, options=b"", tos=0, total_length=None,
          ip_id=0, fragment=0x4000, ttl=64, protocol=17, ip_checksum=None, src_port=4660, dst_port=26477,
          udp_length=None, udp_checksum=None, pad_to=0):
    """An Ethernet frame around a UDP payload. Fields that aren't given are right; checksums fit the given bytes.

    `vlan` is a tag (priority and id) or several; `pad_to` adds the zeros that Ethernet puts behind a short packet.
    """
    addresses = ipaddress.IPv4Address(src_ip).packed + ipaddress.IPv4Address(dst_ip).packed
    if udp_length is None:
        udp_length = 8 + len(payload)
    udp = struct.pack("!HHHH", src_port, dst_port, udp_length, 0) + payload
    if udp_checksum is None:
        udp_checksum = checksum(addresses + struct.pack("!BBH", 0, protocol, udp_length) + udp) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", udp_checksum) + udp[8:]

    if ihl is None:
        ihl = 5 + len(options) // 4
    if total_length is None:
        total_length = 20 + len(options) + len(udp)
    header = struct.pack("!BBHHHBBH", version << 4 | ihl, tos, total_length, ip_id, fragment, ttl, protocol, 0)
    header += addresses + options
    if ip_checksum is None:
        ip_checksum = checksum(header)
    header = header[:10] + struct.pack("!H", ip_checksum) + header[12:]

    tags = () if vlan is None else (vlan,) if isinstance(vlan, int) else vlan
    ethernet = mac(dst_mac) + mac(src_mac) + b"".join(struct.pack("!HH", 0x8100, tag) for tag in tags)
    return (ethernet + struct.pack("!H", ethertype) + header + udp).ljust(pad_to, b"\0")


def parse(data):
    """Takes a frame apart, or raises NotMold. Checksums are judged, not required."""
    if len(data) < 14:
        raise NotMold(f"{len(data)} bytes are no Ethernet frame")
    ethertype, at, vlan = int.from_bytes(data[12:14], "big"), 14, None
    if ethertype == 0x8100:
        if len(data) < 18:
            raise NotMold("ends in the VLAN tag")
        vlan, ethertype = struct.unpack_from("!HH", data, 14)
        at = 18
    if ethertype != 0x0800:
        raise NotMold(f"EtherType {ethertype:#06x}")
    ip = data[at:]
    if len(ip) < 20 or ip[0] >> 4 != 4 or ip[0] & 15 < 5:
        raise NotMold("no IPv4 header")
    header_length = (ip[0] & 15) * 4
    total_length, ip_id, fragment, ttl, protocol = struct.unpack_from("!HHHBB", ip, 2)
    if not header_length + 8 <= total_length <= len(ip):
        raise NotMold(f"IP length {total_length} of {len(ip)}")
    if fragment & 0x3FFF or protocol != 17:
        raise NotMold("a fragment, or not UDP")
    udp = ip[header_length:total_length]
    src_port, dst_port, udp_length, udp_checksum = struct.unpack_from("!HHHH", udp)
    if udp_length != len(udp):
        raise NotMold(f"UDP length {udp_length} of {len(udp)}")
    pseudo_header = ip[12:20] + struct.pack("!BBH", 0, protocol, udp_length)
    session, sequence, count, messages = parse_packet(udp[8:])
    return Frame(
        len(data), data[:6].hex(":"), data[6:12].hex(":"), vlan,
        str(ipaddress.IPv4Address(ip[12:16])), str(ipaddress.IPv4Address(ip[16:20])), ip_id,
        bool(fragment & 0x4000), ttl, total_length, "good" if checksum(ip[:header_length]) == 0 else "bad", src_port,
        dst_port, "none" if not udp_checksum else "good" if checksum(pseudo_header + udp) == 0 else "bad",
        session, sequence, count, messages)


def parse_packet(payload):
    """(session, sequence, count, messages) of a UDP payload, or raises NotMold."""
    if len(payload) < 20:
        raise NotMold(f"{len(payload)} bytes are no MoldUDP64 header")
    session, sequence, count = struct.unpack_from("!10sQH", payload)
    messages, at = [], 20
    for _ in range(0 if count == END_OF_SESSION else count):
        length = int.from_bytes(payload[at:at + 2], "big")
        if at + 2 + length > len(payload) or at + 2 > len(payload):
            raise NotMold(f"block {len(messages)} of {count} ends past the packet")
        messages.append(payload[at + 2:at + 2 + length])
        at += 2 + length
    if at != len(payload):
        raise NotMold(f"{len(payload) - at} bytes follow the last block")
    return session, sequence, count, tuple(messages)
