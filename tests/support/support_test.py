#!/usr/bin/python3
"""Tests of the support files: they judge the product, so they must be right first."""

import io
import os
import signal
import tempfile
import unittest

import captures
import moldudp64
import pcapfile
import tap
import testbab
import tshark


class Checksums(unittest.TestCase):
    def test_rfc_1071_example(self):
        self.assertEqual(moldudp64.checksum(bytes.fromhex("0001f203f4f5f6f7")), ~0xDDF2 & 0xFFFF)

    def test_odd_length_is_padded_with_zero(self):
        self.assertEqual(moldudp64.checksum(b"\x12\x34\x56"), moldudp64.checksum(b"\x12\x34\x56\0"))

    def test_whole_header_sums_to_zero(self):
        self.assertEqual(moldudp64.checksum(moldudp64.frame(b"")[14:34]), 0)


class Parsing(unittest.TestCase):
    def test_good_forms_give_their_messages(self):
        for sample in captures.every_good_form() + captures.many_small():
            with self.subTest(sample.name):
                parsed = moldudp64.parse(sample.frame)
                self.assertEqual(parsed.messages, sample.messages)
                self.assertEqual(parsed.ip_checksum, "good")
                self.assertEqual(parsed.udp_checksum, "none" if sample.name == "no UDP checksum" else "good")

    def test_wrong_forms_are_refused_or_have_a_bad_checksum(self):
        for sample in captures.wrong():
            with self.subTest(sample.name):
                try:
                    parsed = moldudp64.parse(sample.frame)
                except moldudp64.NotMold:
                    self.assertFalse([reason for reason in sample.reasons if reason.endswith("_checksum")])
                else:
                    self.assertEqual(sample.reasons, ("bad_ip_checksum",) if parsed.ip_checksum == "bad"
                                     else ("bad_udp_checksum",) if parsed.udp_checksum == "bad" else None)

    def test_largest_message(self):
        self.assertEqual((moldudp64.largest_message(1500), moldudp64.largest_message(9000)), (1450, 8950))
        for mtu in 1500, 9000:
            message = bytes(moldudp64.largest_message(mtu))
            self.assertEqual(len(moldudp64.frame(moldudp64.packet("S", 1, [message]))), 14 + mtu)


class Captures(unittest.TestCase):
    def test_same_on_every_run(self):
        for make in captures.many_small, captures.one_after_another, captures.every_good_form, captures.wrong:
            self.assertEqual(make(), make())

    def test_full_frames_are_full(self):
        lengths = {sample.name: moldudp64.parse(sample.frame).ip_length for sample in captures.every_good_form()}
        self.assertEqual(lengths["a full frame"], 1500)
        self.assertEqual(lengths["one message that fills the frame"], 1500)

    def test_no_two_messages_are_alike(self):
        seen = captures.messages(captures.many_small())
        self.assertEqual(len(set(seen)), len(seen))


class Files(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "a.pcap")

    def test_frames_come_back(self):
        frames = captures.frames(captures.wrong())
        pcapfile.write(self.path, frames)
        self.assertEqual(pcapfile.read(self.path), frames)

    def test_nanosecond_file(self):
        pcapfile.write(self.path, [b"frame"])
        with open(self.path, "r+b") as file:
            file.write(pcapfile.NANOSECONDS.to_bytes(4, "little"))
        self.assertEqual(pcapfile.read(self.path), [b"frame"])

    def test_cut_file_is_an_error(self):
        pcapfile.write(self.path, [b"frame"])
        os.truncate(self.path, os.path.getsize(self.path) - 1)
        with self.assertRaises(ValueError):
            pcapfile.read(self.path)


@unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
class Tshark(unittest.TestCase):
    def decode(self, frames):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "a.pcap")
            pcapfile.write(path, frames)
            return tshark.decode(path, [captures.PORT])

    def test_sees_what_the_parser_sees(self):
        samples = captures.many_small() + [sample for sample in captures.every_good_form()
                                           if sample.name != "no addresses and ports"]
        for sample, seen in zip(samples, self.decode(captures.frames(samples)), strict=True):
            with self.subTest(sample.name):
                mine = moldudp64.parse(sample.frame)
                self.assertEqual(seen.messages, mine.messages)
                self.assertEqual(seen.numbers, tuple(range(mine.sequence, mine.sequence + len(mine.messages))))
                self.assertEqual((seen.sequence, seen.count), (mine.sequence, mine.count))
                self.assertEqual(seen.session.rstrip("\0 "), mine.session.decode().rstrip("\0 "))
                self.assertEqual((seen.ip_checksum, seen.udp_checksum), (mine.ip_checksum, mine.udp_checksum))
                self.assertEqual((seen.length, seen.ip_length), (mine.length, mine.ip_length))
                self.assertEqual(seen.vlan_id, None if mine.vlan is None else mine.vlan & 0xFFF)
                self.assertEqual((seen.dst_mac, seen.src_ip, seen.dst_ip, seen.src_port, seen.dst_port),
                                 (mine.dst_mac, mine.src_ip, mine.dst_ip, mine.src_port, mine.dst_port))
                self.assertEqual((seen.dont_fragment, seen.ip_id), (mine.dont_fragment, mine.ip_id))

    def test_says_nothing_about_good_frames(self):
        samples = captures.one_after_another()
        self.assertEqual([seen.problems for seen in self.decode(captures.frames(samples))], [()] * len(samples))

    def test_a_whole_jumbo_message(self):
        message = bytes(range(256)) * 34
        self.assertEqual(self.decode([moldudp64.frame(moldudp64.packet("S", 1, [message]))])[0].messages, (message,))

    def test_finds_bad_checksums(self):
        good = moldudp64.packet("S", 1, [b"text"])
        seen = self.decode([moldudp64.frame(good, ip_checksum=1), moldudp64.frame(good, udp_checksum=1)])
        self.assertEqual([(packet.ip_checksum, packet.udp_checksum) for packet in seen],
                         [("bad", "good"), ("good", "bad")])
        self.assertTrue(all(packet.problems for packet in seen))

    def test_finds_wrong_blocks(self):
        wrong = {"a block one byte too long", "fewer blocks promised than there are"}
        for sample in captures.wrong():
            if sample.name in wrong:
                with self.subTest(sample.name):
                    seen, = self.decode([sample.frame])
                    self.assertTrue(seen.problems or len(seen.messages) != seen.count, seen)


