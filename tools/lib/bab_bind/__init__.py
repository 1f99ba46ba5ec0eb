"""The parts of tools/bind, which is installed as bab-bind: NICs and hugepages, by the kernel's files."""
