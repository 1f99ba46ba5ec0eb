"""Check 1: the NIC is found, its link comes up, it takes every MTU that it should, and every frame of it arrives."""

import nics
from nic_case import PAIR

FRAMES = 500
ONE_MESSAGE = 20 + 8 + 20 + 2  # headers of a frame that is one message: IP, UDP, MoldUDP64, its length


def judge_ports(case, ports, mtu):
    """The ports of PAIR, from `show port info`."""
    case.assertEqual(len(ports), 2)
    for number, port in enumerate(ports):
        case.assertEqual((port["driver"], port["name"]), (case.device.driver, case.guest.addresses[number]))
        case.assertEqual(port["mac"].lower(), nics.mac(number))
        case.assertEqual((port["link_up"], port["started"], port["mtu"]), (True, True, mtu))
        by = {name: offload["by"] for name, offload in port["offloads"].items() if "checksum" in name}
        case.assertEqual(by, {f"{way} {of} checksum": "device" if of in case.device.checksums else "software"
                              for way in ("tx", "rx") for of in ("ipv4", "udp")})


class Probe:
    def test_probe(self):
        run, (info,) = self.script(PAIR, ["show port info all json"])
        self.assert_script_good(run)
        judge_ports(self, info["ports"], 1500)


class Mtus:
    """Every MTU, with frames that fill it."""

    def test_mtu_from_68_to_the_largest(self):
        mtus = sorted({68, 576, 1500, 9000, self.device.largest_mtu} if self.long else {68, self.device.largest_mtu})
        commands = []
        for mtu in mtus:
            if mtu != mtus[0]:  # which is the first start's
                commands += [f"port config mtu 0 {mtu}", f"port config mtu 1 {mtu}"]
            commands += ["show port info all json", f"set msgsizes {mtu - ONE_MESSAGE}", "start", "wait",
                         "show bus ledger json"]
        run, answers = self.script(PAIR, commands, f"--mtu={mtus[0]}", "--msg-size=16", f"--count={FRAMES}",
                                   f"--rate={2 * FRAMES}", timeout=120)
        self.assert_script_good(run)
        self.assertEqual(len(answers), 2 * len(mtus), run)
        for mtu, info, ledger in zip(mtus, answers[::2], answers[1::2]):
            with self.subTest(mtu=mtu):
                self.assertEqual([port["mtu"] for port in info["ports"]], [mtu, mtu])
                self.assertEqual({reason: n for reason, n in ledger["drops"].items() if n}, {})
                sent = next(term for term in ledger["terms"] if term["name"] == "messages sent")
                self.assertEqual((sent["in"], sent["out"]["received"]), (FRAMES, FRAMES))
                written = next(term for term in ledger["terms"] if term["name"] == "frames written")
                self.assertEqual(written["in"], FRAMES, "a message is a frame, and fills it")


class TooLarge:
    def test_one_more_than_the_largest_mtu(self):
        """A wrong MTU is refused with a sentence that says what is allowed; that MTU then works."""
        run = self.run_on(PAIR, f"--mtu={self.device.largest_mtu + 1}", "--count=1")
        self.assert_refused(run, str(self.device.largest_mtu + 1), rf"\b{self.device.largest_mtu}\b")
