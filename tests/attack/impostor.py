#!/usr/bin/env python3
"""Somebody on the subnet who uses another server's id, written from docs/PROTOCOL.md alone.

    impostor.py MODE ID ADDRESS SERVER NAME FILE [TRUE_FILE]

Hears the FINDs that are broadcast, and those sent to ADDRESS, which must be this host's. Modes:
    other   offers FILE under ID, and serves it well
    noise   offers FILE under ID, and answers every request for its bytes with noise
    gone    offers FILE under ID, and says that it is gone when it is asked for it
    late    is the server itself: offers FILE under ID, and answers everything 140 ms late
    spoof   only forges: FILE in the names of SERVER and of three addresses that nobody has, by ID and by
            invented ids, absences and refusals beside
All but `late` forge as well. Files are of one block, so that the root is the SHA-256. Says `ready`, and goes on
until it is killed.
"""
import hashlib
import os
import select
import socket
import struct
import sys
import time
import zlib

MODE, ID, ADDRESS, SERVER, NAME, FILE = sys.argv[1:7]
ID = bytes.fromhex(ID)
BYTES = open(FILE, "rb").read()
assert 0 < len(BYTES) <= 16384
HASH = hashlib.sha256(BYTES).digest()
TOKEN = os.urandom(16)
# Two on this subnet, and one where no route leads.
INVENTED = [ADDRESS.rsplit(".", 1)[0] + ".201", ADDRESS.rsplit(".", 1)[0] + ".202", "10.71.1.203"]
DISCOVERY_PORT, DATA_PORT = 10526, 10527


def frame(kind, body):
    head = struct.pack(">HBBHHI", 0x5348, 1, kind, 12 + len(body), 0, 0)
    crc = zlib.crc32(body, zlib.crc32(head[:8]))
    return head[:8] + struct.pack(">I", crc) + body


def answer_head(query_id, index, server, token, data_port=0):
    return query_id + struct.pack(">H", index) + server + token + struct.pack(">H", data_port)


def offer(query_id, index, server, token, sha=HASH, root=HASH):
    name = NAME.encode()
    return frame(2, answer_head(query_id, index, server, token) + struct.pack(">Q", len(BYTES)) + sha +
                 root + struct.pack(">QH", 0, 0) + struct.pack(">H", len(name)) + name)


def absent(query_id, index, server, token):
    return frame(4, answer_head(query_id, index, server, token) + b"\0")


def retry(echo, server, token):
    return frame(5, echo + struct.pack(">I", 0) + server + token)


def spoof(source, port, to, payload):
    """A UDP datagram with any source address; a checksum of 0 is none."""
    udp = struct.pack(">HHHH", port, to[1], 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                     socket.inet_aton(source), socket.inet_aton(to[0]))
    raw.sendto(ip + udp, (to[0], 0))


def queries_of(body):
    """Index of the query by NAME in a FIND; None where it is not asked for."""
    at = 8 + 16 + 1
    at += 1 + 16 * body[at]
    count, at = body[at], at + 1
    for index in range(count):
        by, at = body[at], at + 1
        if by == 1:
            length = struct.unpack_from(">H", body, at)[0]
            if body[at + 2:at + 2 + length] == NAME.encode():
                return index
            at += 2 + length
        elif by == 2:
            at += 32
    return None


def on_find(body, to):
    query_id, index = body[:8], queries_of(body)
    if index is None:
        return
    for source in [] if MODE == "late" else [SERVER] + INVENTED:
        for server in [ID, os.urandom(16)]:
            for port in [DATA_PORT, 10530, 20000]:
                spoof(source, port, to, offer(query_id, index, server, os.urandom(16)))
                spoof(source, port, to, absent(query_id, index, server, os.urandom(16)))
                spoof(source, port, to, retry(query_id, server, os.urandom(16)))
    if MODE != "spoof":
        send(offer(query_id, index, ID, TOKEN), to)


def on_alias_want(body, to):
    """Says at once that it has none of the tokens that are meant, so that it is heard as another."""
    count = body[24]
    seen = b"\x04" + socket.inet_aton(to[0])
    send(frame(8, body[:8] + ID + TOKEN + seen + bytes([count]) + os.urandom(16 * count)), to)


def on_layer_want(body, to):
    nonce, number = body[:8], body[24:28]
    root = body[28:60]
    if MODE == "gone":
        send(frame(0x12, nonce + number + root + b"\x02"), to)
    else:
        send(frame(0x21, nonce + number + struct.pack(">I", 0) + b"\x01" + HASH + b"\0"), to)


def on_want(body, to):
    nonce, number = body[:8], body[24:28]
    if MODE == "gone":
        return send(frame(0x12, nonce + number + body[28:60] + b"\x02"), to)
    segment_bytes, with_crc, count = struct.unpack_from(">HBB", body, 68)
    for i in range(count):
        offset, length = struct.unpack_from(">QI", body, 72 + 12 * i)
        for at in range(offset, offset + length, segment_bytes - 32):
            payload = BYTES[at:min(at + segment_bytes - 32, offset + length)]
            if MODE == "noise":
                payload = os.urandom(len(payload))
            head = struct.pack(">HBBHH", 0x5348, 1, 0x11, 32 + len(payload), with_crc)
            rest = nonce + number + struct.pack(">Q", at) + payload
            crc = zlib.crc32(rest, zlib.crc32(head)) if with_crc else 0
            send(head + struct.pack(">I", crc) + rest, to)


def send(payload, to):
    waiting.append((time.monotonic() + (0.140 if MODE == "late" else 0), payload, to))


def frames_in(datagram):
    while len(datagram) >= 12 and datagram[:3] == b"\x53\x48\x01":
        length = struct.unpack_from(">H", datagram, 4)[0]
        if not 12 <= length <= len(datagram):
            return
        yield datagram[:length]
        datagram = datagram[length:]


def socket_at(address, port):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
data = socket_at(ADDRESS, DATA_PORT)
everybody = socket_at("", DISCOVERY_PORT)
waiting = []
print("ready", flush=True)
while True:
    while waiting and waiting[0][0] <= time.monotonic():
        _, payload, to = waiting.pop(0)
        data.sendto(payload, to)
    patience = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for each in select.select([data, everybody], [], [], patience)[0]:
        datagram, sender = each.recvfrom(65536)
        for each_frame in frames_in(datagram):
            handle = {1: on_find, 7: on_alias_want, 0x20: on_layer_want, 0x10: on_want}.get(each_frame[3])
            if handle is not None:
                handle(each_frame[12:], sender)
