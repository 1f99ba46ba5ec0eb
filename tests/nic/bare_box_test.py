#!/usr/bin/python3
"""From a bare box to the bus: the doctor's mends are run until it says OK, and tools/bind is tried on real drivers.

The guest has Debian's userland."""

import json
import os
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import debian
import images
import nics
import tap
import wire
from kernel import Unavailable
from nic_case import InGuest, said

ROOT = images.ROOT
TREE = os.environ.get("BAB_NIC_TREE", os.path.join(images.LAB, "tree"))
RUN = "-l", "0-1", "-a", "$A", "-a", "$B"
PMD = f"librte-net-virtio{debian.abi()}"
SLOW = 120


class OnABareBox(InGuest):
    nic, iommu, kernel_arguments, cpus = "virtio", True, "", 2

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="bab-nic-")
        cls.addClassCleanup(cls.directory.cleanup)
        try:
            if not os.path.isdir(TREE):
                raise Unavailable("the lab isn't built: tools/check nic builds it")
            made = debian.make(TREE)
        except Unavailable as why:
            raise why.skip() from why
        started = time.monotonic()
        cls.guest = debian.BareBox(f"bare-box-{cls.__name__}", made, nics.NICS[cls.nic],
                                   wire.crossed(cls.directory.name), iommu=cls.iommu, cpus=cls.cpus,
                                   kernel_arguments=cls.kernel_arguments, logs=os.path.join(images.LAB, "logs"))
        cls.close_after(cls.guest)
        cls.guest.must("udevadm settle; apt-get -qq update; echo 0 > /proc/sys/vm/nr_hugepages", SLOW)
        said(f"{cls.__name__}: boot", started)

    def do(self, command, expected=0):
        run = self.guest.run(command, SLOW)
        self.assertEqual(run.status, expected, run)
        return run

    def bind(self, *arguments, expected=0):
        return self.do(f"bab-bind {' '.join(arguments)}", expected)

    def drivers(self):
        said = self.do("for nic in $A $B; do basename $(readlink /sys/bus/pci/devices/$nic/driver || echo none); done")
        return said.stdout.split()

    def interfaces(self):
        return self.do("for nic in $A $B; do ls /sys/bus/pci/devices/$nic/virtio*/net; done").stdout.split()

    def findings(self, *eal):
        run = self.guest.run(f"testbab {' '.join(eal or RUN)} -- --doctor --json --mtu=1500", SLOW)
        return json.loads(run.stdout)["findings"]

    def mend_all(self):
        """Mends what the doctor finds with its own commands, one after another. Gives the commands."""
        done = []
        for _ in range(8):
            failed = [f for f in self.findings() if f["level"] == "FAIL"]
            if not failed:
                return done
            self.assertNotIn(failed[0]["mend"], done, failed)
            done.append(failed[0]["mend"])
            self.do(done[-1])
        self.fail(f"still {failed} after {done}")

    def assert_it_runs(self):
        run = self.guest.testbab("--count=20000", "--rate=20k", "--msg-size=64", eal=RUN, timeout=SLOW)
        self.assertEqual(run.status, 0, run)
        self.assertEqual((run.report["bus"]["lost"], run.report["bus"]["corrupt"]), (0, 0), run)


class WithAnIommu(OnABareBox):
    def test_0_what_there_is(self):
        nics_ = json.loads(self.bind("--json").stdout)["nics"]
        self.assertEqual([nic["device"] for nic in nics_], ["1af4:1041"] * 2)
        self.assertEqual([nic["driver"] for nic in nics_], self.drivers())
        self.assertEqual([nic["interfaces"] for nic in nics_], [[name] for name in self.interfaces()])
        self.assertEqual([bool(nic["iommu_group"]) for nic in nics_], [True] * 2)

    def test_1_nothing_is_there(self):
        run = self.do(f"testbab {' '.join(RUN)} -- --count=1", 2)
        self.assertRegex(run.stderr, r"hugepages.*nr_hugepages")
        self.assertEqual(self.drivers(), ["virtio-pci"] * 2)

    def test_2_mended_by_the_doctor(self):
        done = " ".join(self.mend_all())
        for part in ("nr_hugepages", f"apt-get install {PMD}",
                     "bab-bind --bind=vfio-pci 0000:01:00.0 --yes"):
            self.assertIn(part, done)
        self.assertEqual(self.drivers(), ["vfio-pci"] * 2)
        self.assert_it_runs()

    def test_3_undone(self):
        self.bind("--undo", "--yes")
        self.assertEqual(self.drivers(), ["virtio-pci"] * 2)
        self.assertEqual(self.bind("--undo", "--yes").stdout, "nothing to restore\n")


class EachProgram(OnABareBox):
    def test_there_and_back(self):
        for without in ((), ("/usr/sbin/driverctl", ), ("/usr/sbin/driverctl", "/usr/bin/dpdk-devbind.py")):
            for program in without:
                self.do(f"mv {program} {program}.away")
            for driver in ("vfio-pci", "uio_pci_generic"):
                with self.subTest(without=without, driver=driver):
                    self.bind(f"--bind={driver}", "$A", "02:00.0", "--yes")
                    self.assertEqual(self.drivers(), [driver] * 2)
                    self.bind("--bind=kernel", "$A", "--yes")
                    self.assertEqual(self.drivers(), ["virtio-pci", driver])
                    self.bind("--undo", "--yes")
                    self.assertEqual(self.drivers(), ["virtio-pci"] * 2)
            for program in without:
                self.do(f"mv {program}.away {program}")


