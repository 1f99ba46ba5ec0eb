"""Checks 3 and 4: the checksum seed behind the driver's back, VLAN tags by hardware and software, promiscuous mode."""

import nics
from moldudp64 import frame, packet, parse
from nic_case import HOST

FRAMES = 20
OTHER_MAC = "52:54:00:00:99:99"  # nobody's
EVERYBODY = "ff:ff:ff:ff:ff:ff"
TAG = 3 << 13 | 101  # priority 3
# QEMU's other NICs ignore the seed and compute the pseudo header's sum themselves.
SUMS_FROM_THE_SEED = ("e1000",)
INSERTS_IN_SOFTWARE = ("virtio",)


def is_ipv4(data):
    return data[12:14] in (b"\x08\x00", b"\x81\x00")


class OnTheWire:
    """Frames from a NIC to the host, and from the host to the NIC."""

    def sent(self, *app, environment=""):
        """(frames, the report's offloads) of a run that sends FRAMES frames."""
        self.host.drain()
        report = "/run/sent.json"
        command = self.guest.testbab_command("--forward-mode=txonly", f"--count={FRAMES}", "--msg-size=1000",
                                             "--flush-messages=1", *app, eal=HOST, report=report)
        job = self.guest.start(f"env {environment} {command}" if environment else command)
        job.report = report
        # While it runs: a cable keeps few frames, and the NIC's next reset drops those that it couldn't pass on.
        got = self.host.receive(lambda got: sum(map(is_ipv4, got)) == FRAMES, quiet=20, timeout=30)
        run = job.finish()
        self.assert_good(run)
        frames = [parse(data) for data in got if is_ipv4(data)]
        self.assertEqual([f.sequence for f in frames], list(range(1, FRAMES + 1)), run)
        return frames, {name: found["by"] for name, found in run.report["ports"][0]["offloads"].items()}

    def checksums(self, frames):
        return {f.ip_checksum for f in frames}, {f.udp_checksum for f in frames}

    def received(self, frames, *app, mode="rxonly"):
        """(report, frames that came back) of a run to which the host sends `frames`."""
        job = self.guest.start_testbab(f"--forward-mode={mode}", "--stats-period=1", *app, eal=HOST)
        self.assertTrue(job.wait_until_it_says("bit/s"), job.said())
        self.host.drain()
        self.host.send(frames)
        back = self.host.receive(quiet=0.7, timeout=3) if mode == "echo" else []
        if mode != "echo":
            self.guest.must("sleep 0.5")
        job.kill()
        run = job.finish()
        self.assert_ended(run, 0)
        return run.report, back

    def to_us(self, number, **headers):
        return frame(packet("OFFLOADS", number, [b"message %d" % number]), **{"dst_mac": nics.mac(2), **headers})


class Seed(OnTheWire):
    def test_the_seed_is_right_by_itself_and_a_wrong_one_is_noticed(self):
        """The negative control: if the device gets a wrong seed, checksums on the wire are wrong."""
        if self.sent()[1]["tx udp checksum"] != "device":
            self.skipTest(f"{self.nic} computes no UDP checksums")
        library = self.preload("wrong_seed")
        for seed, expected in (("ours", "good"), ("wrong", "bad")):
            with self.subTest(seed=seed):
                frames, by = self.sent(environment=f"SEED={seed} LD_PRELOAD={library}")
                self.assertEqual(by["tx udp checksum"], "device")
                if seed == "ours" or self.nic in SUMS_FROM_THE_SEED:
                    self.assertEqual(self.checksums(frames), ({"good"}, {expected}))


class Vlan(OnTheWire):
    def test_tags_sent_by_software(self):
        for checksum, udp in ("auto", "good"), ("off", "none"):
            with self.subTest(checksum=checksum):
                frames, by = self.sent("--vlan=101", f"--tx-checksum={checksum}")
                self.assertEqual(by["tx vlan insert"], "software")
                self.assertEqual({f.vlan for f in frames}, {101})
                self.assertEqual(self.checksums(frames), ({"good"}, {udp}))

    def test_tags_sent_by_hardware(self):
        if self.nic in INSERTS_IN_SOFTWARE:
            run = self.run_on(HOST, "--forward-mode=txonly", "--count=1", "--vlan=101", "--tx-vlan=hw")
            self.assertEqual(run.status, 2, run)
            self.assertIn(f"({self.device.driver}) inserts them in software; leave them to software", run.stderr)
            return
        for app, tag in (("--vlan=101",), 101), (("--vlan=101", "--enable-hw-vlan-strip"), 101), ((), None):
            with self.subTest(" ".join(app)):
                frames, by = self.sent("--tx-vlan=hw", *app)
                self.assertEqual(by["tx vlan insert"], "device")
                self.assertEqual({f.vlan for f in frames}, {tag})
                self.assertEqual(self.checksums(frames), ({"good"}, {"good"}))

    def test_tags_received(self):
        """Echoes go back with the tag, whether device or software takes it out and puts it in. Two tags are refused."""
        untagged, tagged = [self.to_us(n) for n in (1, 2, 3)], [self.to_us(n, vlan=TAG) for n in (4, 5, 6, 7)]
        twice = [self.to_us(8, vlan=(101, 102))]
        hardware = () if self.nic in INSERTS_IN_SOFTWARE else ("--tx-vlan=hw",)
        for app in (), ("--enable-hw-vlan-strip",), ("--enable-hw-vlan-strip", *hardware):
            with self.subTest(" ".join(app)):
                report, back = self.received(untagged + tagged + twice, *app, mode="echo")
                self.assertEqual(self.drops(report), {"not_ip": 1})
                answers = [parse(data) for data in back]
                tags = sorted(f.vlan or 0 for f in answers for _ in range(f.count))
                self.assertEqual(tags, [0] * len(untagged) + [101] * len(tagged))
                self.assertEqual(self.checksums(answers), ({"good"}, {"good"}))


class Addresses(OnTheWire):
    def test_not_promiscuous(self):
        """Frames to us and to everybody arrive, frames to others don't. Nor do those of groups that nobody joined."""
        ours, others = [self.to_us(n) for n in range(1, 6)], [self.to_us(n, dst_mac=OTHER_MAC) for n in range(6, 13)]
        everybody = [self.to_us(n, dst_mac=EVERYBODY) for n in (13, 14)]
        group = [self.to_us(15, dst_mac="01:00:5e:01:02:03", dst_ip="239.1.2.3")]
        tagged = [self.to_us(n, vlan=TAG) for n in (16, 17)]
        every = ours + others + everybody + group + tagged
        wanted = ours + everybody + ([] if self.nic == "virtio" else tagged)  # a virtio device then drops tagged frames
        for mode, arrive in ("on", every), ("off", wanted):
            with self.subTest(promisc=mode):
                report, _ = self.received(every, f"--promisc={mode}")
                self.assertEqual(report["bus"]["messages_in"], len(arrive), report["ports"])

    def test_more_queues_than_there_are(self):
        run = self.run_on(HOST, "--forward-mode=rxonly", "--rxq=99", "--duration=1")
        self.assertEqual(run.status, 2, run)
        # The driver says two even of e1000, as of the other NICs of its family.
        self.assertRegex(run.stderr, r"99 RX and 1 TX queues asked for, it has \d+ and \d+( \([^)]*\))?; "
                                     r"ask for fewer \(--rxq, --txq\)")
