"""Addresses and default routes, of every table and family, asked of the kernel: it takes no other program."""

import socket
import struct

_NEWADDR, _GETADDR, _NEWROUTE, _GETROUTE = 20, 22, 24, 26
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_OIF, _RTA_MULTIPATH = 4, 9
_UNICAST = 1


def _dump(request, answer, header):
    """The bodies of all that the kernel has of one kind."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.bind((0, 0))
        kernel.send(struct.pack("=IHHII", 16 + len(header), request, _REQUEST | _DUMP, 1, 0) + header)
        while True:
            data = kernel.recv(1 << 20)
            while len(data) >= 16:
                length, kind, _, _, _ = struct.unpack_from("=IHHII", data)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError(-struct.unpack_from("=i", data, 16)[0], "asking the kernel for addresses and routes")
                if kind == answer:
                    yield data[16:length]
                data = data[(length + 3) & ~3:]


def _attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3:]


def _name(index):
    try:
        return socket.if_indextoname(index)
    except OSError:
        return None


def addresses():
    """Of each interface: {"eth0": ["192.0.2.1/24", "fe80::1/64"]}."""
    found = {}
    for body in _dump(_GETADDR, _NEWADDR, struct.pack("=BBBBI", 0, 0, 0, 0, 0)):
        family, prefix, _, _, index = struct.unpack_from("=BBBBI", body)
        attributes = dict(_attributes(body[8:]))
        address = attributes.get(_IFA_LOCAL, attributes.get(_IFA_ADDRESS))
        if family not in (socket.AF_INET, socket.AF_INET6) or address is None:
            continue
        text = f"{socket.inet_ntop(family, address)}/{prefix}"
        found.setdefault(_name(index) or f"interface {index}", []).append(text)
    return found


def default_routes():
    """The interfaces that a default route goes by, of any table, also as one of several next hops."""
    found = set()
    for body in _dump(_GETROUTE, _NEWROUTE, struct.pack("=BBBBBBBBI", 0, 0, 0, 0, 0, 0, 0, 0, 0)):
        family, prefix, _, _, _, _, _, kind, _ = struct.unpack_from("=BBBBBBBBI", body)
        if family not in (socket.AF_INET, socket.AF_INET6) or prefix != 0 or kind != _UNICAST:
            continue
        for attribute, value in _attributes(body[12:]):
            if attribute == _RTA_OIF:
                found.add(_name(struct.unpack("=i", value)[0]))
            elif attribute == _RTA_MULTIPATH:
                while len(value) >= 8:
                    length, _, _, index = struct.unpack_from("=HBBi", value)
                    found.add(_name(index))
                    value = value[max((length + 3) & ~3, 8):]
    return found - {None, "lo"}
