#!/usr/bin/python3
"""The headers of frames that testbab sends: addresses, ports, VLAN tag, checksums, session."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import captures
import moldudp64
import tap
import tshark
from smoke_case import SmokeCase


class Headers(SmokeCase):
    def relayed(self, *app, udp_checksum="good"):
        """Sends many small frames in. Gives the frames that come out, parsed and in order."""
        samples = captures.many_small(60)
        run, frames = self.relay(captures.frames(samples), "--mtu=1500", *app)
        self.assert_good(run)
        return self.assert_stream(frames, captures.messages(samples), 1500, udp_checksum=udp_checksum)

    def only(self, parsed, *fields):
        """The values of these fields, which all frames must share."""
        values = {tuple(getattr(frame, field) for field in fields) for frame in parsed}
        self.assertEqual(len(values), 1, values)
        return values.pop()

    def test_those_of_testpmd_unless_told_otherwise(self):
        parsed = self.relayed()
        self.assertEqual(self.only(parsed, "src_ip", "dst_ip", "src_port", "dst_port", "ttl", "vlan"),
                         ("198.18.0.1", "198.18.0.2", 9, 9, 64, None))
        self.assertEqual(self.only(parsed, "dst_mac"), ("02:00:00:00:00:00",))
        source, = self.only(parsed, "src_mac")
        self.assertNotEqual(source, "00:00:00:00:00:00")
        self.assertFalse(int(source[:2], 16) & 1, source)

    def test_addresses_and_ports(self):
        parsed = self.relayed("--tx-ip=10.1.2.3,10.4.5.6", "--tx-udp=1234,65535")
        self.assertEqual(self.only(parsed, "src_ip", "dst_ip", "src_port", "dst_port"),
                         ("10.1.2.3", "10.4.5.6", 1234, 65535))

    def test_peer(self):
        self.assertEqual(self.only(self.relayed("--eth-peer=0,02:AB:cd:00:00:07"), "dst_mac"), ("02:ab:cd:00:00:07",))

    def test_multicast_destination_derives_its_mac(self):
        for address, mac in (("233.54.12.111", "01:00:5e:36:0c:6f"), ("239.129.2.3", "01:00:5e:01:02:03")):
            with self.subTest(address=address):
                parsed = self.relayed(f"--tx-ip=10.1.2.3,{address}")
                self.assertEqual(self.only(parsed, "dst_ip", "dst_mac"), (address, mac))

    def test_vlan_tag(self):
        for vlan in 1, 101, 4094:
            with self.subTest(vlan=vlan):
                self.assertEqual(self.only(self.relayed(f"--vlan={vlan}"), "vlan"), (vlan,))

    def test_vlan_tag_costs_no_room_for_messages(self):
        for vlan, length in ((), 14 + 9000), (("--vlan=5",), 18 + 9000):
            run, frames = self.txonly("--count=10", "--msg-size=8950", "--mtu=9000", *vlan)
            self.assert_good(run)
            self.assertEqual({len(frame) for frame in frames}, {length})

    def test_session(self):
        for given, seen in (("A", b"A         "), ("TENLETTERS", b"TENLETTERS"), ("with space", b"with space")):
            with self.subTest(session=given):
                self.assertEqual(self.only(self.relayed(f"--session={given}"), "session"), (seen,))

    def test_checksums_in_software(self):
        self.relayed("--tx-checksum=sw")

    def test_checksums_in_software_behind_a_vlan_tag(self):
        self.relayed("--tx-checksum=sw", "--vlan=7")

    def test_no_udp_checksum(self):
        self.relayed("--tx-checksum=off", udp_checksum="none")

    @unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
    def test_tshark_agrees(self):
        for app, udp_checksum in (("--vlan=101", "--tx-ip=10.1.2.3,239.129.2.3", "--tx-udp=7,8"), "good"), \
                                 (("--tx-checksum=off",), "none"):
            with self.subTest(app=app):
                parsed = self.relayed(*app, udp_checksum=udp_checksum)
                self.assert_tshark_agrees(parsed, udp_checksum=udp_checksum)
                for packet, frame in zip(tshark.decode(self.path("out.pcap"), [frame.dst_port for frame in parsed]),
                                         parsed, strict=True):
                    self.assertEqual((packet.vlan_id, packet.dst_mac, packet.src_ip, packet.dst_ip, packet.src_port,
                                      packet.dst_port, packet.session.encode()),
                                     (frame.vlan, frame.dst_mac, frame.src_ip, frame.dst_ip, frame.src_port,
                                      frame.dst_port, frame.session))


if __name__ == "__main__":
    tap.main()
