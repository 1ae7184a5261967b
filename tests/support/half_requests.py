"""Holds COUNT connections from ADDRESS to 127.0.0.1:PORT, for a minute at most; says "begun" when all were made once.

Each sends the head of a request, a byte every tenth of a second and never its end. One that is closed is made anew.

Arguments: PORT COUNT ADDRESS.
"""
import socket
import sys
import time

port, count, address = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def half():
    connection = socket.socket()
    connection.settimeout(10)
    connection.bind((address, 0))
    try:
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nx: ")
    except OSError:
        pass
    connection.setblocking(False)
    return connection


def is_closed(connection):
    try:
        connection.send(b"y")
        return connection.recv(1 << 16) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


held = [half() for _ in range(count)]
print("begun", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    for i, each in enumerate(held):
        if is_closed(each):
            each.close()
            held[i] = half()
    time.sleep(0.1)
