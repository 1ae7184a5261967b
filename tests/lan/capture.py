"""Writes every UDP datagram over IPv4 that a host hands to the switch into FILE, until its input ends.

Runs where the switch is: what comes in at a port was sent by the host there, and passes once. Says "ready" when it listens;
when its input ends, "lost N": how many packets it could not keep up with.

A record is: source address, source port, destination address, destination port, length (4, 2, 4, 2, 2 bytes, network order),
and the datagram.

Argument: FILE.
"""
import select
import socket
import struct
import sys

SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_RCVBUFFORCE = 33
# A bridge takes what comes in at its ports before those hear of it who want IPv4 alone.
ETH_P_ALL, ETH_P_IP, PACKET_OUTGOING = 0x0003, 0x0800, 4
ETHERNET_BYTES, UDP = 14, 17
BUFFER_BYTES = 256 << 20

tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
tap.setblocking(False)


def take(out):
    try:
        frame, (device, protocol, kind, _, _) = tap.recvfrom(65536)
    except BlockingIOError:
        return False
    # What leaves by a port has come in by another; bridges have ports for devices.
    if kind == PACKET_OUTGOING or device.startswith("br") or protocol != ETH_P_IP:
        return True
    ip = frame[ETHERNET_BYTES:]
    total = struct.unpack_from("!H", ip, 2)[0]
    header = (ip[0] & 15) * 4
    if ip[9] != UDP or struct.unpack_from("!H", ip, 6)[0] & 0x1FFF:
        return True
    source, target, length = struct.unpack_from("!HHH", ip, header)
    datagram = ip[header + 8:min(total, header + length)]
    out.write(ip[12:16] + struct.pack("!H", source) + ip[16:20]
              + struct.pack("!HH", target, len(datagram)) + datagram)
    return True


with open(sys.argv[1], "wb") as out:
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([tap, sys.stdin], [], [])
        # What was sent before the end of the input is in the buffer by then.
        if sys.stdin in readable:
            while take(out):
                pass
            break
        for _ in range(256):
            if not take(out):
                break
packets, lost = struct.unpack("II", tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
print(f"lost {lost}", flush=True)
