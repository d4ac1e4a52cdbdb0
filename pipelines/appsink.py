#!/usr/bin/python3
"""appsink.py - pictures in a Python program: an appsink receives codesrc's frames as bytes. Writes
0.ppm, 1.ppm... and prints each picture's class, seed and frame. Debian packages: python3-gi,
gir1.2-gst-plugins-base-1.0.

Usage: appsink.py [PROPERTY=VALUE...]
  of codesrc, such as class-name=aurora num-buffers=4
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, Gst, GstApp, GstVideo  # noqa: E402,F401


def facts(buffer):
    """The buffer's meta, GstCodeMeta, says how the picture was made: see docs/properties.md."""
    structure = buffer.get_custom_meta("GstCodeMeta").get_structure()
    return (structure.get_string("class-name"), structure.get_uint64("seed")[1],
            structure.get_uint64("frame")[1])


def pixels(sample):
    """Width, height, and rows of RGB without padding."""
    info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
    buffer = sample.get_buffer()
    data = buffer.extract_dup(0, buffer.get_size())
    rows = (data[y * info.stride[0]:][: 3 * info.width] for y in range(info.height))
    return info.width, info.height, b"".join(rows)


def main():
    if any("=" not in argument for argument in sys.argv[1:]):
        if {"--help", "-h"} & set(sys.argv):
            print(__doc__)
            return 0
        print(f"{sys.argv[0]}: expected PROPERTY=VALUE; see --help", file=sys.stderr)
        return 2
    Gst.init(None)
    properties = " ".join('{}="{}"'.format(*a.split("=", 1)) for a in sys.argv[1:])
    try:
        pipeline = Gst.parse_launch(f"codesrc num-buffers=2 {properties} ! "
                                    "video/x-raw,format=RGB ! "
                                    "appsink name=sink sync=false")
    except GLib.Error as error:
        hint = "\nAfter ./demo, set GStreamer's path:\n  . build/demo/env.sh"
        missing = error.matches(Gst.ParseError.quark(), Gst.ParseError.NO_SUCH_ELEMENT)
        sys.exit(f"{sys.argv[0]}: {error.message}{hint if missing else ''}")
    sink = pipeline.get_by_name("sink")
    if pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
        sink.set_state(Gst.State.NULL)  # so that pull_sample does not wait

    number = 0
    while sample := sink.pull_sample():  # None at the end, also after an error
        name, seed, frame = facts(sample.get_buffer())
        width, height, rgb = pixels(sample)
        with open(f"{number}.ppm", "wb") as file:
            file.write(b"P6\n%d %d\n255\n" % (width, height) + rgb)
        print(f"{number}.ppm: {name}, seed {seed}, frame {frame}")
        number += 1

    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message:
        sys.exit(f"{sys.argv[0]}: {message.parse_error()[0].message}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
