"""A BitTorrent peer made of libtorrent 2, for the bench.

make FILE TORRENT: a version 2 torrent, which proves 16 KiB blocks by SHA-256, as Shoal does.
seed TORRENT FOLDER PORT: offers the file until it is ended.
fetch TORRENT FOLDER PORT IP:PORT...: fetches the file from these peers, gives to whoever comes to its port, and ends.
"""

import os
import sys
import time

import libtorrent as lt

MIB = 1 << 20

# TCP and no encryption, nothing that searches for peers or slows a single fast one down; requests
# and buffers deep enough for a gigabit and more.
SETTINGS = {
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "in_enc_policy": 2,
    "out_enc_policy": 2,
    "allow_multiple_connections_per_ip": True,
    "smooth_connects": False,
    "unchoke_slots_limit": -1,
    "hashing_threads": 2,
    "max_out_request_queue": 2000,
    "max_allowed_in_request_queue": 4000,
    "max_queued_disk_bytes": 64 * MIB,
    "send_buffer_watermark": 4 * MIB,
    "send_buffer_low_watermark": MIB,
    "alert_mask": lt.alert.category_t.status_notification
    | lt.alert.category_t.storage_notification
    | lt.alert.category_t.error_notification,
}


def make(path, torrent_path):
    files = lt.file_storage()
    lt.add_files(files, path)
    torrent = lt.create_torrent(files, 0, lt.create_torrent.v2_only)
    lt.set_piece_hashes(torrent, os.path.dirname(path))
    with open(torrent_path, "wb") as file:
        file.write(lt.bencode(torrent.generate()))


def join(torrent_path, folder, listen, flags):
    session = lt.session({**SETTINGS, "listen_interfaces": listen})
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent_path)
    params.save_path = folder
    params.flags = flags
    return session, session.add_torrent(params)


def seed(torrent_path, folder, port):
    session, _ = join(torrent_path, folder, f"0.0.0.0:{port}", lt.torrent_flags.seed_mode)
    while True:
        session.wait_for_alert(60_000)
        session.pop_alerts()


def fetch(torrent_path, folder, port, *peers):
    session, torrent = join(torrent_path, folder, f"0.0.0.0:{port}", 0)
    for peer in peers:
        address, port = peer.split(":")
        torrent.connect_peer((address, int(port)))
    while not torrent.status().is_seeding:
        session.wait_for_alert(20)
        session.pop_alerts()
    # Finished means proved; written is later.
    torrent.flush_cache()
    while not any(isinstance(alert, lt.cache_flushed_alert) for alert in session.pop_alerts()):
        time.sleep(0.001)
    # The session's farewell to trackers that there are not would take seconds.
    os._exit(0)


{"make": make, "seed": seed, "fetch": fetch}[sys.argv[1]](*sys.argv[2:])
