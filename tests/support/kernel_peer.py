#!/usr/bin/python3
"""The other side: plain UDP sockets. They know MoldUDP64, but not bab.

kernel_peer.py subscribe ADDRESS GROUP PORT COUNT   decodes COUNT messages, prints a line of JSON about them
kernel_peer.py publish ADDRESS GROUP PORT COUNT SIZE PER_PACKET   sends COUNT messages of SIZE bytes
kernel_peer.py ask ADDRESS SERVER PORT COUNT SIZE SOCKETS   sends COUNT messages by each of some sockets at once, and
        prints a line of JSON about what comes back to each of them
kernel_peer.py answer ADDRESS - PORT COUNT HOLD_MS   sends packets back until COUNT messages came (0: for ever); the
        first packet is held for so long, and what comes meanwhile waits behind it
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
        time.sleep(0.0005)  # slowly: the kernel's ring has 512 slots


def ask(address, server, port, count, size, sockets):
    per_packet, asking, came, sequences = 4, [], {}, {}
    for number in range(sockets):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((address, 0))
        one.connect((server, port))  # the kernel then drops datagrams of other senders
        one.settimeout(15)
        asking.append(one)
        came[number], sequences[number] = [], []
    sessions = set()

    def collect(number):
        packet = asking[number].recv(65536)
        session, sequence, n = struct.unpack_from("!10sQH", packet)
        sessions.add(session.decode())
        sequences[number].append((sequence, n))
        at = 20
        for _ in range(n):
            (length,) = struct.unpack_from("!H", packet, at)
            came[number].append(packet[at + 2:at + 2 + length])
            at += 2 + length
        assert at == len(packet), "bytes behind the last block"

    def message(number, index):
        return struct.pack("!II", number, index) + bytes(size - 8)

    for first in range(0, count, per_packet):
        indexes = range(first, min(count, first + per_packet))
        for number in range(sockets):
            blocks = b"".join(struct.pack("!H", size) + message(number, index) for index in indexes)
            asking[number].send(struct.pack("!10sQH", b"KERNEL    ", first + 1, len(indexes)) + blocks)
        time.sleep(0.0005)
        for number in range(sockets):
            while len(came[number]) < first:  # there may be a packet of each on its way
                collect(number)
    for number in range(sockets):
        while len(came[number]) < count:
            collect(number)
    right = all(came[number] == [message(number, index) for index in range(count)] for number in range(sockets))
    numbered = all(sequence == 1 + sum(n for _, n in sequences[number][:at])
                   for number in range(sockets) for at, (sequence, _) in enumerate(sequences[number]))
    print(json.dumps({"messages": sum(map(len, came.values())), "right": right, "numbered": numbered,
                      "sessions": sorted(sessions)}), flush=True)


def answer(address, _, port, count, hold_ms):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
    server.bind((address, port))
    print("ready", flush=True)
    messages = 0
    while count == 0 or messages < count:
        packet, sender = server.recvfrom(65536)
        if messages == 0:
            time.sleep(hold_ms / 1000)
        messages += struct.unpack_from("!H", packet, 18)[0]
        server.sendto(packet, sender)


if __name__ == "__main__":
    verb, address, group, *numbers = sys.argv[1:]
    {"subscribe": subscribe, "publish": publish, "ask": ask, "answer": answer}[verb](address, group, *map(int, numbers))
