#!/usr/bin/env python3
"""Somebody between two who seal, and a stranger, written from docs/PROTOCOL.md ("Seal") alone, without the secret.

    sealed_attacker.py between INTERFACE COUNTS
        Hears every datagram that this host sends and is sent, and for each of the first ones sends more in the same
        name: the same again, at once and late; with a bit flipped, in each part; cut, and with a byte more; with the
        head of one and the text of another; as another kind and in another version; thrown back at its sender; and
        RETRY, GONE, BUSY and STRIKE of version 1, in clear. Says `ready`; keeps how many it sent in the file COUNTS.

    sealed_attacker.py stranger ADDRESS PORT COUNT
        Sends first messages under a secret of its own, noise, FINDs in clear and classic requests; says how many answers came.
"""
import os
import random
import socket
import struct
import sys
import time
import zlib

FIRST, SECOND, SEALED = 0x11, 0x12, 0x13
HEAD = {FIRST: 43, SECOND: 43, SEALED: 15}
ATTACKED_MAX, PER_SECOND = 400, 2_000


def parse_udp(packet):
    """Source, destination and payload of a UDP datagram in an IPv4 packet that is not cut."""
    if packet[0] >> 4 != 4 or packet[9] != 17 or struct.unpack(">H", packet[6:8])[0] & 0x3FFF:
        return None
    udp = packet[(packet[0] & 15) * 4:]
    source, to, length = struct.unpack(">HHH", udp[:6])
    return (socket.inet_ntoa(packet[12:16]), source), (socket.inet_ntoa(packet[16:20]), to), udp[8:length]


def build_udp(source, to, data):
    """The same as a packet; a checksum of 0 stands for none."""
    length = 8 + len(data)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + length, random.randrange(65_536), 0, 64, 17, 0,
                     socket.inet_aton(source[0]), socket.inet_aton(to[0]))
    return ip + struct.pack(">HHHH", source[1], to[1], length, 0) + data


def frame(kind, body):
    head = struct.pack(">HBBHHI", 0x5348, 1, kind, 12 + len(body), 0, 0)
    return head[:8] + struct.pack(">I", zlib.crc32(body, zlib.crc32(head[:8]))) + body


def clear_frames():
    echo, token, server, root = os.urandom(8), os.urandom(16), os.urandom(16), os.urandom(32)
    return [
        frame(0x05, echo + bytes(4) + server + token),
        frame(0x06, echo + bytes(4) + struct.pack(">H", 60_000)),
        frame(0x12, echo + bytes(4) + root + b"\x01"),
        frame(0x13, echo + token + root + bytes(12)),
        frame(0x01, os.urandom(60)),
    ]


def flipped(data, at):
    changed = bytearray(data)
    changed[at] ^= 1 << random.randrange(8)
    return bytes(changed)


def variants(data, earlier):
    head = HEAD[data[0]]
    yield data
    for at in (0, 1, 6, 7, head - 1, head, len(data) // 2, len(data) - 17, len(data) - 1):
        yield flipped(data, at)
    yield data[:-1]
    yield data[:head]
    yield data + b"\0"
    for kind in (FIRST, SECOND, SEALED, 0x14, 0x15, 0x21, 0x23):
        if kind != data[0]:
            yield bytes([kind]) + data[1:]
    for other in earlier:
        if other[0] == data[0]:
            yield data[:head] + other[head:]
            yield other[:head] + data[head:]
            half = min(len(data), len(other)) // 2
            yield data[:half] + other[half:]
            break


def between(interface, counts):
    random.seed(1)
    heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(0x0800))
    heard.bind((interface, 0))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    earlier, late, sent, attacked, mine = [], [], 0, 0, set()
    print("ready", flush=True)

    def send(source, to, data):
        nonlocal sent
        try:
            raw.sendto(build_udp(source, to, data), to)
        except OSError:
            return
        mine.add((source, to, data))
        sent += 1
        if sent % 50 == 0:
            with open(counts, "w") as file:
                file.write(str(sent))
            time.sleep(50 / PER_SECOND)

    while True:
        packet, address = heard.recvfrom(65_536)
        parsed = parse_udp(packet)
        if parsed is None:
            continue
        source, to, data = parsed
        if not data or data[0] not in HEAD or len(data) <= HEAD[data[0]] + 17 or len(data) > 1_472:
            continue
        is_ours = address[2] == socket.PACKET_OUTGOING
        if (source, to, data) in mine or attacked >= ATTACKED_MAX:
            continue
        attacked += 1
        if is_ours:
            for changed in variants(data, earlier):
                send(source, to, changed)
            for clear in clear_frames():
                send(source, to, clear)
            late.append((source, to, data))
            # Long after what it repeats.
            if len(late) > 20:
                send(*late[random.randrange(len(late) - 10)])
        else:
            # What we were sent, thrown back at its sender in our name, and under another port of ours.
            send(to, source, data)
            send((to[0], 40_000), source, data)
        earlier = [data, *earlier[:20]]


def stranger(address, port, count):
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    name = b"report.txt"
    query = b"\x01" + struct.pack(">H", len(name)) + name
    find = frame(0x01, os.urandom(8) + bytes(16) + b"\0\0\x01" + query + bytes(1_100))
    for number in range(count):
        first = bytes([FIRST]) + number.to_bytes(6, "big") + os.urandom(32 + 4 + 1_169 + 16)
        for data in (first, os.urandom(random.randrange(1, 1_400)), find, b"report.txt", b"GET report.txt\n"):
            asking.sendto(data, (address, port))
        if number % 20 == 0:
            time.sleep(0.01)
    asking.settimeout(1)
    answers = 0
    try:
        while True:
            asking.recvfrom(65_536)
            answers += 1
    except TimeoutError:
        pass
    print(f"answers {answers}")


if sys.argv[1] == "between":
    between(sys.argv[2], sys.argv[3])
else:
    stranger(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
