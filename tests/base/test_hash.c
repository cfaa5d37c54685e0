/* Hashes against published vectors (FIPS 180-2, the XXH3 reference) and Python's hashlib. */
#include "help.h"

static void test_sha256_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } CASES[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char hex[SHA256_HEX + 1];
        sha256_of(CASES[i].text, strlen(CASES[i].text), hex);
        assert_string_equal(hex, CASES[i].hex);
    }
    char hex[SHA256_HEX + 1];
    sha256_of(NULL, 0, hex);
    assert_string_equal(hex, CASES[0].hex);
}

/* A million times 'a', in pieces of every size. */
static void test_sha256_in_pieces(void **state)
{
    (void)state;
    SCRATCH(arena);
    char piece[997], hex[SHA256_HEX + 1];
    memset(piece, 'a', sizeof piece);
    Sha256 *hash = sha256_new(arena);
    for (size_t left = 1000000, size = 1; left > 0; size = size % 997 + 1) {
        if (size > left) size = left;
        sha256_add(hash, piece, size);
        left -= size;
    }
    sha256_hex(hash, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void framed(const char *a, const char *b, char *hex)
{
    SCRATCH(arena);
    Sha256 *hash = sha256_new(arena);
    sha256_add_text(hash, a);
    sha256_add_text(hash, b);
    sha256_hex(hash, hex);
}

static void test_framing(void **state)
{
    (void)state;
    SCRATCH(arena);
    char one[SHA256_HEX + 1], two[SHA256_HEX + 1];
    framed("a", "bc", one);
    framed("ab", "c", two);
    assert_string_not_equal(one, two);
    framed("a", "bc", two);
    assert_string_equal(one, two);
    /* sha256(05 00*7 "hello" fe ff*7): the form is on disk and does not change. */
    Sha256 *hash = sha256_new(arena);
    sha256_add_text(hash, "hello");
    sha256_add_int(hash, -2);
    sha256_hex(hash, one);
    assert_string_equal(one, "63780b8cc7e5faf0974e09d70d5a2e7c3f39209ea566c179e6bb3c58bae9dbcc");
}

static void test_xxh64(void **state)
{
    (void)state;
    assert_true(xxh64("", 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(xxh64(NULL, 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(xxh64("abc", 3) == UINT64_C(0x78af5f94892f3950));
    assert_true(xxh64("abc", 3) != xxh64("abd", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_vectors),
        cmocka_unit_test(test_sha256_in_pieces),
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_xxh64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
