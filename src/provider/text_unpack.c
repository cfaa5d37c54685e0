/* gzip, zstd and bzip2, streamed: members, frames and streams may follow each other. */
#include "provider/text_int.h"
#include <bzlib.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

struct Unpacker {
    Compression compression;
    z_stream gzip;
    bz_stream bzip2;
    ZSTD_DStream *zstd;
    bool open;    /* gzip, bzip2: a member is being unpacked */
    bool between; /* whole members only so far */
};

Compression compression_of(const char *bytes, size_t size)
{
    if (size >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0) return COMPRESSION_GZIP;
    if (size >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0) return COMPRESSION_ZSTD;
    if (size >= 4 && memcmp(bytes, "BZh", 3) == 0 && bytes[3] >= '1' && bytes[3] <= '9')
        return COMPRESSION_BZIP2;
    return COMPRESSION_NONE;
}

const char *compression_name(Compression compression)
{
    static const char *const NAMES[] = {[COMPRESSION_NONE] = "none",
                                        [COMPRESSION_GZIP] = "gzip",
                                        [COMPRESSION_ZSTD] = "zstd",
                                        [COMPRESSION_BZIP2] = "bzip2"};
    return NAMES[compression];
}

Unpacker *unpacker_new(Compression compression)
{
    Unpacker *unpacker = calloc(1, sizeof *unpacker);
    if (unpacker == NULL) abort();
    unpacker->compression = compression;
    unpacker->between = true;
    if (compression == COMPRESSION_ZSTD) unpacker->zstd = ZSTD_createDStream();
    if (compression == COMPRESSION_ZSTD && unpacker->zstd == NULL) abort();
    return unpacker;
}

static void end_member(Unpacker *unpacker)
{
    if (unpacker->open && unpacker->compression == COMPRESSION_GZIP)
        (void)inflateEnd(&unpacker->gzip);
    if (unpacker->open && unpacker->compression == COMPRESSION_BZIP2)
        (void)BZ2_bzDecompressEnd(&unpacker->bzip2);
    unpacker->open = false;
}

void unpacker_free_at(Unpacker **out)
{
    Unpacker *unpacker = *out;
    if (unpacker == NULL) return;
    end_member(unpacker);
    (void)ZSTD_freeDStream(unpacker->zstd);
    free(unpacker);
    *out = NULL;
}

bool unpacker_is_between(const Unpacker *unpacker)
{
    return unpacker->between;
}

static bool step_gzip(Unpacker *unpacker, const char *in, size_t *size, char *out, size_t *room)
{
    z_stream *stream = &unpacker->gzip;
    if (!unpacker->open) {
        *stream = (z_stream){0};
        if (inflateInit2(stream, 16 + MAX_WBITS) != Z_OK) abort();
        unpacker->open = true;
    }
    stream->next_in = (z_const Bytef *)(uintptr_t)in;
    stream->avail_in = (uInt)*size;
    stream->next_out = (Bytef *)out;
    stream->avail_out = (uInt)*room;
    int status = inflate(stream, Z_NO_FLUSH);
    *size -= stream->avail_in;
    *room -= stream->avail_out;
    unpacker->between = status == Z_STREAM_END;
    if (status == Z_STREAM_END) end_member(unpacker);
    return status == Z_STREAM_END || status == Z_OK || status == Z_BUF_ERROR;
}

static bool step_bzip2(Unpacker *unpacker, const char *in, size_t *size, char *out, size_t *room)
{
    bz_stream *stream = &unpacker->bzip2;
    if (!unpacker->open) {
        *stream = (bz_stream){0};
        if (BZ2_bzDecompressInit(stream, 0, 0) != BZ_OK) abort();
        unpacker->open = true;
    }
    stream->next_in = (char *)(uintptr_t)in;
    stream->avail_in = (unsigned)*size;
    stream->next_out = out;
    stream->avail_out = (unsigned)*room;
    int status = BZ2_bzDecompress(stream);
    *size -= stream->avail_in;
    *room -= stream->avail_out;
    unpacker->between = status == BZ_STREAM_END;
    if (status == BZ_STREAM_END) end_member(unpacker);
    return status == BZ_STREAM_END || status == BZ_OK;
}

static bool step_zstd(Unpacker *unpacker, const char *in, size_t *size, char *out, size_t *room)
{
    ZSTD_inBuffer from = {in, *size, 0};
    ZSTD_outBuffer to = {out, *room, 0};
    size_t status = ZSTD_decompressStream(unpacker->zstd, &to, &from);
    *size = from.pos;
    *room = to.pos;
    unpacker->between = status == 0;
    return !ZSTD_isError(status);
}

bool unpacker_step(Unpacker *unpacker, const char *in, size_t *size, char *out, size_t *room)
{
    switch (unpacker->compression) {
    case COMPRESSION_GZIP: return step_gzip(unpacker, in, size, out, room);
    case COMPRESSION_BZIP2: return step_bzip2(unpacker, in, size, out, room);
    case COMPRESSION_ZSTD: return step_zstd(unpacker, in, size, out, room);
    case COMPRESSION_NONE: break;
    }
    return false;
}
