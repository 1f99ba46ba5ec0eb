#!/usr/bin/python3
"""The other side: plain UDP sockets that know MoldUDP64 and nothing of bab.

kernel_peer.py subscribe ADDRESS GROUP PORT COUNT   decodes COUNT messages, prints a line of JSON about them
kernel_peer.py publish ADDRESS GROUP PORT COUNT SIZE PER_PACKET   sends COUNT messages of SIZE bytes
"""

import hashlib
import json
import socket
import struct
import sys
import time


def subscribe(address, group, port, count):
    subscriber = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    subscriber.setsockopt(socket.SOL_SOCKET, 33, 1 << 28)  # SO_RCVBUFFORCE: a burst waits here for this script
    subscriber.bind(("", port))
    subscriber.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                          socket.inet_aton(group) + socket.inet_aton(address))
    subscriber.settimeout(15)
    print("ready", flush=True)
    messages = packets = largest = 0
    sessions, digest, in_order = set(), hashlib.sha256(), True
    while messages < count:
        packet = subscriber.recv(65536)
        session, sequence, n = struct.unpack_from("!10sQH", packet)
        in_order &= sequence == messages + 1
        at = 20
        for _ in range(n):
            (length,) = struct.unpack_from("!H", packet, at)
            digest.update(packet[at:at + 2 + length])
            at += 2 + length
        assert at == len(packet), "bytes behind the last block"
        sessions.add(session.decode())
        messages, packets, largest = messages + n, packets + 1, max(largest, len(packet))
    print(json.dumps({"messages": messages, "packets": packets, "largest": largest, "in_order": in_order,
                      "sessions": sorted(sessions), "sha256": digest.hexdigest()}), flush=True)


def publish(address, group, port, count, size, per_packet):
    publisher = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    publisher.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    for first in range(1, count + 1, per_packet):
        n = min(per_packet, count + 1 - first)
        blocks = b"".join(struct.pack("!HQ", size, first + i) + bytes(size - 8) for i in range(n))
        publisher.sendto(struct.pack("!10sQH", b"KERNEL    ", first, n) + blocks, (group, port))
        time.sleep(0.0005)  # a kernel's ring of 512 slots is no place for a flood from a socket


if __name__ == "__main__":
    verb, address, group, *numbers = sys.argv[1:]
    {"subscribe": subscribe, "publish": publish}[verb](address, group, *map(int, numbers))
