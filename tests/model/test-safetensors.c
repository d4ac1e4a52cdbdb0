/* test-safetensors.c - hostile .safetensors files. */
#include "../test.h"
#include "hostile.h"

#define FILE_NAME "case.safetensors"

/* A file of that header, and `size` bytes of values. */
static Bytes make(const char *header, size_t size)
{
    Bytes file = {0};

    put_number(&file, strlen(header), 8);
    put_text(&file, header);
    put_fill(&file, 0, size);
    return file;
}

static void refuse_header(const char *label, const char *header, size_t size, const char *text)
{
    Bytes file = make(header, size);

    refuse(CASE_WEIGHTS, label, FILE_NAME, &file, CODESRC_MALFORMED, text);
}

static void accept_header(const char *label, const char *header, size_t size)
{
    Bytes file = make(header, size);

    allow(CASE_WEIGHTS, label, FILE_NAME, &file);
}

/* One tensor of that type and shape at those offsets. */
#define TENSOR(name, type, shape, offsets)                                                         \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define FLOATS(name, shape, offsets) TENSOR(name, "F32", shape, offsets)
#define GOOD                         FLOATS("a", "[2]", "[0,8]")

static void test_length(void)
{
    static const struct {
        const char *label;
        uint64_t length;
        CodesrcStatus status;
    } lengths[] = {
        {"header length 0", 0, CODESRC_MALFORMED},
        {"header length 1", 1, CODESRC_MALFORMED},
        {"header length over the file", 200, CODESRC_TRUNCATED},
        {"header length 100,000,000", 100000000, CODESRC_MALFORMED},
        {"header length 100,000,001", 100000001, CODESRC_MALFORMED},
        {"header length 2^63", (uint64_t)1 << 63, CODESRC_MALFORMED},
        {"header length 2^64-1", UINT64_MAX, CODESRC_MALFORMED},
        {"header length 2^64-8", UINT64_MAX - 7, CODESRC_MALFORMED},
    };
    Bytes file = make("{" GOOD "}", 8);

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        Bytes copy = {0};

        put(&copy, file.data, file.size);
        set_number(&copy, 0, lengths[i].length, 8);
        refuse(CASE_WEIGHTS, lengths[i].label, FILE_NAME, &copy, lengths[i].status,
               "found a header length of");
    }
    set_number(&file, 0, 2, 8);
    refuse(CASE_WEIGHTS, "header length 2", FILE_NAME, &file, CODESRC_MALFORMED, "header, byte");
    for (unsigned size = 1; size < 10; size += 4) {
        put_fill(&file, 2, size);
        refuse(CASE_WEIGHTS, "a few bytes", FILE_NAME, &file, CODESRC_TRUNCATED,
               "expected a .safetensors or .pth file");
    }
    refuse_header("no tensor", "{}", 0, "found no tensor");
}

/* The length of this header begins with the bytes that begin a gzip archive. */
static void accept_gzip(void)
{
    enum { LENGTH = 0x8b1f };
    static const char tensor[] = "{" GOOD "}";
    char *header = malloc(LENGTH + 1);

    memset(header, ' ', LENGTH);
    memcpy(header, tensor, sizeof tensor - 1);
    header[LENGTH] = '\0';
    accept_header("length like gzip", header, 8);
    free(header);
}

