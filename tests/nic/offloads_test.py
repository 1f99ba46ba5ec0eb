#!/usr/bin/python3
"""Checksums, VLAN tags and addresses on each NIC, as the host sees them on the wire.

    tests/nic/offloads_test.py            # all NICs
    tests/nic/offloads_test.py vmxnet3    # what has it in its name
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import images
import nics
import tap
import wire
from guest import Guest
from moldudp64 import frame, packet, parse
from testbab import PROGRAM

FRAMES = 20
SESSION = "OFFLOADS"
OTHER_MAC = "52:54:00:00:99:99"  # nobody's
GROUP = {"dst_mac": "01:00:5e:01:02:03", "dst_ip": "239.1.2.3"}
TAG = 3 << 13 | 101  # priority 3
SUMS_FROM_THE_SEED = ("e1000",)  # QEMU's others put zero in its place and make the pseudo header's sum themselves


class Offloads:
    """The checks, for a class per NIC. Two cables end at the host: that of $A and that of $B."""
    nic_name = ""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="bab-offloads-")
        cls.guest = None
        try:
            tree = os.path.join(cls.directory, "tree", "usr", "local", "bin")
            os.makedirs(tree)
            shutil.copy(PROGRAM, tree)
            cls.nic = nics.NICS[cls.nic_name]
            cls.ends = [wire.HostEnd(cls.directory, name) for name in "AB"]
            cls.guest = Guest(f"offloads-{cls.nic_name}", images.make(os.path.join(cls.directory, "tree")), cls.nic,
                              [end.plug for end in cls.ends], logs=os.path.join(images.LAB, "logs"))
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        if cls.guest:
            cls.guest.close(failed=sys.exc_info()[0] is not None)
        for end in getattr(cls, "ends", ()):
            end.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def setUp(self):
        self.a = self.ends[0]
        self.a.drain()

    # What the NIC sends.

    def sent(self, *app, environment=""):
        """(frames on the wire, who did what): of a run that sends FRAMES full frames from $A."""
        command = self.guest.testbab_command(
            "--forward-mode=txonly", f"--count={FRAMES}", "--msg-size=1000", "--flush-messages=1", *app,
            eal=("-l", "0-1", "-a", "$A"), report="/run/sent.json")
        run = self.guest.run(f"{environment} {command}", 60)
        self.assertEqual(run.status, 0, run)
        report = self.guest._report("/run/sent.json")
        frames = [parse(data) for data in self.a.receive(lambda got: len(got) == FRAMES, quiet=1, timeout=5)
                  if data[12:14] in (b"\x08\x00", b"\x81\x00")]
        self.assertEqual(len(frames), FRAMES, run)
        self.assertEqual([f.sequence for f in frames], list(range(1, FRAMES + 1)))
        return frames, {name: found["by"] for name, found in report["ports"][0]["offloads"].items()}

    def checksums(self, frames):
        return {f.ip_checksum for f in frames}, {f.udp_checksum for f in frames}

    def offers(self, name):
        return self.sent()[1][name] == "device"

    def test_tx_checksums(self):
        for choice, udp in (("auto", "good"), ("sw", "good"), ("off", "none")):
            with self.subTest(choice):
                frames, by = self.sent(f"--tx-checksum={choice}")
                self.assertEqual(self.checksums(frames), ({"good"}, {udp}))
                if choice != "auto":
                    self.assertNotEqual(by["tx udp checksum"], "device")
                print(f"# {self.nic_name} --tx-checksum={choice}: {by}", flush=True)

    def test_tx_checksums_of_tagged_frames(self):
        frames, _ = self.sent("--vlan=101")
        self.assertEqual(self.checksums(frames), ({"good"}, {"good"}))
        self.assertEqual({f.vlan for f in frames}, {101})

    def test_a_wrong_seed_is_noticed(self):
        """The seed that the device goes on from is right by itself; and where it is wrong, checksums on the wire are."""
        if not self.offers("tx udp checksum"):
            self.skipTest(f"{self.nic_name} computes no UDP checksums")
        self.preload()
        for seed, expected in (("ours", "good"), ("wrong", "bad")):
            frames, by = self.sent(environment=f"SEED={seed} LD_PRELOAD=/run/wrong_seed.so")
            self.assertEqual(by["tx udp checksum"], "device")
            if seed == "ours" or self.nic_name in SUMS_FROM_THE_SEED:
                self.assertEqual(self.checksums(frames), ({"good"}, {expected}), seed)
            print(f"# {self.nic_name}, seed {seed}: {self.checksums(frames)}", flush=True)

    def preload(self):
        built = os.path.join(self.directory, "wrong_seed.so")
        flags = subprocess.run(["pkg-config", "--cflags", "libdpdk"], capture_output=True, text=True, check=True)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-s", "-o", built, os.path.join(HERE, "wrong_seed.c"),
                        *flags.stdout.split(), "-ldl"], check=True)
        with open(built, "rb") as file:
            self.guest.write("/run/wrong_seed.so", file.read())

    def test_tx_vlan_by_hardware(self):
        refused = self.guest.run("testbab -l 0-1 -a $A -- --forward-mode=txonly --count=1 --vlan=101 --tx-vlan=hw")
        if self.nic_name == "virtio":
            self.assertEqual(refused.status, 2, refused)
            self.assertIn("net_virtio) inserts them in software; leave them to software", refused.stderr)
            return
        self.a.drain()
        for strip in (), ("--enable-hw-vlan-strip",):
            frames, by = self.sent("--vlan=101", "--tx-vlan=hw", *strip)
            self.assertEqual(by["tx vlan insert"], "device")
            self.assertEqual({f.vlan for f in frames}, {101})
            self.assertEqual(self.checksums(frames), ({"good"}, {"good"}))
        frames, _ = self.sent("--tx-vlan=hw")
        self.assertEqual({f.vlan for f in frames}, {None}, "no tag is asked for")

    # What the NIC receives.

    def received(self, frames, *app, mode="rxonly", session=None):
        """(report, what came back): of a run on $A to which the host sends `frames`."""
        job = self.guest.start_testbab(f"--forward-mode={mode}", "--stats-period=1", *app,
                                       eal=("-l", "0-1", "-a", "$A"))
        self.assertTrue(job.wait_until_it_says("bit/s"), job.said())
        self.a.drain()
        self.a.send(frames)
        back = self.a.receive(quiet=0.7, timeout=3) if mode == "echo" else []
        if mode != "echo":
            self.guest.must("sleep 0.5")
        job.kill()
        run = job.finish()
        self.assertEqual(run.status, 0, run)
        self.assertTrue(run.report["ledger"]["balanced"], run)
        return run.report, back

    def to_us(self, number, **headers):
        return frame(packet(SESSION, number, [b"message %d" % number]), **{"dst_mac": nics.mac(0), **headers})

    def drops(self, report):
        return {reason: n for reason, n in report["drops"].items() if n}

    def test_bad_checksums_are_counted(self):
        frames = ([self.to_us(n) for n in range(1, 6)] + [self.to_us(n, ip_checksum=0x1234) for n in range(6, 9)] +
                  [self.to_us(n, udp_checksum=0x1234) for n in range(9, 13)] + [self.to_us(13, udp_checksum=0)])
        for choice in "auto", "sw", "off":
            with self.subTest(choice):
                report, _ = self.received(frames, f"--rx-checksum={choice}")
                dropped = {} if choice == "off" else {"bad_ip_checksum": 3, "bad_udp_checksum": 4}
                self.assertEqual(self.drops(report), dropped)
                self.assertEqual(report["bus"]["messages_in"], len(frames) - sum(dropped.values()))

    def test_tags_that_come(self):
        """Echoes go back with the tag, whoever took it out and whoever puts it in; two are one too many."""
        plain, tagged = [self.to_us(n) for n in range(1, 4)], [self.to_us(n, vlan=TAG) for n in range(4, 9)]
        twice = [self.to_us(9, vlan=(101, 102))]
        hardware = () if self.nic_name == "virtio" else ("--tx-vlan=hw",)
        for app in (), ("--enable-hw-vlan-strip",), ("--enable-hw-vlan-strip", *hardware):
            with self.subTest(" ".join(app)):
                report, back = self.received(plain + tagged + twice, *app, mode="echo")
                self.assertEqual(self.drops(report), {"not_ip": 1})
                answers = [parse(data) for data in back]
                self.assertEqual(sorted(n for f in answers for n in [f.vlan or 0] * f.count), [0] * 3 + [101] * 5, back)
                self.assertEqual(self.checksums(answers), ({"good"}, {"good"}))

    def test_promiscuous_off(self):
        ours, others = [self.to_us(n) for n in range(1, 6)], [self.to_us(n, dst_mac=OTHER_MAC) for n in range(6, 13)]
        everybody = [self.to_us(n, dst_mac="ff:ff:ff:ff:ff:ff") for n in (13, 14)]
        group = [self.to_us(n, **GROUP) for n in (15, 16, 17)]
        tagged = [self.to_us(n, vlan=TAG) for n in (18, 19)]
        every = ours + others + everybody + group + tagged
        report, _ = self.received(every)
        self.assertEqual(report["bus"]["messages_in"], len(every), "promiscuous as ever")
        report, _ = self.received(every, "--promisc=off")
        self.assertEqual(report["bus"]["messages_in"], len(ours + everybody + tagged), report["ports"])

    def test_more_queues_than_it_has(self):
        run = self.guest.run("testbab -l 0-1 -a $A -- --forward-mode=rxonly --rxq=99 --duration=1")
        self.assertEqual(run.status, 2, run)
        print(f"# {self.nic_name}: {run.stderr.strip()}", flush=True)
        self.assertRegex(run.stderr, "99 RX .* asked for, it has [0-9]+")


class E1000e(Offloads, unittest.TestCase):
    nic_name = "e1000e"


class E1000(Offloads, unittest.TestCase):
    nic_name = "e1000"


class Vmxnet3(Offloads, unittest.TestCase):
    nic_name = "vmxnet3"


class Virtio(Offloads, unittest.TestCase):
    nic_name = "virtio"


if __name__ == "__main__":
    tap.main()
