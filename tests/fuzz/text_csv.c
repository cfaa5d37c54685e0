/* CSV: see text_fuzz.h. */
#include "text_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    fuzz_text(FORMAT_CSV, "csv:///x", bytes, size_bytes);
    return 0;
}
