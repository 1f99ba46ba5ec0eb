"""Links that go down and come up, sent buffers that come back, a NIC that is pulled out."""

import os
import struct

import pcapfile
from moldudp64 import frame, packet
from nic_case import HOST, PAIR

DOWN, UP = "link down", "link up"
SLOW = ("--rate=60", "--max-delay-us=0")  # messages/s, one in a frame: few enough for a ring that nobody empties
ENDS_WITHIN = 40  # seconds, under TCG beside others


def changes(report, port=0):
    return [event["what"] for event in report["events"] if event["port"] == port]


def dropped(report):
    return {reason: n for reason, n in report["drops"].items() if n}


def terms(report, name):
    return [term for term in report["ledger"]["terms"] if term["name"] == name]


class Links:
    def plug_in(self):
        for number in 0, 1:
            self.guest.monitor.link(number, True)

    def started(self, *app):
        self.addCleanup(self.plug_in)
        job = self.guest.start_testbab("--stats-period=1", *app, eal=PAIR)
        self.assertTrue(job.wait_until_it_says("msg/s", 60), job.said())
        return job

    def pull(self, job, up=False):
        self.guest.monitor.link(0, up)
        self.assertTrue(job.wait_until_it_says(f"port 0: link {'up' if up else 'down'}", 10), job.said())

    def test_link_goes_and_comes_in_a_loop(self):
        job = self.started("--rate=2k", "--duration=100")
        self.pull(job)
        self.pull(job, up=True)
        self.guest.run("sleep 1")
        job.kill("INT")
        run = job.finish(ENDS_WITHIN)
        report = run.report
        self.assertEqual(changes(report), [DOWN, UP], run)
        self.assertTrue(report["ledger"]["balanced"], run)
        self.assertEqual(dropped(report), {}, run)
        self.assertEqual([pool for pool in report["pools"] if pool["leaked"]], [], run)
        # Only frames that were sent before the link was known to be down can be missing. They are reported as lost.
        doubtful = report["events"][0]["doubtful_frames"]
        self.assertLessEqual(report["bus"]["gaps"], 1, run)
        self.assertLessEqual(terms(report, "frames written")[0]["out"]["sent"] - report["bus"]["frames_in"], doubtful,
                             run)
        self.assertEqual(run.status, 1 if report["bus"]["lost"] else 0, run)

    def test_what_waits_for_a_dead_link_is_dropped_once_at_the_stop(self):
        job = self.started("--forward-mode=txonly", *SLOW)
        self.pull(job)
        self.guest.run("sleep 1")
        job.kill("INT")
        run = job.finish(ENDS_WITHIN)
        self.assertEqual(run.status, 1, run)
        report = run.report
        self.assertEqual(changes(report), [DOWN], run)
        self.assertTrue(report["ledger"]["balanced"], run)
        self.assertEqual(list(dropped(report)), ["tx_full"], run)
        self.assertGreater(report["drops"]["tx_full"], 0, run)
        frames = terms(report, "frames written")
        self.assertEqual(sum(term["out"]["tx_full"] for term in frames), report["drops"]["tx_full"], run)
        given = sum(term["in"] for term in report["ledger"]["terms"] if "given to the driver" in term["name"])
        self.assertEqual(sum(term["out"]["sent"] for term in frames), given, run)
        self.assertEqual([pool for pool in report["pools"] if pool["leaked"]], [], run)

    def test_start_waits_for_the_link_and_says_so(self):
        self.addCleanup(self.plug_in)
        self.guest.monitor.link(0, False)
        job = self.guest.start_testbab("--count=500", "--rate=2k", eal=PAIR)
        self.assertTrue(job.wait_until_it_says("waiting for its link", 60), job.said())
        self.guest.monitor.link(0, True)
        run = job.finish(ENDS_WITHIN)
        self.assert_nothing_lost(run, 500)

    def test_link_at_the_prompt(self):
        self.addCleanup(self.plug_in)
        prompt = self.prompt(PAIR, "--rate=2k", "--count=500")
        info, = prompt.ask("show port info 0 json", 60)["ports"]
        self.assertEqual((info["link_up"], info["link_changes"], info["last_link_change"]), (True, 0, None))
        self.guest.monitor.link(0, False)
        self.assertTrue(prompt.wait_until_it_says("port 0 .*: link down", 10), prompt.said())
        info, = prompt.ask("show port info 0 json")["ports"]
        self.assertEqual((info["link_up"], info["link_changes"], info["last_link_change"]["what"]), (False, 1, DOWN))
        self.guest.monitor.link(0, True)
        self.assertTrue(prompt.wait_until_it_says("port 0 .*: link up", 10), prompt.said())
        prompt.say("start\nwait")  # in one piece: the run may be over before a second line comes
        ledger = prompt.ask("show bus ledger json", 60)
        self.assertTrue(ledger["balanced"], ledger)
        run = prompt.finish()
        self.assertEqual(run.status, 0, run)


BURST = 64


def pools_by_name(answer):
    return {pool["name"]: pool for pool in answer["pools"]}


class SentBuffers:
    """A burst, and then nothing for a long time."""

    def test_sent_buffers_come_back_or_are_said_to_stay(self):
        frames = [frame(packet("BURST", number + 1, [struct.pack("!I", number) * 350])) for number in range(BURST + 1)]
        path = os.path.join(self.wires, "burst.pcap")
        pcapfile.write(path, frames, seconds=[0] * BURST + [500])
        with open(path, "rb") as file:
            self.guest.write("/run/burst.pcap", file.read())
        prompt = self.prompt(HOST, "--forward-mode=replay", "--replay=/run/burst.pcap")
        self.host.drain()
        prompt.say("start")
        self.assertEqual(len(self.host.receive(lambda came: len(came) >= BURST)), BURST)
        prompt.say("wait 1")
        pools = pools_by_name(prompt.ask("show bus pools json", 60))
        info, = prompt.ask("show port info 0 json")["ports"]
        prompt.say("stop", "port stop all")
        after = pools_by_name(prompt.ask("show bus pools json"))
        prompt.finish()
        in_use = pools["tx_0"]["in_use"]
        if info["tx_kept_buffers"]:
            self.assertGreaterEqual(in_use, BURST // 2, "those of the burst stay with the NIC")
            self.assertLessEqual(in_use, info["tx_kept_buffers"] + 2)
        else:
            self.assertLessEqual(in_use, 2, "a frame that is open, and a buffer set aside")
        self.assertEqual(after["tx_0"]["in_use"], 0, "back at the stop")


class Unplugged:
    """The last case in its guest: cases run in the order of their names."""

    def test_zz_nic_is_pulled_out_of_a_loop(self):
        job = self.guest.start_testbab("--stats-period=1", "--rate=2k", eal=PAIR)
        self.assertTrue(job.wait_until_it_says("msg/s", 60), job.said())
        self.guest.monitor.unplug(0)
        run = job.finish(90)
        self.assertEqual(run.status, 1, run)
        self.assertIn("removed", changes(run.report), run)
        self.assertIn("was removed", run.stdout, run)
        self.assertTrue(run.report["ledger"]["balanced"], run)
        self.assertEqual([pool for pool in run.report["pools"] if pool["leaked"]], [], run)
        self.guest.run("sleep 2")
        self.assertEqual(self.guest.run("[ -e /sys/bus/pci/devices/$A ]").status, 1, "the kernel let it go")
