"""What tools/bind, installed as bab-bind, is made of: NICs and hugepages, looked at and changed through files of the kernel."""
