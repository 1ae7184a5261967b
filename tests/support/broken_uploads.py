"""Uploads to 127.0.0.1:PORT from ADDRESS, all of it ("stored") or until it breaks off ("broken"); says what came of it.

Arguments: PORT ADDRESS stored|broken NAME SIZE SENT.
"""
import hashlib
import json
import socket
import struct
import sys
import time

port, address, kind, name, size, sent = (
    int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
connection = socket.socket()
connection.settimeout(30)
connection.bind((address, 0))
connection.connect(("127.0.0.1", port))


def say(body):
    connection.sendall(struct.pack(">I", len(body)) + body)


def message():
    prefix = connection.recv(4, socket.MSG_WAITALL)
    return json.loads(connection.recv(struct.unpack(">I", prefix)[0], socket.MSG_WAITALL))


def command(**fields):
    say(json.dumps(fields).encode())


content = (address.encode() * (size // len(address) + 1))[:size]
command(command="put", name=f"{name} of {address} {time.time_ns()}" if kind == "stored" else name,
        size=size, mtime=0)
ready = message()
if ready["status"] != "ready":
    print("refused", ready["message"], flush=True)
else:
    command(command="body", offset=0)
    body = content if kind == "stored" else content[:sent]
    for at in range(0, len(body), 1 << 20):
        say(body[at:at + (1 << 20)])
    if kind == "stored":
        say(b"")
        command(command="end", sha256=hashlib.sha256(content).hexdigest())
        print(message()["status"], flush=True)
    else:
        connection.close()
        print("broken", flush=True)
time.sleep(60)
