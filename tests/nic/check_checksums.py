"""Check 3: checksums on the wire, made by device or software, and the receiver's judgement of checksums."""

import moldudp64
import pcapfile
import tshark
from captures import Stream, small_messages
from nic_case import HOST, moldudp64_messages

MODES = {"auto": "good", "hw": "good", "sw": "good", "off": "none"}
UDP_CHECKSUM = 14 + 20 + 6  # where it is in a frame without a tag
BAD_FRAMES = 25


def with_a_wrong_seed(frame):
    """As a NIC sends it when the pseudo header's sum, which the driver is given, was made without the UDP length."""
    wrong = bytearray(frame)
    made = int.from_bytes(frame[UDP_CHECKSUM:UDP_CHECKSUM + 2], "big")
    length = int.from_bytes(frame[UDP_CHECKSUM - 2:UDP_CHECKSUM], "big")
    total = made + length
    wrong[UDP_CHECKSUM:UDP_CHECKSUM + 2] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2, "big")
    return bytes(wrong)


class ChecksumsSent:
    def frames_on_the_wire(self, *app, messages=200):
        """All frames of a run. A cable has room for few: frames in the NIC's ring at the program's end are lost."""
        self.host.drain()
        job = self.guest.start_testbab("--forward-mode=txonly", f"--count={messages}", *app, eal=HOST)
        frames = self.host.receive(moldudp64_messages(messages), quiet=10, timeout=60)
        self.assert_good(job.finish())
        self.assertEqual(sum(moldudp64.parse(frame).count for frame in frames), messages)
        return frames

    def test_sent(self):
        """By the NIC, by software and not at all. The host's own decoder and tshark judge the frames on the wire.

        The negative control: with a wrong seed in the NIC they must not call the checksums good."""
        kept = []
        for mode, udp in MODES.items():
            if mode == "auto" and not self.long:
                continue  # the other checks do this
            with self.subTest(mode=mode):
                if mode == "hw" and "udp" not in self.device.checksums:
                    run = self.run_on(HOST, "--forward-mode=txonly", "--count=1", "--tx-checksum=hw")
                    self.assert_refused(run, "checksum", "sw|auto")
                    continue
                frames = self.frames_on_the_wire(f"--tx-checksum={mode}")
                parsed = [moldudp64.parse(frame) for frame in frames]
                self.assertEqual({(one.ip_checksum, one.udp_checksum) for one in parsed}, {("good", udp)})
                kept += frames
        if not tshark.ABSENT:
            pcapfile.write(self.path("out.pcap"), kept)
            seen = tshark.decode(self.path("out.pcap"), {9})
            self.assertEqual(len(seen), len(kept))
            self.assertEqual([(one.ip_checksum, one.udp_checksum, one.problems) for one in seen],
                             [("good", moldudp64.parse(frame).udp_checksum, ()) for frame in kept])

        good = [frame for frame in kept if moldudp64.parse(frame).udp_checksum == "good"]
        self.assertTrue(good)
        self.assertEqual({moldudp64.parse(with_a_wrong_seed(frame)).udp_checksum for frame in good}, {"bad"})


class ChecksumsReceived:
    def samples(self):
        """Good frames with bad ones among them, each as long as a NIC sends."""
        stream = Stream("CHECKSUMS")
        frames, good = [], 0
        for number, message in enumerate(small_messages(4 * BAD_FRAMES, 40, 300, 7)):
            frame = stream.frame([message])
            kind = number % 4
            if kind == 1:
                frame = frame[:24] + bytes([frame[24] ^ 0x55]) + frame[25:]
            elif kind == 3:
                frame = frame[:-1] + bytes([frame[-1] ^ 1])
            good += kind in (0, 2)
            frames.append(frame)
        return frames, good

    def test_received(self):
        """Whatever flags the driver gives: UNKNOWN isn't GOOD."""
        frames, good = self.samples()
        for mode in ("auto", "sw") if self.long else ("auto",):
            with self.subTest(mode=mode):
                prompt = self.prompt(HOST, "--forward-mode=rxonly", f"--rx-checksum={mode}")
                prompt.say("start")
                self.assertTrue(prompt.ask("show port info 0 json")["ports"][0]["link_up"])
                self.host.send(frames)
                self.wait_for_frames(prompt, len(frames))
                prompt.say("stop")
                ledger = prompt.ask("show bus ledger json")
                self.assert_script_good(prompt.finish())
                self.assertIs(ledger["balanced"], True)
                self.assertEqual({reason: n for reason, n in ledger["drops"].items() if n},
                                 {"bad_ip_checksum": BAD_FRAMES, "bad_udp_checksum": BAD_FRAMES})
                received = next(term for term in ledger["terms"] if term["name"] == "frames received")
                self.assertEqual(received["out"]["good"], good)

    def wait_for_frames(self, prompt, count):
        for _ in range(100):
            stats = prompt.ask("show port stats 0 json")["ports"][0]
            if stats["rx_frames"] >= count:
                return
        self.fail(f"{stats['rx_frames']} of {count} frames arrived: {prompt.said()}")
