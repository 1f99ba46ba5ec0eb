"""A NIC that sends slower than it is given frames, and a second queue that it doesn't have."""

import threading
import time

from nic_case import HOST

FRAMES = 20  # more than the queue of a unix datagram socket holds, fewer than any NIC's
EACH = 0.03  # seconds: fast enough that a stop waits
EACH_HAS = 3  # messages
SEND = ("--forward-mode=txonly", f"--count={FRAMES * EACH_HAS}", f"--flush-messages={EACH_HAS}", "--msg-size=32")


class SlowWire:
    def frames_sent(self, run):
        term, = [term for term in run.report["ledger"]["terms"] if "given to the driver" in term["name"]]
        self.assertEqual(term["in"], FRAMES, run)
        self.assertTrue(run.report["ledger"]["balanced"], run)
        return term["out"]["sent"]

    def assert_messages_sent(self, report, sent):
        """Messages in frames that were not sent don't count as sent, and are in the ledger once."""
        bus, gone = report["bus"], FRAMES - sent
        self.assertEqual([bus["messages_out"], bus["bytes_out"], bus["frames_out"]],
                         [sent * EACH_HAS, sent * EACH_HAS * 32, sent], report)
        term, = [term for term in report["ledger"]["terms"] if term["name"] == "messages generated"]
        self.assertEqual(term["out"]["sent"], sent * EACH_HAS, report)
        self.assertEqual(term["out"].get("tx_unsent", 0), gone * EACH_HAS, report)
        self.assertEqual(term["out"].get("held by the NIC", 0), 0, report)

    def test_frames_that_leave_slowly_are_waited_for(self):
        self.host.drain()
        came = []

        def read():
            frames = self.host.receive(lambda now: len(now) == 1, timeout=60)
            while frames and len(came) + len(frames) < FRAMES:
                came.extend(frames)
                time.sleep(EACH)
                frames = self.host.receive(lambda now: len(now) == 1, timeout=5)
            came.extend(frames)

        reader = threading.Thread(target=read)
        reader.start()
        run = self.run_on(HOST, *SEND)
        reader.join()
        self.assert_good(run)
        self.assertEqual((self.frames_sent(run), len(came)), (FRAMES, FRAMES), run)
        self.assert_messages_sent(run.report, FRAMES)

    def test_frames_that_do_not_leave_are_not_sent(self):
        """QEMU's other NICs hand frames to a queue of QEMU's: they count as sent, and come when somebody reads."""
        self.host.drain()
        run = self.run_on(HOST, *SEND)
        sent = self.frames_sent(run)
        came = len(self.host.receive(lambda now: len(now) == FRAMES, timeout=5))
        self.assertEqual(came, sent, run)
        self.assertEqual(run.report["drops"]["tx_unsent"], FRAMES - sent, run)
        self.assert_messages_sent(run.report, sent)
        self.assertEqual(run.status, 0 if sent == FRAMES else 1, run)
        if self.nic == "virtio":
            self.assertLess(sent, FRAMES, "its ring is where they wait")
            self.assertIn("still waited in its transmit queues", run.stdout)

    def test_they_may_go_until_the_port_is_stopped(self):
        self.host.drain()
        prompt = self.prompt(HOST, *SEND)
        prompt.say("start\nwait")  # in one piece: a run may be over before a second one comes
        ledger = prompt.ask("show bus ledger json", 60)
        out = {term["name"]: term["out"] for term in ledger["terms"]}
        held = out["port 0: frames given to the driver"].get("held by the NIC", 0)
        self.assertTrue(ledger["balanced"], ledger)
        self.assertEqual(out["messages generated"].get("held by the NIC", 0), held * EACH_HAS, ledger)
        self.assertEqual(held > 0, self.nic == "virtio", ledger)
        self.assertEqual(len(self.host.receive(lambda now: len(now) == FRAMES)), FRAMES)
        self.assertEqual(prompt.finish().status, 0)


class SecondQueue:
    def test_second_queue_carries_or_is_refused(self):
        """The driver of e1000e and e1000 says two for both."""
        run = self.pair("--rxq=2", "--txq=2", "--count=2000", "--rate=4k")
        if self.nic in ("e1000e", "vmxnet3"):
            self.assert_nothing_lost(run, 2000)
        else:
            self.assertEqual(run.status, 2, run)
            self.assertRegex(run.stderr, "2 RX and 2 TX queues asked for, it has 1 and 1.*ask for fewer")
            if self.nic == "e1000":
                self.assertIn("its driver says 2 and 2, but this NIC doesn't have them", run.stderr)