static void test_json(void)
{
    Bytes file = {0};

    put_number(&file, 1000000, 8);
    put_text(&file, "{\"a\":");
    put_fill(&file, '[', 1000000 - 5);
    refuse(CASE_WEIGHTS, "a million brackets", FILE_NAME, &file, CODESRC_MALFORMED,
           "found a list, expected an object");
    put_number(&file, 1000000, 8);
    put_text(&file, "{\"a\":{\"shape\":");
    put_fill(&file, '[', 1000000 - 14);
    refuse(CASE_WEIGHTS, "a million brackets as a shape", FILE_NAME, &file, CODESRC_MALFORMED,
           "found a list, expected whole numbers");
    refuse_header("object in a shape", "{" FLOATS("a", "[{}]", "[0,8]") "}", 8,
                  "found an object, expected whole numbers");
    refuse_header("string without an end", "{\"a", 0,
                  "found its end, expected the end of a string");
    refuse_header("brackets without an end", "{" GOOD, 8,
                  "found its end, expected closing brackets");
    refuse_header("NUL in a name", "{" FLOATS("a\\u0000b", "[2]", "[0,8]") "}", 8, "header, byte");
    refuse_header("lone surrogate", "{" FLOATS("\\uD800", "[2]", "[0,8]") "}", 8, "header, byte");
    refuse_header("invalid UTF-8", "{" FLOATS("\xC3(", "[2]", "[0,8]") "}", 8, "header, byte");
    refuse_header("overlong UTF-8", "{" FLOATS("\xC0\xAF", "[2]", "[0,8]") "}", 8, "header, byte");
    refuse_header("control character in a name", "{" FLOATS("a\\nb", "[2]", "[0,8]") "}", 8,
                  "UTF-8 without control characters");
    refuse_header("space before", " {" GOOD "}", 8, "found byte 0x20");
    refuse_header("byte order mark", "\xEF\xBB\xBF{" GOOD "}", 8, "found byte 0xef");
    refuse_header("list as the root", "[" GOOD "]", 8, "found byte 0x5b");
    accept_header("spaces after", "{" GOOD "}     ", 8);
    accept_gzip();
    refuse_header("line feed after", "{" GOOD "}\n", 8, "expected spaces only");
    refuse_header("junk after", "{" GOOD "} x", 8, "expected spaces only");
    refuse_header("second object", "{" GOOD "}{}", 8, "expected spaces only");
    refuse_header("trailing comma", "{" GOOD ",}", 8, "header, byte");
    refuse_header("wrong bracket", "{\"a\":{\"shape\":[2}}", 8, "header, byte");
    refuse_header("comment", "{/**/" GOOD "}", 8, "header, byte 1: found /");
    refuse_header("NaN", "{" FLOATS("a", "[NaN]", "[0,8]") "}", 8,
                  "found N, expected whole numbers");
    refuse_header("null", "{\"a\":null}", 0, "found n, expected whole numbers");
    refuse_header("true", "{\"a\":true}", 0, "found t, expected whole numbers");
}

static void test_numbers(void)
{
    refuse_header("1e3", "{" FLOATS("a", "[1e3]", "[0,4000]") "}", 4000, "found e,");
    refuse_header("1.0", "{" FLOATS("a", "[1.0]", "[0,4]") "}", 4, "found .,");
    refuse_header("-1", "{" FLOATS("a", "[-1]", "[0,4]") "}", 4, "found -,");
    refuse_header("01", "{" FLOATS("a", "[01]", "[0,4]") "}", 4, "header, byte");
    refuse_header("2^64", "{" FLOATS("a", "[18446744073709551616]", "[0,4]") "}", 4,
                  "header, byte");
    refuse_header("40 digits",
                  "{" FLOATS("a", "[1111111111222222222233333333334444444444]", "[0,4]") "}", 4,
                  "header, byte");
    refuse_header("number as a dtype", "{\"a\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}",
                  8, "expected the keys dtype");
    refuse_header("string as a shape", "{" FLOATS("a", "\"2\"", "[0,8]") "}", 8,
                  "expected the keys dtype");
}

