"""Check 4: VLAN tags by the NIC and by software, both ways; with promiscuous mode off only our MAC arrives."""

import moldudp64
import nics
from captures import Stream, small_messages
from nic_case import HOST

TAG = 3 << 13 | 101
OTHER = "52:54:00:00:00:77"


class Vlan:
    def receive_from_host(self, frames, wanted, *app):
        """Sends frames to testbab until `wanted` messages are there or it is sure that no more come; its bus's figures."""
        prompt = self.prompt(HOST, "--forward-mode=rxonly", *app)
        prompt.say("start")
        self.assertTrue(prompt.ask("show port info 0 json")[0]["link_up"])
        self.host.send(frames)
        self.wait_for_frames(prompt, wanted)
        prompt.say("stop")
        ledger = prompt.ask("show bus ledger json")
        self.assert_script_good(prompt.finish())
        return ledger

    def good_frames(self, ledger):
        self.assertEqual({reason: n for reason, n in ledger["drops"].items() if n}, {})
        return next(term for term in ledger["terms"] if term["name"] == "frames received")["out"]["good"]

    def test_tags_sent(self):
        for mode in "hw", "sw":
            with self.subTest(mode=mode):
                if mode == "hw" and not self.device.inserts_tags:
                    run = self.run_on(HOST, "--forward-mode=txonly", "--count=1", "--vlan=101", "--tx-vlan=hw")
                    self.assert_refused(run, "tx-vlan", "sw|auto")
                    continue
                run, frames = self.frames_on_the_wire("--vlan=101", f"--tx-vlan={mode}", messages=1000)
                self.assert_good(run)
                parsed = [moldudp64.parse(frame) for frame in frames]
                self.assertEqual({one.vlan for one in parsed}, {101})
                self.assertEqual({(one.ip_checksum, one.udp_checksum) for one in parsed}, {("good", "good")})
                self.assertEqual(sum(one.count for one in parsed), 1000)

    def test_tags_received(self):
        stream = Stream("TAGS", vlan=TAG)
        frames = [stream.frame([message]) for message in small_messages(60, 40, 1400, 11)]
        for app in (), ("--enable-hw-vlan-strip",):
            with self.subTest(app=app):
                if app and not self.device.strips_tags:
                    continue
                self.assertEqual(self.good_frames(self.receive_from_host(frames, len(frames), *app)), len(frames))

    def test_not_promiscuous(self):
        """Frames to another's MAC among ours: with promiscuous mode all arrive, without it only ours."""
        ours = nics.mac(2)
        stream = Stream("MACS")
        frames = [stream.frame([message], dst_mac=OTHER if number % 2 else ours)
                  for number, message in enumerate(small_messages(60, 40, 300, 12))]
        for mode, arrive in ("on", 60), ("off", 30):
            with self.subTest(promisc=mode):
                ledger = self.receive_from_host(frames, arrive, f"--promisc={mode}")
                self.assertEqual(self.good_frames(ledger), arrive)
