#!/usr/bin/python3
"""timeline.py - edits pictures as clips, with the GStreamer Editing Services: two code:// clips,
of which the second fades in over the end of the first.

Usage: pipelines/timeline.py [FILE] [URI URI]
  FILE  a .webm file; default: timeline.webm
  URI   with num-buffers, which gives the clip its length, at a picture a second;
        default: code://aurora?seed=7&num-buffers=4 and code://volcano?seed=7&num-buffers=4

Debian: apt install python3-gi gir1.2-ges-1.0
"""
import os
import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GES", "1.0")
    gi.require_version("GstPbutils", "1.0")
    from gi.repository import GES, GLib, Gst, GstPbutils
except (ImportError, ValueError) as reason:
    sys.exit(f"{sys.argv[0]}: {reason}; on Debian, install python3-gi and gir1.2-ges-1.0")

FADE = Gst.SECOND
CAPS = "video/x-raw,width=256,height=256,framerate=25/1"


def webm():
    profile = GstPbutils.EncodingContainerProfile.new(
        None, None, Gst.Caps.from_string("video/webm"), None)
    profile.add_profile(GstPbutils.EncodingVideoProfile.new(
        Gst.Caps.from_string("video/x-vp8"), None, Gst.Caps.from_string(CAPS), 1))
    return profile


def timeline_of(uris):
    timeline = GES.Project.new(None).extract()
    track = GES.VideoTrack.new()
    track.set_restriction_caps(Gst.Caps.from_string(CAPS))
    timeline.add_track(track)
    layer = timeline.append_layer()
    layer.set_auto_transition(True)
    start = 0
    for uri in uris:
        asset = GES.UriClipAsset.request_sync(uri)
        clip = layer.add_asset(asset, start, 0, asset.get_duration(), GES.TrackType.VIDEO)
        if not clip:
            sys.exit(f"{sys.argv[0]}: {uri}: is no clip")
        start += clip.get_duration() - FADE
    return timeline


def main():
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if len(arguments) not in (0, 1, 3):
        sys.exit(f"{sys.argv[0]}: expected a file and two URIs; see --help")
    Gst.init(None)
    GES.init()
    pipeline = GES.Pipeline()
    try:
        pipeline.set_timeline(timeline_of(arguments[1:] or [
            "code://aurora?seed=7&num-buffers=4", "code://volcano?seed=7&num-buffers=4"]))
    except GLib.Error as error:
        sys.exit(f"{sys.argv[0]}: {error.message}")
    output = Gst.filename_to_uri(os.path.abspath((arguments or ["timeline.webm"])[0]))
    pipeline.set_render_settings(output, webm())
    pipeline.set_mode(GES.PipelineFlags.RENDER)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    failed = message.type == Gst.MessageType.ERROR
    if failed:
        print(f"{sys.argv[0]}: {message.parse_error().gerror.message}", file=sys.stderr)
    pipeline.set_state(Gst.State.NULL)
    return int(failed)


sys.exit(main())
