"""What tools/bind, installed as bab-bind, is made of: NICs and hugepages, by the kernel's files."""