class InUse(OnABareBox):
    def test_what_is_in_use_is_left_alone(self):
        one, other = self.interfaces()
        over = f"which is over {one},"
        for made, why, undone in (
            (f"ip addr add 192.0.2.1/24 dev {one}", f"{one} has the address 192.0.2.1/24", f"ip addr flush dev {one}"),
            (f"ip link set {one} up", "ip link set .* down", "true"),
            (f"ip link set {one} up; ip -6 route add default dev {one}", "carries the default route", "true"),
            (f"ip link set {one} up; ip route add default dev {one} table 77", "carries the default route", "true"),
            (f"ip link add br0 type bridge; ip link set {one} master br0; ip addr add 2001:db8::1/64 dev br0",
             f"br0, {over} has the address 2001:db8::1/64", "ip link del br0"),
            (f"ip link add bond0 type bond; ip link set {one} master bond0;"
             "ip link add link bond0 name v5 type vlan id 5; ip addr add 192.0.2.9/24 dev v5",
             f"v5, {over} has the address", "ip link del v5; ip link del bond0"),
            (f"ip link add v6 link {one} type vlan id 6", f"{one} is part of v6", "ip link del v6"),
            (f"ip netns add apart; ip link set {one} netns apart", "another network namespace",
             "ip netns del apart; sleep 1"),
        ):  # fmt: skip
            with self.subTest(made=made):
                self.do(made)
                run = self.bind("--bind=vfio-pci", "$A", "$B", "--yes", expected=2)
                self.assertRegex(run.stderr, why)
                self.assertEqual(self.drivers(), ["virtio-pci"] * 2)
                self.do(undone + f"; ip link set {one} down; true")
        self.do(f"ip addr add 192.0.2.1/24 dev {other}")
        self.bind("--bind=vfio-pci", other, "--yes", "--force")
        self.assertEqual(self.drivers(), ["virtio-pci", "vfio-pci"])
        self.bind("--undo", "--yes")


class Lasting(OnABareBox):
    """NICs in use by a process, and NICs after a reboot."""

    def test_1_a_running_process_keeps_its_nics(self):
        self.do(f"apt-get install {PMD}")
        self.bind("--bind=vfio-pci", "$A", "$B", "--hugepages=200", "--yes")
        job = self.guest.start_testbab("--forward-mode=rxonly", eal=RUN)
        try:
            self.do("n=0; until ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q '/dev/vfio/[0-9]'; do"
                    " sleep 0.1; n=$((n+1)); [ $n -lt 300 ]; done")
            for arguments in (("--bind=kernel", "$A", "--force"), ("--undo", "--force")):
                self.assertIn("being used by testbab", self.bind(*arguments, "--yes", expected=2).stderr)
        finally:
            job.kill("INT")
            job.finish()
        self.bind("--undo", "--yes")
        self.assertEqual(self.drivers(), ["virtio-pci"] * 2)

    def test_2_hugepages_at_boot(self):
        self.bind("--hugepages=150", "--at-boot", "--yes")
        self.do("echo 0 > /proc/sys/vm/nr_hugepages; systemctl restart systemd-sysctl")
        self.assertEqual(self.do("cat /proc/sys/vm/nr_hugepages").stdout, "150\n")
        self.bind("--undo", "--yes")
        self.do("systemctl restart systemd-sysctl; [ $(cat /proc/sys/vm/nr_hugepages) = 0 ]")

    def test_3_nics_at_boot(self):
        """driverctl's rule of udev binds a device when it appears."""
        self.bind("--bind=vfio-pci", "$A", "--at-boot", "--yes")
        self.assertEqual(self.do("cat /etc/driverctl.d/pci-$A").stdout, "vfio-pci\n")
        self.bind("--undo", "--yes")
        self.do("[ ! -e /etc/driverctl.d/pci-$A ]")
        self.assertEqual(self.drivers(), ["virtio-pci"] * 2)


class WithoutAnIommu(OnABareBox):
    nic, iommu = "vmxnet3", False

    def test_1_vfio_is_refused(self):
        run = self.bind("--bind=vfio-pci", "$A", "--yes", expected=2)
        self.assertIn("in no IOMMU group", run.stderr)
        self.assertIn("--bind=uio_pci_generic", run.stderr)

    def test_2_mended_by_the_doctor(self):
        done = " ".join(self.mend_all())
        self.assertIn("bab-bind --bind=uio_pci_generic 0000:01:00.0 --yes", done)
        self.assertEqual(self.drivers(), ["uio_pci_generic"] * 2)
        self.assertEqual({f["level"] for f in self.findings() if f["topic"] in ("nic", "iommu", "hugepages")}, {"OK"})
        self.guest.must("echo 200 > /proc/sys/vm/nr_hugepages")
        run = self.do(f"testbab {' '.join(RUN)} -- --forward-mode=txonly --count=1000 --total-num-mbufs=6000")
        self.assertIn("good", run.stdout)


class WithInterruptsLeftAlone(OnABareBox):
    """The IOMMU is on and remaps no interrupts."""
    kernel_arguments = "intremap=off"

    def test_the_cause_wins(self):
        self.do(f"apt-get install {PMD} && bab-bind --bind=vfio-pci $A $B --hugepages=200 --yes")
        run = self.do(f"testbab {' '.join(RUN)} -- --count=1", 2)
        self.assertRegex(run.stderr, r"^testbab: -a 0000:01:00.0: .*interrupts aren't remapped")
        self.assertNotIn("no installed PMD", run.stderr)
        [finding] = [f for f in self.findings() if f["topic"] == "iommu"]
        self.assertEqual(finding["level"], "FAIL", finding)
        self.do(finding["mend"].rsplit("users of the NIC, ", 1)[1])
        self.assertEqual([f for f in self.findings() if f["level"] == "FAIL"], [])
        self.assert_it_runs()


if __name__ == "__main__":
    tap.main()
