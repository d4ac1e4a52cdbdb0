#!/usr/bin/python3
"""rtsp-server.py - serves pictures over RTSP to any number of viewers. Each address is a stream:
rtsp://HOST:PORT/CLASS?PROPERTY=VALUE&... Viewers of one address share its pictures.

Usage: pipelines/rtsp-server.py [ADDRESS:PORT] [PROPERTY=VALUE...]
  ADDRESS:PORT    where to listen, 0.0.0.0:8554 for all; default: 127.0.0.1:8554
  PROPERTY=VALUE  of codesrc, for all streams: model=vistas, device=cpu, ...

Debian: apt install python3-gi gir1.2-gst-rtsp-server-1.0
"""
import sys
import urllib.parse

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer
except (ImportError, ValueError) as reason:
    sys.exit(f"{sys.argv[0]}: {reason}; on Debian, install python3-gi and "
             "gir1.2-gst-rtsp-server-1.0")

# What a viewer may choose. The model and the device are the server's.
OPEN = {"class-id-2", "class-mix", "drafting-steps", "first-frame", "guidance", "more-smooth",
        "seed", "temperature", "top-k", "top-p"}

# A picture a second as 25 frames a second, each picture from its time on.
ENCODER = ("( videoconvert name=in ! imagefreeze is-live=true allow-replace=true ! "
           "video/x-raw,format=I420,framerate=25/1 ! "
           "vp8enc deadline=1 keyframe-max-dist=50 target-bitrate=2000000 ! "
           "rtpvp8pay name=pay0 pt=96 )")


def class_of(url):
    """The first part of the path, still escaped: SETUP appends the stream's name."""
    return url.abspath.partition("/stream=")[0].strip("/")


class Mounts(GstRtspServer.RTSPMountPoints):
    """Every path leads to the one factory."""

    def do_make_path(self, url):
        _, slash, stream = url.abspath.partition("/stream=")
        return "/codesrc" + slash + stream


class Factory(GstRtspServer.RTSPMediaFactory):
    def __init__(self, properties):
        super().__init__()
        self.properties = properties
        self.set_shared(True)

    def do_gen_key(self, url):
        return f"{class_of(url)}?{url.query or ''}"

    def do_create_element(self, url):
        address = f"code://{class_of(url)}" + (f"?{url.query}" if url.query else "")
        try:
            closed = set(dict(urllib.parse.parse_qsl(url.query or "", True))) - OPEN
            if closed:
                raise ValueError(f"found {', '.join(sorted(closed))}, expected "
                                 f"{', '.join(sorted(OPEN))}")
            source = Gst.Element.make_from_uri(Gst.URIType.SRC, address, None)
            for name, value in self.properties:
                Gst.util_set_object_arg(source, name, value)
            source.set_property("is-live", True)
            stream = Gst.parse_launch(ENCODER)
        except (ValueError, GLib.Error) as error:
            print(f"{sys.argv[0]}: {address}: {error}", file=sys.stderr, flush=True)
            return None
        print(f"{address}: begins", flush=True)
        stream.add(source)
        source.link_filtered(stream.get_by_name("in"),
                             Gst.Caps.from_string("video/x-raw,framerate=1/1"))
        return stream


def arguments():
    where, properties = "127.0.0.1:8554", []
    for i, argument in enumerate(sys.argv[1:]):
        name, equals, value = argument.partition("=")
        if argument in ("-h", "--help"):
            print(__doc__)
            sys.exit(0)
        if equals:
            properties.append((name, value))
        elif i == 0 and ":" in argument:
            where = argument
        else:
            sys.exit(f'{sys.argv[0]}: found "{argument}", expected PROPERTY=VALUE; see --help')
    return where.rpartition(":"), properties


def main():
    (address, _, port), properties = arguments()
    Gst.init(None)
    source = Gst.ElementFactory.make("codesrc")
    if not source:
        sys.exit(f"{sys.argv[0]}: GStreamer does not find codesrc. After ./demo, set its path:\n"
                 "  . build/demo/env.sh")
    for name, _ in properties:
        if not source.find_property(name):
            sys.exit(f"{sys.argv[0]}: codesrc has no property {name}")
    server = GstRtspServer.RTSPServer()
    server.set_address(address)
    server.set_service(port)
    server.set_mount_points(Mounts())
    server.get_mount_points().add_factory("/codesrc", Factory(properties))
    if not server.attach(None):
        sys.exit(f"{sys.argv[0]}: {address}:{port}: cannot listen there")
    # The server ends no session by itself: a stream would go on for ever after its last viewer has
    # left without a word.
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() or True)
    print(f"rtsp://{address}:{server.get_bound_port()}/", flush=True)
    try:
        GLib.MainLoop().run()
    except KeyboardInterrupt:
        pass


main()
