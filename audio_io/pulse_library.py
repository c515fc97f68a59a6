"""The part of libpulse's C interface that Everlisten uses, as declarations for cffi."""

from __future__ import annotations

from functools import cache
from typing import Any

from everlisten.audio_io.errors import AudioError

CONTEXT_READY, CONTEXT_FAILED = 4, 5
CONTEXT_NOAUTOSPAWN = 1
OPERATION_RUNNING = 0
ERROR_ACCESS = 1
STREAM_READY, STREAM_FAILED = 2, 3
STREAM_DONT_MOVE, STREAM_ADJUST_LATENCY = 0x0200, 0x2000
SAMPLE_FLOAT32LE = 5
MAX_CHANNELS = 32
ANY_SIZE = 0xFFFFFFFF
"""Lets the server choose a buffer size."""

DECLARATIONS = """
typedef struct pa_threaded_mainloop pa_threaded_mainloop;
typedef struct pa_mainloop_api pa_mainloop_api;
typedef struct pa_context pa_context;
typedef struct pa_operation pa_operation;
typedef struct pa_stream pa_stream;
typedef uint64_t pa_usec_t;
typedef struct { int format; uint32_t rate; uint8_t channels; } pa_sample_spec;
typedef struct { uint8_t channels; int map[32]; } pa_channel_map;
typedef struct { uint8_t channels; uint32_t values[32]; } pa_cvolume;
typedef struct { uint32_t maxlength, tlength, prebuf, minreq, fragsize; } pa_buffer_attr;
typedef struct {
    const char *user_name, *host_name, *server_version, *server_name;
    pa_sample_spec sample_spec;
    const char *default_sink_name, *default_source_name;
    uint32_t cookie;
} pa_server_info;
typedef struct {
    const char *name;
    uint32_t index;
    const char *description;
    pa_sample_spec sample_spec;
    pa_channel_map channel_map;
    uint32_t owner_module;
    pa_cvolume volume;
    int mute;
    uint32_t monitor_of_sink;
    const char *monitor_of_sink_name;
    pa_usec_t latency;
} pa_source_info;
typedef void (*pa_server_info_cb_t)(pa_context *c, const pa_server_info *i, void *userdata);
typedef void (*pa_source_info_cb_t)(pa_context *c, const pa_source_info *i,
    int eol, void *userdata);

pa_threaded_mainloop *pa_threaded_mainloop_new(void);
void pa_threaded_mainloop_free(pa_threaded_mainloop *m);
int pa_threaded_mainloop_start(pa_threaded_mainloop *m);
void pa_threaded_mainloop_stop(pa_threaded_mainloop *m);
void pa_threaded_mainloop_lock(pa_threaded_mainloop *m);
void pa_threaded_mainloop_unlock(pa_threaded_mainloop *m);
pa_mainloop_api *pa_threaded_mainloop_get_api(pa_threaded_mainloop *m);
pa_context *pa_context_new(pa_mainloop_api *api, const char *name);
void pa_context_unref(pa_context *c);
int pa_context_errno(const pa_context *c);
int pa_context_get_state(const pa_context *c);
int pa_context_connect(pa_context *c, const char *server, int flags, const void *api);
void pa_context_disconnect(pa_context *c);
pa_operation *pa_context_get_server_info(pa_context *c, pa_server_info_cb_t cb, void *userdata);
pa_operation *pa_context_get_source_info_list(pa_context *c,
    pa_source_info_cb_t cb, void *userdata);
int pa_operation_get_state(const pa_operation *o);
void pa_operation_cancel(pa_operation *o);
void pa_operation_unref(pa_operation *o);
const char *pa_strerror(int error);
pa_stream *pa_stream_new(pa_context *c, const char *name, const pa_sample_spec *ss,
    const pa_channel_map *map);
void pa_stream_unref(pa_stream *s);
int pa_stream_get_state(const pa_stream *s);
int pa_stream_connect_record(pa_stream *s, const char *dev,
    const pa_buffer_attr *attr, int flags);
int pa_stream_disconnect(pa_stream *s);
int pa_stream_peek(pa_stream *s, const void **data, size_t *nbytes);
int pa_stream_drop(pa_stream *s);
size_t pa_stream_readable_size(const pa_stream *s);
"""


class SoundServerError(AudioError):
    """There is no PulseAudio or PipeWire server that answers."""

    def __init__(self, reason: str) -> None:
        """Say why."""
        super().__init__(
            f"No sound server (PulseAudio or PipeWire) answers ({reason}); start one, for example "
            "with 'systemctl --user start pipewire-pulse' or 'pulseaudio --start'."
        )


@cache
def library() -> tuple[Any, Any]:
    """(cffi handle, libpulse); raises `SoundServerError` where the library is missing."""
    import cffi  # type: ignore[import-untyped]

    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    try:
        return ffi, ffi.dlopen("libpulse.so.0")
    except OSError as error:
        raise SoundServerError("libpulse is not installed") from error
