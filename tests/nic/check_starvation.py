"""A receiver that gets nothing, though frames come, says so while it runs. Its mend works."""

import time

import nics
from moldudp64 import frame, packet
from nic_case import HOST

SAID = "has received nothing for a second"
HELD = 700  # buffers: more than a pool has beyond those of its driver


class Starvation:
    def receiver(self, environment, *app):
        """A receiver that runs, for frames of the host, and the path of its report."""
        self.host.drain()
        report = "/run/starved.json"
        command = self.guest.testbab_command("--forward-mode=rxonly", "--stats-period=1", *app, eal=HOST, report=report)
        job = self.guest.start(f"env {environment} LD_PRELOAD={self.preload('starve')} {command}")
        job.report = report
        self.assertTrue(job.wait_until_it_says("bit/s"), job.said())
        return job

    def send(self, frames, pause=0):
        """As many as the NIC takes: some NICs leave frames with the sender if they have no descriptor."""
        self.addCleanup(self.run_on, HOST, "--forward-mode=null", "--duration=0.5")  # empties the cable
        message = bytes(100)
        try:
            for n in range(frames):
                self.host.send([frame(packet("STARVED", n + 1, [message]), dst_mac=nics.mac(2))], timeout=1)
                time.sleep(pause)
        except TimeoutError:
            pass

    def said(self, job):
        """Its sentences, which must have come before the end, and the report of the run, which ends now."""
        self.assertTrue(job.wait_until_it_says(SAID), job.said())
        job.kill()
        run = job.finish()
        notes = [note for note in run.report["notes"] if SAID in note]
        for note in notes:
            self.assertEqual(run.stdout.count(f"note: {note}"), 1, run)
        return notes, run

    def assert_missed(self, note, run, free):
        self.assertRegex(note, r"^port 0 .* its NIC missed \d+ frames for lack of descriptors \(rx_missed\): "
                               rf"pool rx_0 has {free} of \d+ buffers free; raise --total-num-mbufs if there are none, "
                               r"else see why no lcore takes its frames \(show bus lcores\)$", run)
        self.assertGreater(run.report["drops"]["rx_missed"], 0, run)

    def test_no_buffer_is_left(self):
        job = self.receiver(f"HOLD={HELD}")
        self.send(600)  # more than a ring holds: what the driver has buffers for it may still give
        notes, run = self.said(job)
        note, = notes
        if self.nic == "vmxnet3":  # its driver tells nobody; the NIC counts what it misses then
            self.assert_missed(note, run, "0")
        else:
            self.assertRegex(note, r"^port 0 .* its driver found no buffer for \d+ frames \(rx_nombuf\): "
                                   r"pool rx_0 has 0 of \d+ buffers free; raise --total-num-mbufs, or lower "
                                   r"--rxd$", run)
            self.assertGreater(run.report["drops"]["rx_nombuf"], 0, run)
        self.assertEqual(run.status, 1, run)

    def test_more_buffers_mend_it(self):
        job = self.receiver(f"HOLD={HELD}", "--total-num-mbufs=4000")
        self.send(600, pause=0.001)
        self.guest.must("sleep 1.5")
        job.kill()
        run = job.finish()
        self.assert_good(run)
        self.assertNotIn(SAID, run.stdout)
        self.assertEqual(run.report["bus"]["messages_in"], 600, run)

    def test_no_lcore_takes_its_frames(self):
        job = self.receiver("TAKE=nothing")
        self.send(1500)
        if self.device.holds_back:  # frames without a descriptor stay with the sender: nothing is missed
            self.guest.must("sleep 1.5")
            job.kill()
            run = job.finish()
            self.assertNotIn(SAID, run.stdout, run)
            self.assertEqual(self.drops(run.report), {}, run)
            return
        notes, run = self.said(job)
        note, = notes
        self.assert_missed(note, run, r"[1-9]\d*")
        self.assertEqual(run.status, 1, run)