class Tap(unittest.TestCase):
    """The runner's output for each way in which a case can end."""

    def lines(self, case_class):
        """(whether all is good, lines of TAP, lines of standard error)."""
        out, err = io.StringIO(), io.StringIO()
        good = tap.run(unittest.defaultTestLoader.loadTestsFromTestCase(case_class), out, err)
        return good, out.getvalue().splitlines(), err.getvalue().splitlines()

    def test_pass(self):
        class Sample(unittest.TestCase):
            def test_a_case(self):
                pass
        self.assertEqual(self.lines(Sample), (True, ["ok 1 - Sample.a_case", "1..1"], []))

    def test_skip(self):
        class Sample(unittest.TestCase):
            @unittest.skip("not\n today")
            def test_a_case(self):
                pass

            def test_another(self):
                self.skipTest("either")
        self.assertEqual(self.lines(Sample), (True, ["ok 1 - Sample.a_case # SKIP not today",
                                                     "ok 2 - Sample.another # SKIP either", "1..2"],
                                              ["SKIP: not today", "SKIP: either"]))

    def test_failure_says_why(self):
        class Sample(unittest.TestCase):
            def test_a_case(self):
                self.fail("two\nlines")
        good, lines, why = self.lines(Sample)
        self.assertFalse(good)
        self.assertEqual(lines, ["not ok 1 - Sample.a_case", "1..1"])
        self.assertEqual((why[0], [line for line in why if line][-2:]),
                         ("FAIL: Sample.a_case", ["AssertionError: two", "lines"]))

    def test_sub_tests_are_one_case(self):
        class Sample(unittest.TestCase):
            def test_a_case(self):
                for number in range(3):
                    with self.subTest(number=number):
                        self.assertEqual(number, 1)
        good, lines, why = self.lines(Sample)
        self.assertFalse(good)
        self.assertEqual(lines, ["not ok 1 - Sample.a_case", "1..1"])
        self.assertIn("(number=2)", why)

    def test_end_of_time_fails_the_case_and_stops(self):
        class Sample(unittest.TestCase):
            cleaned_up = False

            def test_a_case(self):
                def clean_up():
                    Sample.cleaned_up = True
                self.addCleanup(clean_up)
                with self.subTest("first"):
                    os.kill(os.getpid(), signal.SIGTERM)
                self.fail("went on")

            def test_another(self):
                pass
        good, lines, why = self.lines(Sample)
        self.assertFalse(good)
        self.assertEqual(lines, ["not ok 1 - Sample.a_case", "1..1"])
        self.assertIn("SystemExit: stopped by SIGTERM", why)
        self.assertNotIn("AssertionError: went on", why)
        self.assertTrue(Sample.cleaned_up)

    def test_error_in_class_set_up(self):
        class Sample(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                raise OSError("no luck")

            def test_a_case(self):
                pass
        good, lines, _ = self.lines(Sample)
        self.assertFalse(good)
        self.assertRegex(lines[0], r"^not ok 1 - setUpClass \(.*Sample\)$")


class Processes(unittest.TestCase):
    """With a shell in the place of testbab."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def start(self, script, report=None):
        return testbab.Process(["sh", "-c", script], self.directory, report=report)

    def test_streams_and_status(self):
        run = self.start("echo out; echo err >&2; exit 3").finish()
        self.assertEqual((run.status, run.stdout, run.stderr), (3, "out\n", "err\n"))

    def test_reports(self):
        path = os.path.join(self.directory, "report")
        self.assertEqual(self.start(f"echo '{{}}' >{path}", path).finish().report, {})
        self.assertEqual(self.start("echo '{}'", "-").finish().report, {})
        self.assertIsNone(self.start("exit 2", "-").finish().report)
        with self.assertRaises(AssertionError):
            self.start("echo text; echo '{}'", "-").finish()

    def test_one_that_hangs_is_ended(self):
        process = self.start("echo before; exec sleep 60")
        self.assertTrue(process.wait_until_it_says(lambda said: said))
        with self.assertRaisesRegex(AssertionError, "still running after 0.1 s"):
            process.finish(0.1)
        self.assertIsNotNone(process.process.poll())

    def test_one_that_says_nothing_more(self):
        process = self.start("echo before")
        self.assertFalse(process.wait_until_it_says(lambda said: len(said) > 1))
        process.finish()

    def test_one_that_fills_the_disk_is_ended(self):
        self.assertEqual(self.start("sleep 0.2; exec head -c 1G /dev/zero >file").finish().status, -signal.SIGXFSZ)


if __name__ == "__main__":
    tap.main()
