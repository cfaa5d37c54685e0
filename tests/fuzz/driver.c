/* Runs a fuzz target over a committed corpus as a plain test: `fuzz_x CORPUS_DIR`.
 *
 * Each file is given whole, at up to 64 cuts, and with 256 single bytes changed by a fixed
 * sequence, so that the damaged neighbours of good inputs are tried on every run, the same ones
 * each time. Inputs are copied into blocks of their exact size, where a sanitizer sees a read
 * behind the end. A missing or empty corpus fails. With
 * `-s FILE` one file is run alone, to see a crash again. With libFuzzer this file is left out. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

enum { INPUT_BYTES_MAX = 1 << 20, CUTS = 64, CHANGES = 256 };

static void run_copy(const uint8_t *bytes, size_t size_bytes)
{
    uint8_t *copy = malloc(size_bytes > 0 ? size_bytes : 1);
    if (copy == NULL) abort();
    memcpy(copy, bytes, size_bytes);
    (void)LLVMFuzzerTestOneInput(copy, size_bytes);
    free(copy);
}

static size_t read_file(const char *path, uint8_t *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size_t size_bytes = fread(out, 1, INPUT_BYTES_MAX, file);
    (void)fclose(file);
    return size_bytes;
}

static void run_neighbours(uint8_t *bytes, size_t size_bytes)
{
    for (size_t cut = 0; cut < CUTS && cut < size_bytes; cut++) {
        run_copy(bytes, size_bytes <= CUTS ? cut : size_bytes * cut / CUTS);
    }
    uint32_t random = 2463534242U; /* xorshift */
    for (int i = 0; i < CHANGES && size_bytes > 0; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        uint8_t *byte = &bytes[random % size_bytes], kept = *byte;
        uint32_t changed = i % 2 == 0 ? kept ^ 1U << (random >> 20) % 8 : random >> 24;
        *byte = (uint8_t)changed;
        run_copy(bytes, size_bytes);
        *byte = kept;
    }
}

static int run_directory(const char *path, uint8_t *buffer)
{
    struct dirent **entries = NULL;
    int files = 0, count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char file[4096];
        if (entries[i]->d_name[0] != '.') {
            (void)snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
            size_t size_bytes = read_file(file, buffer);
            run_copy(buffer, size_bytes);
            run_neighbours(buffer, size_bytes);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    return files;
}

int main(int argc, char **argv)
{
    uint8_t *buffer = malloc(INPUT_BYTES_MAX);
    int files = 0;
    if (buffer == NULL) abort();
    if (argc == 3 && strcmp(argv[1], "-s") == 0) {
        run_copy(buffer, read_file(argv[2], buffer));
        files = 1;
    } else if (argc == 2) {
        files = run_directory(argv[1], buffer);
    } else {
        (void)fprintf(stderr, "usage: %s CORPUS_DIR | -s FILE\n", argv[0]);
    }
    free(buffer);
    (void)printf("%d files\n", files);
    return files > 0 ? 0 : 1;
}
