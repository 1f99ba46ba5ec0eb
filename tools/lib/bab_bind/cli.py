"""The command line: looks, plans, shows the plan, and with --yes acts."""

import argparse
import os
import sys

from . import binding, hugepages, nics, report
from .state import State
from .steps import Run
from .system import Failure, Refusal, System

DESCRIPTION = """\
Shows the machine's NICs and hugepages. Gives NICs to DPDK or back to the kernel, and sets the number of hugepages.
What changes anything is only shown, as commands, until --yes is given; --undo restores what was there before.
A NIC with the default route or an address in use, its own or that of a bridge, bond or VLAN over it, is left alone."""

EPILOG = """\
examples:
  bab-bind                                      what there is
  bab-bind --bind=vfio-pci 01:00.0 01:00.1      what would be done
  bab-bind --bind=vfio-pci 01:00.0 01:00.1 --hugepages=1024 --yes
  bab-bind --undo --yes                         as it was before

exit codes: 0, done, or shown; 1, something could not be done; 2, refused, or wrong arguments"""


def _help(prog):
    """Like argparse's, but without shutil, which imports all packers only for the terminal's width."""
    try:
        width = os.get_terminal_size(1).columns
    except OSError:
        width = 80
    return argparse.RawDescriptionHelpFormatter(prog, width=max(width - 2, 40))


def parser():
    p = argparse.ArgumentParser(prog="bab-bind", usage="%(prog)s [options] [NIC...]", description=DESCRIPTION,
                                epilog=EPILOG, formatter_class=_help, allow_abbrev=False)
    p.add_argument("nics", nargs="*", metavar="NIC", help="an address on PCI (0000:01:00.0 or 01:00.0) or an interface")
    p.add_argument("-b", "--bind", metavar="DRIVER",
                   help="give the NICs to vfio-pci, uio_pci_generic or another driver; kernel: to the kernel's own")
    p.add_argument("-u", "--unbind", action="store_true", help="leave the NICs without a driver")
    p.add_argument("--hugepages", metavar="N", type=int, help="have N hugepages")
    p.add_argument("--page-size", metavar="SIZE", help="of that size: 2M (where there are such pages) or 1G")
    p.add_argument("--node", metavar="NODE", type=int, help="on that NUMA node; otherwise where the kernel finds room")
    p.add_argument("--at-boot", action="store_true",
                   help="from the next boot on, too: hugepages by sysctl.d or, of other sizes or one node, GRUB; "
                   "NICs by driverctl")
    p.add_argument("--undo", action="store_true", help="restore what earlier runs have changed")
    p.add_argument("-y", "--yes", action="store_true", help="do it; otherwise it is only shown")
    p.add_argument("--force", action="store_true", help="also take NICs that are in use")
    p.add_argument("--json", action="store_true", help="what there is, or what is done, as JSON")
    return p


def _check(p, a):
    if a.bind is not None and a.unbind:
        p.error("--bind and --unbind exclude each other")
    if a.undo and (a.bind is not None or a.unbind or a.hugepages is not None or a.nics or a.at_boot):
        p.error("--undo restores everything: leave the rest out")
    if (a.bind is not None or a.unbind) and not a.nics:
        p.error("name the NICs, by address or interface; bab-bind without arguments shows them")
    if a.nics and a.bind is None and not a.unbind:
        p.error(f"what shall become of {a.nics[0]}? --bind=vfio-pci or --unbind")
    if a.hugepages is not None and not 0 <= a.hugepages <= 1 << 26:
        p.error(f"--hugepages={a.hugepages}: from 0 to {1 << 26}")
    if a.hugepages is None and (a.page_size is not None or a.node is not None):
        p.error("--page-size and --node say more about --hugepages, which isn't there")
    if a.at_boot and a.hugepages is None and a.bind is None:
        p.error("--at-boot goes with --hugepages or --bind")


def _plan(system, found, a, state, warn):
    """A list of (note, steps): what the state must remember, and what to do."""
    plan = []
    if a.undo:
        for entry, steps in state.undo_plan(found):
            nic = next((n for n in found if n.address == entry["key"]), None)
            if steps and nic:
                binding.check_free(system, nic, a.force)
            plan.append((lambda entry=entry: state.entries.remove(entry), steps))
        return _each_module_once(plan)
    chosen = nics.choose(found, a.nics)
    if a.bind is not None:
        binding.check_driver(system, a.bind)
    for nic in chosen:
        steps = (binding.take(system, nic, a.force) if a.unbind else
                 binding.give(system, nic, a.bind, a.force, a.at_boot))
        if steps:
            warn.extend(binding.warnings(system, nic, a.bind, chosen))
        plan.append((lambda nic=nic: state.note_nic(nic, a.at_boot and a.bind is not None), steps))
    if a.hugepages is not None:
        kib = hugepages.parse_size(a.page_size) if a.page_size else None
        steps, path = hugepages.plan(system, a.hugepages, kib, a.node, a.at_boot, warn)
        plan.append((lambda: state.note_pages(path) if a.at_boot else None, steps))
    return _each_module_once(plan)


def _each_module_once(plan):
    loaded = []
    for _, steps in plan:
        for step in [s for s in steps if isinstance(s, Run) and s.arguments[0] == "modprobe"]:
            if step in loaded:
                steps.remove(step)
            loaded.append(step)
    return plan


def _act(system, plan, state, a, show):
    for note, steps in plan:
        if not a.undo and steps:
            note()
            state.note_steps(steps, a.at_boot)
            state.save()
        for step in steps:
            if command := step.command():
                show(command)
            step.do(system)
        if a.undo:
            note()
            state.save()


def _run(system, network, a, out, err):
    acts = a.bind is not None or a.unbind or a.hugepages is not None or a.undo
    locked = None
    if acts and a.yes:
        if os.geteuid() != 0:
            raise Refusal("changing what drives a NIC, or hugepages, takes root")
        locked = State.lock(State(system))
    try:
        found = nics.read(system, network)
        if not acts:
            pages = hugepages.read(system)
            out.write(report.to_json(system, found, pages, None, False) if a.json else
                      report.text(system, found, pages))
            return 0
        state = State(system)
        warn = []
        plan = _plan(system, found, a, state, warn)
        commands = [step.command() for _, steps in plan for step in steps if step.command()]
        for line in warn:
            err.write(f"bab-bind: {line}\n")
        show = (lambda line: None) if a.json else (lambda line: out.write(line + "\n"))
        if a.yes:
            _act(system, plan, state, a, show)
        elif not a.json:
            for command in commands:
                show(command)
        if a.json:
            out.write(report.to_json(system, nics.read(system, network), hugepages.read(system), commands, a.yes))
        elif not commands:
            out.write("nothing to do: it is so already\n" if not a.undo else "nothing to restore\n")
        elif not a.yes:
            err.write("bab-bind: nothing was done; --yes does it\n")
        return 0
    finally:
        if locked is not None:
            os.close(locked)


def main(arguments=None, system=None, network=None, out=None, err=None):
    out, err = out or sys.stdout, err or sys.stderr
    p = parser()
    a = p.parse_args(arguments)
    _check(p, a)
    try:
        code = _run(system or System(), network, a, out, err)
        out.flush()
        return code
    except Refusal as refusal:
        err.write(f"bab-bind: {refusal}\n")
        return 2
    except Failure as failure:
        err.write(f"bab-bind: {failure}\n")
        return 1
    except BrokenPipeError:
        sys.stdout = None  # nobody reads the output: print nothing at exit
        return 1
    except OSError as error:
        err.write(f"bab-bind: {error}\n")
        return 1
