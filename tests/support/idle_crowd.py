"""Connects COUNT times to 127.0.0.1:PORT from the addresses that follow, in turn; says so, and then waits.

What is sent first on each connection is PREFIX. Connections that are refused or cut off count as well.
"""
import socket
import sys
import time

port, count, prefix = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
sources = sys.argv[4:]
held = []
for i in range(count):
    connection = socket.socket()
    connection.settimeout(10)
    connection.bind((sources[i % len(sources)], 0))
    try:
        connection.connect(("127.0.0.1", port))
        if prefix:
            connection.sendall(prefix)
    except OSError:
        pass
    held.append(connection)
print("connected", len(held), flush=True)
time.sleep(120)