static void test_keys(void)
{
    Bytes file = {0}, name = {0};
    char length[9] = {0};

    refuse_header("unknown key of a tensor",
                  "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8,
                  "and no other");
    refuse_header("no dtype", "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "tensor 'a'");
    refuse_header("no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8,
                  "tensor 'a'");
    refuse_header("no data_offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "tensor 'a'");
    refuse_header("one offset", "{" FLOATS("a", "[2]", "[8]") "}", 8, "data_offsets (two)");
    refuse_header("three offsets", "{" FLOATS("a", "[2]", "[0,4,8]") "}", 8, "data_offsets (two)");
    refuse_header("tensor as a list", "{\"a\":[1]}", 0, "found a list, expected an object");
    refuse_header("tensor as a string", "{\"a\":\"b\"}", 0, "tensor 'a'");
    refuse_header("same name, same tensor", "{" GOOD "," GOOD "}", 8, "header, byte");
    refuse_header("same name, other tensor", "{" GOOD "," FLOATS("a", "[2]", "[8,16]") "}", 16,
                  "header, byte");
    refuse_header("same name when unescaped", "{" GOOD "," FLOATS("\\u0061", "[2]", "[8,16]") "}",
                  16, "header, byte");
    refuse_header(
        "same key in a tensor",
        "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
        "header, byte");
    accept_header("__metadata__", "{\"__metadata__\":{\"format\":\"pt\"}," GOOD "}", 8);
    refuse_header("__metadata__ twice", "{\"__metadata__\":{},\"__metadata__\":{}," GOOD "}", 8,
                  "header, byte");
    refuse_header("__metadata__ no object", "{\"__metadata__\":\"x\"," GOOD "}", 8, "__metadata__");
    refuse_header("__metadata__ of numbers", "{\"__metadata__\":{\"x\":1}," GOOD "}", 8,
                  "expected an object of strings");
    accept_header("__proto__ is a name", "{" FLOATS("__proto__", "[2]", "[0,8]") "}", 8);
    refuse_header("empty name", "{" FLOATS("", "[2]", "[0,8]") "}", 8, "a name of 1 to 512 bytes");

    put_text(&name, "{\"");
    put_fill(&name, 'n', 65536);
    put_text(&name, "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}");
    put_number(&file, name.size, 8);
    put(&file, name.data, name.size);
    put(&file, length, 8);
    clear(&name);
    refuse(CASE_WEIGHTS, "name of 64 KiB", FILE_NAME, &file, CODESRC_MALFORMED, "1 to 512 bytes");
}

static void test_offsets(void)
{
    Bytes file;

    refuse_header("overlap", "{" GOOD "," FLOATS("b", "[2]", "[4,12]") "}", 12,
                  "tensor 'b': found its values at byte 4, expected them at byte 8");
    refuse_header("two on one place", "{" GOOD "," FLOATS("b", "[2]", "[0,8]") "}", 8,
                  "expected them at byte 8");
    refuse_header("hole", "{" GOOD "," FLOATS("b", "[2]", "[12,20]") "}", 20,
                  "found its values at byte 12, expected them at byte 8");
    refuse_header("hole at the beginning", "{" FLOATS("a", "[2]", "[4,12]") "}", 12,
                  "expected them at byte 0");
    refuse_header("end before begin", "{" FLOATS("a", "[2]", "[8,0]") "}", 8,
                  "data_offsets 8 to 0");
    file = make("{" FLOATS("a", "[4]", "[0,16]") "}", 8);
    refuse(CASE_WEIGHTS, "over the end", FILE_NAME, &file, CODESRC_TRUNCATED,
           "expected 16: cut short");
    file = make("{" GOOD "}", 7);
    refuse(CASE_WEIGHTS, "one byte missing", FILE_NAME, &file, CODESRC_TRUNCATED,
           "found 7 bytes of values in the file, expected 8");
    refuse_header("one byte more", "{" GOOD "}", 9, "found 1 bytes after the last tensor");
    accept_header("swapped order", "{" FLOATS("b", "[2]", "[8,16]") "," GOOD "}", 16);
    accept_header("empty tensors in one place",
                  "{" FLOATS("b", "[0]", "[8,8]") "," GOOD "," FLOATS("c", "[0,7]", "[8,8]") "}",
                  8);
    refuse_header("empty tensor over the end", "{" GOOD "," FLOATS("b", "[0]", "[9,9]") "}", 9,
                  "tensor 'b': found its values at byte 9");
}

static void test_shapes(void)
{
    Bytes file = {0}, header = {0};

    refuse_header("a shape that wraps to 4 elements",
                  "{" FLOATS("a", "[4194305,4194305,211106198978564]", "[0,16]") "}", 16,
                  "found a shape that overflows");
    refuse_header("[2, 2^63-1]", "{" FLOATS("a", "[2,9223372036854775807]", "[0,8]") "}", 8,
                  "found a shape that overflows");
    refuse_header("[2^62], times four bytes", "{" FLOATS("a", "[4611686018427387904]", "[0,0]") "}",
                  0, "found a shape that overflows");
    refuse_header("overflow before a zero",
                  "{" FLOATS("a", "[9223372036854775807,9223372036854775807,0]", "[0,0]") "}", 0,
                  "found a shape that overflows");
    refuse_header("overflow after a zero",
                  "{" FLOATS("a", "[0,9223372036854775807,9223372036854775807]", "[0,0]") "}", 0,
                  "found a shape that overflows");
    accept_header("[0]", "{" FLOATS("a", "[0]", "[0,0]") "}", 0);
    accept_header("[]", "{" FLOATS("a", "[]", "[0,4]") "}", 4);
    accept_header("8 dimensions", "{" FLOATS("a", "[1,1,1,1,1,1,1,2]", "[0,8]") "}", 8);
    refuse_header("9 dimensions", "{" FLOATS("a", "[1,1,1,1,1,1,1,1,2]", "[0,8]") "}", 8,
                  "8 dimensions at most");
    put_text(&header, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1");
    put_repeated(&header, ",1", 999);
    put_text(&header, "],\"data_offsets\":[0,4]}}");
    put_number(&file, header.size, 8);
    put(&file, header.data, header.size);
    put_number(&file, 0, 4);
    clear(&header);
    refuse(CASE_WEIGHTS, "1,000 dimensions", FILE_NAME, &file, CODESRC_MALFORMED,
           "8 dimensions at most");
    refuse_header("shape and bytes differ", "{" FLOATS("a", "[3]", "[0,8]") "}", 8,
                  "expected 12 bytes for its shape and type");
}

static void test_types(void)
{
    static const char *const listed[] = {"I64", "I32", "I16",  "I8",      "U64",     "U32",
                                         "U16", "U8",  "BOOL", "F8_E4M3", "F8_E5M2", "C64"};
    static const char *const refused[] = {"F31", "f32", "F4", "F6_E2M3", "F6_E3M2", "", "F32 "};
    static const unsigned sizes[] = {8, 4, 2, 1, 8, 4, 2, 1, 1, 1, 1, 8};
    char header[200], label[60];

    for (size_t i = 0; i < sizeof listed / sizeof *listed; i++) {
        snprintf(header, sizeof header, "{" TENSOR("a", "%s", "[2]", "[0,%u]") "}", listed[i],
                 2 * sizes[i]);
        snprintf(label, sizeof label, "type %s is listed", listed[i]);
        accept_header(label, header, 2 * sizes[i]);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(header, sizeof header, "{" TENSOR("a", "%s", "[2]", "[0,8]") "}", refused[i]);
        snprintf(label, sizeof label, "type '%s'", refused[i]);
        refuse_header(label, header, 8, "expected F32, F16, BF16, F64 or another type");
    }
    accept_header("values at an odd address", "{" FLOATS("a", "[2]", "[0,8]") "}    ", 8);
    accept_header("odd types before floats",
                  "{" TENSOR("b", "U8", "[3]", "[0,3]") "," FLOATS("a", "[2]", "[3,11]") "}", 11);
}

/* A header whose length in bytes looks like the beginning of another format. */
static void test_disguise(void)
{
    static const unsigned lengths[] = {0x280, 0x380, 0x4b50}; /* pickles of protocol 2, 3; "PK" */

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        Bytes file = {0};
        char label[60];

        put_number(&file, lengths[i], 8);
        put_text(&file, "{" GOOD "}");
        put_fill(&file, ' ', lengths[i] - (file.size - 8));
        put_number(&file, 0, 8);
        snprintf(label, sizeof label, "header of 0x%x bytes", lengths[i]);
        allow(CASE_WEIGHTS, label, FILE_NAME, &file);
    }
}

/* A file of that many empty tensors. */
static Bytes make_many(unsigned count)
{
    Bytes header = {0}, file = {0};
    char entry[100];

    put_text(&header, "{");
    for (unsigned i = 0; i < count; i++) {
        snprintf(entry, sizeof entry,
                 "%s\"%06u\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "",
                 i);
        put_text(&header, entry);
    }
    put_text(&header, "}");
    put_number(&file, header.size, 8);
    put(&file, header.data, header.size);
    clear(&header);
    return file;
}

static void test_counts(void)
{
    Bytes file = make_many(8192);

    allow(CASE_WEIGHTS, "8,192 tensors", FILE_NAME, &file);
    file = make_many(8193);
    refuse(CASE_WEIGHTS, "8,193 tensors", FILE_NAME, &file, CODESRC_MALFORMED,
           "more than the 8192");
    file = make_many(15000);
    refuse(CASE_WEIGHTS, "15,000 tensors", FILE_NAME, &file, CODESRC_MALFORMED,
           "expected 8192 tensors at most");
    file = make_many(1000000);
    refuse(CASE_WEIGHTS, "1,000,000 tensors", FILE_NAME, &file, CODESRC_MALFORMED,
           "found a header length of");

    put_number(&file, (uint64_t)2 << 20, 8);
    put_text(&file, "{\"a\":{\"shape\":[0");
    put_repeated(&file, ",0", (1 << 20) - 8);
    refuse(CASE_WEIGHTS, "a million dimensions", FILE_NAME, &file, CODESRC_MALFORMED,
           "8 dimensions at most");

    put_number(&file, (uint64_t)2 << 20, 8);
    put_text(&file, "{\"a\":\"");
    put_fill(&file, 'x', ((size_t)2 << 20) - 8);
    put_text(&file, "\"}");
    refuse(CASE_WEIGHTS, "a string of 2 MiB", FILE_NAME, &file, CODESRC_MALFORMED, "tensor 'a'");

    put_number(&file, 60000000, 8);
    put_fill(&file, '{', 60000000);
    refuse(CASE_WEIGHTS, "a header of 60 MB", FILE_NAME, &file, CODESRC_MALFORMED,
           "found a header length of 60000000");
}

static void refuse_value(const char *label, const char *type, uint64_t value, unsigned size)
{
    char header[200];
    Bytes file;

    snprintf(header, sizeof header, "{" TENSOR("a", "%s", "[3]", "[0,%u]") "}", type, 3 * size);
    file = make(header, 3 * size);
    set_number(&file, file.size - size, value, size);
    refuse(CASE_WEIGHTS, label, FILE_NAME, &file, CODESRC_MISMATCH,
           "tensor 'a': found a value that is no finite float32 at element 2");
}

static void test_values(void)
{
    Bytes file;

    refuse_value("NaN", "F32", 0x7FC00000, 4);
    refuse_value("signalling NaN", "F32", 0x7F800001, 4);
    refuse_value("infinity", "F32", 0x7F800000, 4);
    refuse_value("minus infinity", "F32", 0xFF800000, 4);
    refuse_value("infinity, F64", "F64", 0x7FF0000000000000, 8);
    refuse_value("NaN, F64", "F64", 0x7FF8000000000000, 8);
    refuse_value("10^300, too large for float32", "F64", 0x7E37E43C8800759C, 8);
    file = make("{" FLOATS("a", "[5]", "[0,20]") "}", 20);
    set_number(&file, file.size - 20, 1, 4);          /* the smallest denormal */
    set_number(&file, file.size - 16, 0x80000000, 4); /* -0 */
    set_number(&file, file.size - 12, 0x7F7FFFFF, 4); /* the largest */
    set_number(&file, file.size - 8, 0xFF7FFFFF, 4);
    allow(CASE_WEIGHTS, "denormal, zeros, largest", FILE_NAME, &file);
}

static void test_every_place(void)
{
    Bytes file = make(
        "{\"__metadata__\":{\"format\":\"pt\"}," FLOATS("pos_1LC", "[1,2]", "[0,8]") "," TENSOR(
            "lvl_1L", "I64", "[1]", "[8,16]") "," TENSOR("h", "F16", "[2]", "[16,20]") "} ",
        20);

    for (unsigned i = 0; i < 20; i++)
        set_number(&file, file.size - 20 + i, 0x30 + i, 1);
    cut_everywhere(CASE_WEIGHTS, "cut at every byte", FILE_NAME, &file);
    flip_everywhere(CASE_WEIGHTS, "every bit of the header", FILE_NAME, &file, 0, file.size - 20,
                    true);
    clear(&file);
}

int main(void)
{
    test_length();
    test_json();
    test_numbers();
    test_keys();
    test_offsets();
    test_shapes();
    test_types();
    test_disguise();
    test_counts();
    test_values();
    test_every_place();
    return cases_end();
}
