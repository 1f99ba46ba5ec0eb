"""Addresses and default routes, of every table and family. The kernel is asked; no other program is needed."""

import collections
import socket
import struct

_NEWADDR, _GETADDR, _NEWROUTE, _GETROUTE = 20, 22, 24, 26
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_OIF, _RTA_MULTIPATH = 4, 9
_UNICAST = 1
_SECONDS = 10  # for each answer; the kernel gives it at once

# Of the network namespace that this process is in: names, {name: ["192.0.2.1/24"]}, {name: index}.
Network = collections.namedtuple("Network", "default_routes addresses interfaces")


def read():
    interfaces = {name: index for index, name in socket.if_nameindex()}
    names = {index: name for name, index in interfaces.items()}
    return Network(default_routes(names), addresses(names), interfaces)


def _dump(request, answer, header):
    """The bodies of all entries of one kind."""
    asked = "asking the kernel for addresses and routes"
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(_SECONDS)
        kernel.bind((0, 0))
        kernel.send(struct.pack("=IHHII", 16 + len(header), request, _REQUEST | _DUMP, 1, 0) + header)
        while True:
            try:
                data = kernel.recv(1 << 20)
            except TimeoutError as error:
                raise OSError(f"{asked}: no answer for {_SECONDS} s") from error
            at = 0
            while at < len(data) or not data:
                length, kind = struct.unpack_from("=IH", data, at) if len(data) - at >= 16 else (0, 0)
                if not 16 <= length <= len(data) - at:
                    raise OSError(f"{asked}: the answer broke off")
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError(-struct.unpack_from("=i", data, at + 16)[0], asked)
                if kind == answer:
                    if length < 16 + len(header):
                        raise OSError(f"{asked}: the answer broke off")
                    yield data[at + 16:at + length]
                at += (length + 3) & ~3


def _attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3:]


def addresses(names):
    """The addresses of each interface: {"eth0": ["192.0.2.1/24", "fe80::1/64"]}."""
    found = {}
    for body in _dump(_GETADDR, _NEWADDR, struct.pack("=BBBBI", 0, 0, 0, 0, 0)):
        family, prefix, _, _, index = struct.unpack_from("=BBBBI", body)
        attributes = dict(_attributes(body[8:]))
        address = attributes.get(_IFA_LOCAL, attributes.get(_IFA_ADDRESS))
        if family not in (socket.AF_INET, socket.AF_INET6) or address is None:
            continue
        text = f"{socket.inet_ntop(family, address)}/{prefix}"
        found.setdefault(names.get(index, f"interface {index}"), []).append(text)
    return found


def default_routes(names):
    """The interfaces of default routes, of any table, also those that are one of several next hops."""
    found = set()
    for body in _dump(_GETROUTE, _NEWROUTE, struct.pack("=BBBBBBBBI", 0, 0, 0, 0, 0, 0, 0, 0, 0)):
        family, prefix, kind = body[0], body[1], body[7]
        if prefix != 0 or kind != _UNICAST or family not in (socket.AF_INET, socket.AF_INET6):
            continue
        for attribute, value in _attributes(body[12:]):
            if attribute == _RTA_OIF:
                found.add(names.get(struct.unpack("=i", value)[0]))
            elif attribute == _RTA_MULTIPATH:
                while len(value) >= 8:
                    length, _, _, index = struct.unpack_from("=HBBi", value)
                    found.add(names.get(index))
                    value = value[max((length + 3) & ~3, 8):]
    return found - {None, "lo"}
