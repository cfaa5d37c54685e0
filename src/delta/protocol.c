/* What of the Delta protocol is known here: the one table of features, and the two questions asked
 * of it.
 *
 * A feature listed here is one that a reader of the *log* handles: its actions are understood and
 * handed on (deletion vectors as text, physical names in the schema). Everything else is refused by
 * name, never guessed. */
#include "delta/delta_int.h"
#include <string.h>

enum { READER_NEWEST = 3, WRITER_OURS = 2 };

static const char *const READER_FEATURES[] = {
    "columnMapping", "deletionVectors",     "timestampNtz",         "typeWidening",
    "v2Checkpoint",  "vacuumProtocolCheck", "typeWidening-preview",
};

static bool is_known(const char *feature)
{
    for (size_t i = 0; i < sizeof READER_FEATURES / sizeof *READER_FEATURES; i++)
        if (strcmp(READER_FEATURES[i], feature) == 0) return true;
    return false;
}

Err *delta_protocol_check_readable(const DeltaProtocol *protocol)
{
    if (protocol->reader > READER_NEWEST)
        return ERR(UNSUPPORTED,
                   "the table needs reader version %d; this build knows versions up to %d",
                   protocol->reader, READER_NEWEST);
    if (protocol->reader < READER_NEWEST) return NULL;
    for (size_t i = 0; i < protocol->reader_feature_count; i++)
        if (!is_known(protocol->reader_features[i]))
            return ERR(UNSUPPORTED,
                       "the table needs the reader feature \"%s\", which this build does not know",
                       protocol->reader_features[i]);
    return NULL;
}

Err *delta_protocol_check_writable(const DeltaProtocol *protocol)
{
    if (protocol->reader == 1 && protocol->writer >= 1 && protocol->writer <= WRITER_OURS)
        return NULL;
    return ERR(UNSUPPORTED,
               "the table needs reader version %d and writer version %d; only tables of versions 1 "
               "and %d are written",
               protocol->reader, protocol->writer, WRITER_OURS);
}
