"""Small captures, the same in every run, and the result that a receiver must have for each frame."""

import random
import struct
from typing import NamedTuple

import moldudp64
from moldudp64 import end_of_session, frame, heartbeat, packet

DAY, NIGHT = "DAY0000001", b"NIGHT\0\0\0\0\0"  # one padded with nothing, one with NULs
PORT, OTHER_PORT = 26477, 26478
VLAN = {"vlan": 3 << 13 | 101}  # priority 3
TAG_OF_NO_VLAN = {"vlan": 0}


class Sample(NamedTuple):
    """A frame with its messages, or with reasons. It must be dropped for one of these reasons."""
    name: str
    frame: bytes
    messages: tuple = ()
    reasons: tuple = ()


def frames(samples):
    return [sample.frame for sample in samples]


def messages(samples):
    return [message for sample in samples for message in sample.messages]


class Stream:
    """Frames of one session, numbered without a gap."""

    def __init__(self, session, sequence=1, **headers):
        self.session, self.sequence, self.headers = session, sequence, headers

    def frame(self, batch, **headers):
        payload = packet(self.session, self.sequence, batch)
        self.sequence += len(batch)
        return frame(payload, **{**self.headers, **headers})

    def sample(self, name, batch, **headers):
        return Sample(name, self.frame(batch, **headers), tuple(batch))

    def heartbeat(self, **headers):
        return Sample("heartbeat", frame(heartbeat(self.session, self.sequence), **{**self.headers, **headers}))

    def end(self, **headers):
        return Sample("end", frame(end_of_session(self.session, self.sequence), **{**self.headers, **headers}))


def small_messages(count, smallest, largest, seed):
    """Messages that all differ, so that a lost, doubled or moved one shows."""
    source = random.Random(seed)
    return [struct.pack("!HI", seed, number) + source.randbytes(source.randint(smallest, largest) - 6)
            for number in range(count)]


def many_small(frame_count=400):
    """Typical input of the relay: many frames of one to three small messages, of two sessions in turn."""
    source = random.Random(400)
    streams = Stream(DAY, dst_ip="239.1.2.3", dst_mac="01:00:5e:01:02:03"), Stream(NIGHT, 1000, ttl=1, **VLAN)
    pending = iter(small_messages(frame_count * 3, 8, 60, 400))
    return [source.choice(streams).sample(f"frame {number}", [next(pending) for _ in range(source.randint(1, 3))])
            for number in range(frame_count)]


def one_after_another(frame_count=50):
    """Two whole sessions, one after the other. A receiver that judges numbers must miss nothing."""
    samples = []
    for seed, session in enumerate((DAY, NIGHT), 50):
        stream = Stream(session)
        batches = small_messages(frame_count * 2, 8, 60, seed)
        samples += [stream.sample(f"{seed}.{at}", batches[at:at + 2]) for at in range(0, len(batches), 2)]
        samples.append(stream.end())
    return samples


