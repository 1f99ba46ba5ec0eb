"""Check 2: relay of a capture that the host injects; its own parser and tshark take apart what comes out."""

import os

import captures
import moldudp64
import pcapfile
import testbab
import tshark
from nic_case import HOST, moldudp64_messages

NASDAQ = os.path.join(testbab.SHARED_DATA, "nasdaq-totalview.pcap")  # real, and not the project's to ship


class Relay:
    def relay_on_the_wire(self, frames, mtu, *app):
        """Gives the run's ledger and the frames that came out."""
        messages = sum(moldudp64.parse(frame).count for frame in frames)
        prompt = self.prompt(HOST, "--forward-mode=relay", f"--mtu={mtu}", *app)
        prompt.say("start")
        self.assertTrue(prompt.ask("show port info 0 json")["ports"][0]["link_up"])
        self.host.drain()
        self.host.send(frames)
        out = self.host.receive(moldudp64_messages(messages), quiet=5, timeout=60)
        prompt.say("stop")
        ledger = prompt.ask("show bus ledger json")
        self.assert_script_good(prompt.finish())
        self.assertIs(ledger["balanced"], True)
        self.assertEqual({reason: n for reason, n in ledger["drops"].items() if n}, {})
        return out

    def judge(self, frames, mtu, *app):
        out = self.relay_on_the_wire(frames, mtu, *app)
        wanted = [message for frame in frames for message in moldudp64.parse(frame).messages]
        parsed = self.assert_stream(out, wanted, mtu)
        if not tshark.ABSENT:
            pcapfile.write(self.path("out.pcap"), out)
            self.assert_tshark_agrees(parsed)
        return parsed

    def test_relay_of_many_small_frames(self):
        frames = captures.frames(captures.many_small())
        for mtu in 1500, 9000:
            with self.subTest(mtu=mtu):
                self.assertLess(len(self.judge(frames, mtu)), len(frames))

    def test_relay_of_a_day_at_nasdaq(self):
        if not os.path.exists(NASDAQ):
            self.skipTest("no real capture here: BAB_SHARED_DATA names no folder with nasdaq-totalview.pcap")
        self.judge(pcapfile.read(NASDAQ), 9000, "--rx-checksum=off")
