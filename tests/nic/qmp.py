"""QEMU's monitor: pulls cables and NICs."""

import json
import socket


class Monitor:
    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rw", encoding="utf-8")
        self.stream.readline()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            line = self.stream.readline()
            if not line:
                raise ConnectionError(f"QEMU ended before it answered {command}")
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"QEMU refuses {command} {arguments}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def link(self, number, up):
        """Plugs the cable of the guest's NIC `number` in, or pulls it out."""
        self.execute("set_link", name=f"nic{number}", up=up)

    def unplug(self, number):
        """Asks the guest to release the NIC. Its kernel does so a little later."""
        self.execute("device_del", id=f"nic{number}")

    def cpu_threads(self):
        return [cpu["thread-id"] for cpu in self.execute("query-cpus-fast")]

    def close(self):
        self.stream.close()
        self.socket.close()
