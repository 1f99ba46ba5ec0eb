#!/usr/bin/python3
"""A sender in one guest and a receiver in another, a cable between them."""

import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import images
import nics
import tap
import wire
from guest import Guest
from nic_case import Prompt, made_images
from smoke_case import SmokeCase

ONE = ("-l", "0-1", "-a", "$A")


class TwoGuests(SmokeCase):
    def test_sender_and_receiver(self):
        made = made_images()
        wires = tempfile.mkdtemp(prefix="bab-nic-")
        self.addCleanup(shutil.rmtree, wires)
        for name, nic in nics.NICS.items():
            with self.subTest(nic=name):
                sending, receiving = wire.crossed(wires, name)
                logs = os.path.join(images.LAB, "logs")
                with Guest(f"{name}_receiver", made, nic, [receiving], logs=logs) as receiver, \
                        Guest(f"{name}_sender", made, nic, [sending], logs=logs) as sender:
                    self.judge(sender, receiver)

    def judge(self, sender, receiver):
        """No lcore shares a clock, a pool or a ring with the other end. The cable gives no way to a slow receiver."""
        count = 100_000
        prompt = Prompt(receiver, ONE, "--forward-mode=rxonly", "--mtu=9000")
        prompt.say("start")
        self.assertTrue(prompt.ask("show port info 0 json")["ports"][0]["link_up"])
        sent = sender.testbab("--forward-mode=txonly", "--mtu=9000", "--rate=20k", f"--count={count}", eal=ONE)
        self.assert_good(sent)
        self.assertEqual(sent.report["bus"]["messages_out"], count)
        for _ in range(100):
            if prompt.ask("show port stats 0 json")["ports"][0]["rx_frames"] >= sent.report["bus"]["frames_out"]:
                break
        prompt.say("stop")
        ledger = prompt.ask("show bus ledger json")
        stats = prompt.ask("show bus stats json")
        run = prompt.finish()
        self.assertEqual(run.status, 0, run)
        self.assertIs(ledger["balanced"], True)
        self.assertEqual({reason: n for reason, n in ledger["drops"].items() if n}, {})
        self.assertEqual((stats["messages_in"], stats["lost"], stats["corrupt"]), (count, 0, 0), stats)


if __name__ == "__main__":
    tap.main()