def every_good_form():
    """Every valid form of a frame. A receiver must take them all."""
    stream = Stream(DAY)
    text = iter(small_messages(40, 8, 40, 7))
    samples = [
        stream.sample("plain", [next(text)]),
        stream.sample("VLAN tag", [next(text)], **VLAN),
        stream.sample("VLAN tag of no VLAN", [next(text)], **TAG_OF_NO_VLAN),
        stream.sample("padded to the minimum", [b"x"], pad_to=64),
        stream.sample("padded behind a VLAN tag", [b"y"], pad_to=68, **VLAN),
        stream.heartbeat(),
        stream.heartbeat(pad_to=64, **VLAN),
        stream.sample("an empty message", [b""]),
        stream.sample("nothing but empty messages", [b""] * 20, pad_to=64),
        stream.sample("empty messages between others", [b"", next(text), b"", b"", next(text), b""]),
        stream.sample("no UDP checksum", [next(text)], udp_checksum=0),
        stream.sample("UDP checksum that comes out as 0", [next(text) + b"\0" * 5]),
        stream.sample("IPv4 options", [next(text)], options=b"\x94\x04\0\0" + b"\x01" * 7 + b"\0"),
        stream.sample("may be fragmented", [next(text)], fragment=0, ip_id=4711),
        stream.sample("multicast", [next(text)], dst_ip="233.54.12.111", dst_mac="01:00:5e:36:0c:6f", ttl=1),
        stream.sample("no addresses and ports", [next(text)], src_ip="0.0.0.0", dst_ip="0.0.0.0", src_port=0,
                      dst_port=0),
        stream.sample("urgent", [next(text)], tos=0xB8, ttl=255),
        stream.sample("odd length", [b"odd"]),
        stream.sample("a full frame", [bytes(range(250))] * 5 + [b"z" * 190]),
        stream.sample("one message that fills the frame", [b"f" * moldudp64.largest_message(1500)]),
        stream.sample("the last", [next(text)]),
        stream.end(),
        stream.end(pad_to=64),
    ]
    return [_with_checksum_zero(sample) if "comes out as 0" in sample.name else sample for sample in samples]


def _with_checksum_zero(sample):
    """Changes the message's last bytes so that the UDP checksum is 0, which is sent as 0xFFFF."""
    sum_now = int.from_bytes(sample.frame[40:42], "big")
    at = len(sample.frame) - 4 + len(sample.frame) % 2  # of the last 16-bit word that lies in the message
    data = bytearray(sample.frame)
    data[at:at + 2] = struct.pack("!H", sum_now)
    data[40:42] = b"\xff\xff"
    parsed = moldudp64.parse(bytes(data))
    assert parsed.udp_checksum == "good"
    return Sample(sample.name, bytes(data), parsed.messages)


