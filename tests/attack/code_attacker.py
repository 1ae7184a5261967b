"""Guesses codes, written from docs/PROTOCOL.md, "Codes": what a sender answers to somebody who does not know its code.

    code_attacker.py HOST PORT CODE COUNT

Makes COUNT wrong guesses at once and after one another, and then one that is right; prints what was answered as one line of JSON.
"""
import collections
import importlib.util
import json
import os
import pathlib
import random
import socket
import struct
import sys
import zlib

VECTORS = pathlib.Path(__file__).parents[2] / "fixtures/codes/code_vectors.py"
spec = importlib.util.spec_from_file_location("code_vectors", VECTORS)
cpace = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cpace)

FIND, HERE, OPEN, SHARE, PROVE, PROVED, REFUSED = range(0x40, 0x47)
AT_ONCE = 15
PATIENCE_S = 0.02


def frame(kind, body):
    head = b"SH" + bytes([1, kind]) + struct.pack(">HH", 12 + len(body), 0)
    return head + struct.pack(">I", zlib.crc32(body, zlib.crc32(head))) + body


class Attacker:
    def __init__(self, host, port, number):
        self.target, self.number = (host, port), number
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("", 0))
        self.answers = collections.Counter()

    def say(self, kind, body, to=None):
        self.socket.sendto(frame(kind, body), to or self.target)

    def heard(self, kind, echo, patience=PATIENCE_S):
        """The body of the answer to `echo`, and where it came from; nothing if there is none in time."""
        self.socket.settimeout(patience)
        try:
            while True:
                datagram, peer = self.socket.recvfrom(2048)
                body = datagram[12:]
                if datagram[:2] != b"SH" or body[:8] != echo:
                    continue
                self.answers[datagram[3]] += 1
                return (body, peer) if datagram[3] == kind else None
        except (TimeoutError, ConnectionRefusedError):
            return None

    def find(self, patience):
        echo = os.urandom(8)
        self.say(FIND, echo + bytes([0]) + struct.pack(">H", self.number) + bytes(48))
        found = self.heard(HERE, echo, patience)
        if found is None:
            return None
        body, peer = found
        port = struct.unpack(">H", body[40:42])[0]
        return body[8:24], body[24:40], (peer[0], port or peer[1]), body[42]

    def opened(self, sender, code):
        """An exchange that is begun: its echo, and the proof that follows from this code."""
        server, token, at, _ = sender
        echo, nonce, scalar = os.urandom(8), os.urandom(16), cpace.scalar(os.urandom(32))
        sid = nonce + server
        mine = cpace.encode(cpace.multiply(scalar, cpace.generator(code.encode(), b"shoal code 1", sid)))
        self.say(OPEN, echo + token + struct.pack(">H", self.number) + nonce + mine, at)
        found = self.heard(SHARE, echo, 2)
        if found is None:
            return None
        theirs = found[0][8:40]
        secret = cpace.encode(cpace.multiply(scalar, cpace.decode(theirs)))
        isk = cpace.isk(sid, secret, mine, b"get", theirs, b"send")
        return echo, token, at, cpace.hkdf(isk, b"shoal code 1", 144)[:32]

    def prove(self, exchange):
        echo, token, at, proof = exchange
        self.say(PROVE, echo + token + proof, at)


def main(host, port, code, count):
    number = int(code.split("-")[0])
    words = [f"{number}-word{i}-other{random.randrange(10**6)}" for i in range(int(count))]
    attacker = Attacker(host, int(port), number)
    sender = attacker.find(5)
    # The right one is opened with the others, and proved behind them: it is no more than one of them.
    exchanges = [attacker.opened(sender, guess) for guess in words[:AT_ONCE] + [code]]
    opened = [exchange for exchange in exchanges if exchange is not None]
    for exchange in opened:
        attacker.prove(exchange)
    for exchange in opened:
        attacker.heard(PROVED, exchange[0], 0.5)
    free = 0
    for guess in words[AT_ONCE:] + [code]:
        sender = attacker.find(PATIENCE_S)
        if sender is None or sender[3] != 1:
            continue
        free += 1
        exchange = attacker.opened(sender, guess)
        if exchange is not None:
            attacker.prove(exchange)
            attacker.heard(PROVED, exchange[0], 0.5)
    told = {"opened": len(opened), "free": free, "guesses": len(words)}
    print(json.dumps({**told, "proved": attacker.answers[PROVED], "refused": attacker.answers[REFUSED]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
