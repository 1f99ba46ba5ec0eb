#!/usr/bin/python3
"""Two testbab processes and a net_memif between them: jumbo frames through shared memory, both directions."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
from memif import MemifCase


class Memif(MemifCase):
    def exchange(self, sender, receiver, *app):
        jobs = {sender: ("--forward-mode=txonly", "--count=200000"), receiver: ("--forward-mode=rxonly",
                                                                              "--idle-exit-ms=1500")}
        runs = self.run_pair(jobs["server"], jobs["client"], *app)
        for run in runs.values():
            self.assert_good(run)
        sent, received = runs[sender].report, runs[receiver].report
        self.assertEqual((sent["bus"]["messages_out"], received["bus"]["messages_in"]), (200000, 200000))
        self.assertEqual(sent["ports"][0]["tx_bytes"], received["ports"][0]["rx_bytes"])
        self.assertEqual((received["bus"]["missing"], received["bus"]["duplicates"]), (0, 0))

    def test_jumbo_frames_from_client_to_server(self):
        self.exchange("client", "server", "--mtu=9000")

    def test_jumbo_frames_from_server_to_client(self):
        self.exchange("server", "client", "--mtu=9000")

    def test_small_frames(self):
        self.exchange("client", "server", "--mtu=1500", "--msg-size=8-60")

    def test_frames_larger_than_a_slot(self):
        run = self.run_testbab("--forward-mode=txonly", "--mtu=9000", vdevs=[self.vdev("client", bsize=2048)])
        self.assert_refused(run, "9018", "2048", "bsize=9216", r"lower the MTU \(--mtu\)$")

    def test_both_ends_in_one_process(self):
        """Neither has a link before both are started."""
        run = self.run_testbab("--forward-mode=loop", "--count=100000", "--mtu=9000",
                               vdevs=[self.vdev("server"), self.vdev("client").replace("net_memif0", "net_memif1")])
        self.assert_good(run)
        self.assertEqual((run.report["bus"]["messages_in"], run.report["bus"]["lost"]), (100000, 0), run)

    def test_a_client_without_a_server(self):
        run = self.run_testbab("--forward-mode=txonly", vdevs=[self.vdev("client")])
        self.assert_refused(run, "net_memif", "role=server")


if __name__ == "__main__":
    tap.main()
