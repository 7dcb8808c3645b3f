"""Cuts the power of a mounted ext4 file system: from now on nothing more reaches its disk, and its journal is not flushed.

Node has no ioctl, hence this. Usage: power-cut.py MOUNT_POINT
"""

import fcntl
import os
import struct
import sys

# _IOR('X', 125, __u32) of fs/ext4/ext4.h, and the flag that leaves the journal as it is.
EXT4_IOC_SHUTDOWN = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125
EXT4_GOING_FLAGS_NOLOGFLUSH = 2

mount_point = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(mount_point, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
