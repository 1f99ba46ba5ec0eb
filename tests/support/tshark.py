"""Decodes a capture with tshark, an independent decoder."""

import os
import shutil
import subprocess
import tempfile
from typing import NamedTuple

ABSENT = None if shutil.which("tshark") else "tshark is not installed (apt-get install tshark)"

FIELDS = ("frame.len", "frame.protocols", "eth.dst", "vlan.id", "ip.src", "ip.dst", "ip.id", "ip.flags.df", "ip.len",
          "ip.checksum.status", "udp.srcport", "udp.dstport", "udp.checksum.status", "moldudp64.session",
          "moldudp64.sequence", "moldudp64.count", "moldudp64.msgseq", "moldudp64.msgdata", "_ws.expert.severity",
          "_ws.expert.message")
EMPTY = "<MISSING>"  # tshark's text for no bytes
CHECKSUM = {"0": "bad", "1": "good", "2": "none", "3": "none"}  # 2: not verified, 3: not there
NOTE = 0x00400000  # expert severities above a comment: note, warning, error


class Packet(NamedTuple):
    length: int
    protocols: str
    dst_mac: str
    vlan_id: int | None
    src_ip: str
    dst_ip: str
    ip_id: int
    dont_fragment: bool
    ip_length: int
    ip_checksum: str
    src_port: int
    dst_port: int
    udp_checksum: str
    session: str | None  # None: tshark saw no MoldUDP64
    sequence: int
    count: int
    numbers: tuple  # of the messages, as tshark counts them
    messages: tuple
    problems: tuple  # what tshark complains of, without comments


def decode(path, ports):
    """Every packet of a capture whose UDP `ports` carry MoldUDP64, both checksums verified."""
    command = ["tshark", "-r", path, "-n", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
               "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|"]
    for port in sorted(set(ports)):
        command += ["-d", f"udp.port=={port},moldudp64"]
    for field in FIELDS:
        command += ["-e", field]
    with tempfile.TemporaryDirectory() as nothing:  # so that the user's preferences don't count
        environment = {**os.environ, "HOME": nothing, "WIRESHARK_CONFIG_DIR": nothing}
        run = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=60, check=False)
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {run.returncode}: {run.stderr}")
    return [_packet(line.split("\t")) for line in run.stdout.splitlines()]


def _packet(row):
    seen = {field: text.split("|") if text else [] for field, text in zip(FIELDS, row, strict=True)}

    def one(field, read=str):
        return read(seen[field][0]) if seen[field] else None

    return Packet(
        one("frame.len", int), one("frame.protocols"), one("eth.dst"), one("vlan.id", int), one("ip.src"),
        one("ip.dst"), one("ip.id", lambda text: int(text, 16)), one("ip.flags.df") in ("1", "True"),
        one("ip.len", int), one("ip.checksum.status", CHECKSUM.get), one("udp.srcport", int),
        one("udp.dstport", int), one("udp.checksum.status", CHECKSUM.get), one("moldudp64.session"),
        one("moldudp64.sequence", int), one("moldudp64.count", int), tuple(map(int, seen["moldudp64.msgseq"])),
        tuple(b"" if data == EMPTY else bytes.fromhex(data) for data in seen["moldudp64.msgdata"]),
        tuple(message for severity, message in zip(seen["_ws.expert.severity"], seen["_ws.expert.message"])
              if int(severity) >= NOTE))