def wrong():
    """Every kind of wrong frame with the reason for its drop. (A frame with two faults has two reasons.)"""
    good = packet(DAY, 1, [b"never to be seen"])
    plain = frame(good)
    tagged = frame(good, vlan=VLAN["vlan"])

    def of(name, reasons, data):
        return Sample(name, data, reasons=(reasons,) if isinstance(reasons, str) else reasons)

    def cut(data, length):
        return data[:length]

    return [
        of("ARP", "not_ip", moldudp64.mac("ff:ff:ff:ff:ff:ff" "02:00:00:00:00:02" "08:06") + bytes(46)),
        of("IPv6", "not_ip", frame(good, ethertype=0x86DD)),
        of("ARP behind a VLAN tag", "not_ip", frame(good, ethertype=0x0806, **VLAN)),
        of("a length for an EtherType", "not_ip", frame(good, ethertype=46)),
        of("two VLAN tags", "not_ip", frame(good, vlan=(5, 6))),
        of("TCP", "not_udp", frame(good, protocol=6)),
        of("ICMP", "not_udp", frame(good, protocol=1)),
        of("ICMP behind a VLAN tag", "not_udp", frame(good, protocol=1, **VLAN)),
        of("first fragment", "ip_fragment", frame(good, fragment=0x2000)),
        of("last fragment", "ip_fragment", frame(good, fragment=3)),
        of("middle fragment", "ip_fragment", frame(good, fragment=0x2003)),
        of("IP version 6", "bad_ip_header", frame(good, version=6)),
        of("IP version 0", "bad_ip_header", frame(good, version=0)),
        of("IP header of 16 bytes", "bad_ip_header", frame(good, ihl=4)),
        of("IP header of 0 bytes", "bad_ip_header", frame(good, ihl=0)),
        of("IP length 0", "bad_ip_header", frame(good, total_length=0)),
        of("IP length within the header", "bad_ip_header", frame(good, total_length=19)),
        of("IP checksum off by one", "bad_ip_checksum", _ip_checksum_changed(plain, 1)),
        of("IP checksum 0", "bad_ip_checksum", frame(good, ip_checksum=0)),
        of("IP checksum off behind a VLAN tag", "bad_ip_checksum", _ip_checksum_changed(tagged, 0x100)),
        of("UDP checksum of 1", "bad_udp_checksum", frame(good, udp_checksum=1)),
        of("a payload bit flipped", "bad_udp_checksum", plain[:-1] + bytes([plain[-1] ^ 1])),
        of("a port changed", "bad_udp_checksum", plain[:37] + bytes([plain[37] ^ 1]) + plain[38:]),
        of("UDP length 0", "bad_udp_length", frame(good, udp_length=0)),
        of("UDP length 7", "bad_udp_length", frame(good, udp_length=7)),
        of("UDP length one past the IP packet", "bad_udp_length", frame(good, udp_length=9 + len(good))),
        of("UDP length 65535", "bad_udp_length", frame(good, udp_length=65535)),
        of("IP length ends in the UDP header", ("truncated", "bad_udp_length"), frame(good, total_length=24)),
        of("IP length past the frame", "truncated", frame(good, total_length=20 + 8 + len(good) + 1)),
        of("IP length 65535", "truncated", frame(good, total_length=65535)),
        of("no byte", "truncated", b""),
        of("half a MAC address", "truncated", cut(plain, 3)),
        of("13 bytes", "truncated", cut(plain, 13)),
        of("an Ethernet header", "truncated", cut(plain, 14)),
        of("ends in the VLAN tag", "truncated", cut(tagged, 16)),
        of("ends in the IP header", "truncated", cut(plain, 33)),
        of("ends in the UDP header", "truncated", cut(plain, 40)),
        of("ends in the last message", "truncated", cut(plain, len(plain) - 1)),
        of("ends in the last message behind a VLAN tag", "truncated", cut(tagged, len(tagged) - 1)),
        of("IP header past the frame", ("truncated", "bad_ip_header"), cut(frame(good, ihl=15), 50)),
        of("no UDP payload", "malformed", frame(b"")),
        of("19 bytes of payload", "malformed", frame(good[:19])),
        of("a length and no message", "malformed", frame(packet(DAY, 1, count=1, tail=b"\0\x05"))),
        of("half a length", "malformed", frame(packet(DAY, 1, count=1, tail=b"\0"))),
        of("no block for the count", "malformed", frame(packet(DAY, 1, count=1), pad_to=64)),
        of("a block one byte too long", "malformed", frame(packet(DAY, 1, count=1, tail=b"\0\x05abcd"))),
        of("a block of 65535", "malformed", frame(packet(DAY, 1, count=1, tail=b"\xff\xffabcd"))),
        of("the second block too long", "malformed",
           frame(packet(DAY, 1, count=2, tail=b"\0\x01a\0\x05abcd"))),
        of("more blocks promised than there are", "malformed", frame(packet(DAY, 1, [b"a", b"b"], count=3))),
        of("65534 blocks promised", "malformed", frame(packet(DAY, 1, [b"a", b"b"], count=65534))),
        of("fewer blocks promised than there are", "malformed", frame(packet(DAY, 1, [b"a", b"b"], count=1))),
        of("bytes behind the last block", "malformed", frame(packet(DAY, 1, [b"a"], tail=b"\0"))),
        of("padding inside the UDP length", "malformed", frame(packet(DAY, 1, [b"a"], tail=bytes(17)))),
        of("heartbeat with a message", "malformed", frame(packet(DAY, 1, [b"a"], count=0))),
        of("end of session with a message", "malformed", frame(packet(DAY, 1, [b"a"], count=0xFFFF))),
    ]


def _ip_checksum_changed(data, bits):
    at = 28 if data[12:14] == b"\x81\0" else 24
    return data[:at] + struct.pack("!H", int.from_bytes(data[at:at + 2], "big") ^ bits) + data[at + 2:]
