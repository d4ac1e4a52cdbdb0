/* test-views.c - tensors of a .pth file as views of their storages: hostile ones, and values of
 * views of every kind. */
#include "../test.h"
#include "archive.h"
#include "model/weights.h"

#define FILE_NAME "case.pth"

static const View six = {"FloatStorage", "0", 6, 0, 1, {6}, {1}};

static void refuse_pickle(const char *label, Bytes *pickle, const char *text)
{
    Archive archive = archive_of(pickle);

    clear(pickle);
    refuse(CASE_WEIGHTS, label, FILE_NAME, &archive.bytes, CODESRC_MALFORMED, text);
}

/* A pickle of tensors t0, t1, ... */
static Bytes pickle_of_all(const View *views, unsigned count, unsigned times)
{
    Bytes pickle = {0};
    char name[16];

    put_text(&pickle, "\x80\x02}(");
    for (unsigned i = 0; i < count * times; i++) {
        snprintf(name, sizeof name, "t%u", i);
        put_pickle_string(&pickle, name);
        put_pickle_tensor(&pickle, &views[i % count]);
    }
    put_text(&pickle, "u.");
    return pickle;
}

/* ---- hostile ones ---------------------------------------------------------------------------- */

static void refuse_view(const char *label, View view, const char *text)
{
    Bytes pickle = pickle_of("t", &view);

    refuse_pickle(label, &pickle, text);
}

static void test_storages(void)
{
    static const View halves = {"HalfStorage", "0", 12, 0, 1, {12}, {1}};
    static const char *const keys[] = {"00", "x",  "-1",   "+0", "0x0",
                                       " 0", "0 ", "../0", "",   "1234567890"};
    Archive archive;
    Bytes pickle;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        View view = six;

        view.key = keys[i];
        refuse_view("storage key", view, "found the storage key");
    }
    refuse_view("storage that is not there", (View){"FloatStorage", "7", 6, 0, 1, {6}, {1}},
                "found no zip entry 'data/7'");
    refuse_view("storage of 5 elements, not 6", (View){"FloatStorage", "0", 5, 0, 1, {5}, {1}},
                "found a storage of 24 bytes, expected 5 elements of F32");
    refuse_view("storage of 7 elements, not 6", (View){"FloatStorage", "0", 7, 0, 1, {6}, {1}},
                "expected 7 elements");
    refuse_view("storage of another type", (View){"DoubleStorage", "0", 6, 0, 1, {6}, {1}},
                "expected 6 elements of F64");
    refuse_view("storage of -1 elements", (View){"FloatStorage", "0", -1, 0, 1, {6}, {1}},
                "without a number of elements");
    refuse_view("storage of 2^62 elements",
                (View){"FloatStorage", "0", (int64_t)1 << 62, 0, 1, {6}, {1}},
                "expected 4611686018427387904 elements");
    refuse_view("storage of 2^63 - 1 elements",
                (View){"FloatStorage", "0", INT64_MAX, 0, 1, {6}, {1}},
                "expected 9223372036854775807 elements");
    pickle = pickle_of_all((View[]){six, halves}, 2, 1);
    refuse_pickle("storage of two types", &pickle, "used with two types");
    pickle = pickle_of_all(&six, 1, 4000);
    archive = archive_of(&pickle);
    clear(&pickle);
    allow(CASE_WEIGHTS, "4,000 tensors of one storage", FILE_NAME, &archive.bytes);
}

/* To read such a file would take 100 times its size. */
static void test_sharing(void)
{
    static const View large = {"FloatStorage", "0", 6000, 0, 1, {6000}, {1}};
    Bytes pickle = pickle_of_all(&large, 1, 4000), storage = {0};
    Archive archive = {.count = 0};

    put_fill(&storage, 0, 24000);
    archive_add(&archive, "x/data.pkl", pickle.data, pickle.size);
    archive_add(&archive, "x/data/0", storage.data, storage.size);
    archive_add(&archive, "x/version", "3\n", 2);
    archive_end(&archive);
    clear(&pickle);
    clear(&storage);
    refuse(CASE_WEIGHTS, "4,000 tensors of one large storage", FILE_NAME, &archive.bytes,
           CODESRC_MALFORMED, "too many tensors share the same storages");
}

static void test_views(void)
{
    const int64_t huge = INT64_MAX;

    refuse_view("offset -1", (View){"FloatStorage", "0", 6, -1, 1, {6}, {1}},
                "offset is no number");
    refuse_view("offset 1, all 6", (View){"FloatStorage", "0", 6, 1, 1, {6}, {1}}, "over the end");
    refuse_view("offset 2^63 - 1", (View){"FloatStorage", "0", 6, huge, 1, {6}, {1}},
                "over the end");
    refuse_view("offset 2^63 - 1, empty", (View){"FloatStorage", "0", 6, huge, 1, {0}, {1}},
                "begins after the end");
    refuse_view("size -1", (View){"FloatStorage", "0", 6, 0, 1, {-1}, {1}},
                "found -1, expected no neg");
    refuse_view("stride -1", (View){"FloatStorage", "0", 6, 5, 1, {6}, {-1}},
                "found -1, expected no neg");
    refuse_view("size 7", (View){"FloatStorage", "0", 6, 0, 1, {7}, {1}}, "over the end");
    refuse_view("size 2^63 - 1", (View){"FloatStorage", "0", 6, 0, 1, {huge}, {1}}, "overflows");
    refuse_view("size 2^63 - 1, stride 0", (View){"FloatStorage", "0", 6, 0, 1, {huge}, {0}},
                "overflows");
    refuse_view("sizes whose product overflows",
                (View){"FloatStorage", "0", 6, 0, 2, {huge, huge}, {0, 0}},
                "a shape that overflows");
    refuse_view("stride 2^63 - 1", (View){"FloatStorage", "0", 6, 0, 1, {2}, {huge}},
                "over the end");
    refuse_view("strides that overflow", (View){"FloatStorage", "0", 6, 0, 2, {3, 3}, {huge, huge}},
                "strides that overflow");
    refuse_view("stride 2 over the end", (View){"FloatStorage", "0", 6, 0, 1, {4}, {2}},
                "over the end");
    refuse_view("expanded (stride 0)", (View){"FloatStorage", "0", 6, 0, 2, {1000, 6}, {0, 1}},
                "its elements share memory");
    refuse_view("overlapping rows", (View){"FloatStorage", "0", 6, 0, 2, {2, 4}, {2, 1}},
                "its elements share memory");
    refuse_view(
        "nine dimensions",
        (View){
            "FloatStorage", "0", 6, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 6}, {6, 6, 6, 6, 6, 6, 6, 6, 1}},
        "found 9 numbers, expected at most 8");
}

/* ---- good ones ------------------------------------------------------------------------------- */

/* Values of a view of 1 2 3 4 5 6. */
static void read_view(const char *label, View view, unsigned rank, const uint64_t *dims,
                      const float *expected, size_t count)
{
    Bytes pickle = pickle_of("pos_1LC", &view);
    Archive archive = archive_of(&pickle);
    CodesrcError error = {.text = ""};
    CodeWeights *weights;
    float values[6] = {0};
    bool ok;

    write_file(FILE_NAME, archive.bytes.data, archive.bytes.size);
    weights = code_weights_open(scratch(FILE_NAME), CODE_ROLE_VAR, &error);
    ok = weights && code_weights_read(weights, "pos_1LC", rank, dims, values, &error);
    CHECK(ok, "%s: %s", label, error.text);
    CHECK(!memcmp(values, expected, count * sizeof *values), "%s: %g %g %g %g %g %g", label,
          values[0], values[1], values[2], values[3], values[4], values[5]);
    printf("%-44s %s\n", label, ok ? "read" : error.text);
    code_weights_close(weights);
    clear(&archive.bytes);
    clear(&pickle);
}

static void test_values(void)
{
    read_view("scalar", (View){"FloatStorage", "0", 6, 4, 0, {0}, {0}}, 0, NULL, (float[]){5}, 1);
    read_view("transposed", (View){"FloatStorage", "0", 6, 0, 2, {3, 2}, {1, 3}}, 2,
              (uint64_t[]){3, 2}, (float[]){1, 4, 2, 5, 3, 6}, 6);
    read_view("column", (View){"FloatStorage", "0", 6, 1, 2, {2, 1}, {3, 1}}, 2, (uint64_t[]){2, 1},
              (float[]){2, 5}, 2);
    read_view("every second", (View){"FloatStorage", "0", 6, 1, 1, {3}, {2}}, 1, (uint64_t[]){3},
              (float[]){2, 4, 6}, 3);
    read_view("three axes, turned", (View){"FloatStorage", "0", 6, 0, 3, {2, 1, 3}, {1, 77, 2}}, 3,
              (uint64_t[]){2, 1, 3}, (float[]){1, 3, 5, 2, 4, 6}, 6);
    read_view("strides of axes of size 1",
              (View){"FloatStorage", "0", 6, 0, 3, {1, 6, 1}, {0, 1, 0}}, 3, (uint64_t[]){1, 6, 1},
              (float[]){1, 2, 3, 4, 5, 6}, 6);
    read_view("empty", (View){"FloatStorage", "0", 6, 6, 2, {0, 3}, {3, 1}}, 2, (uint64_t[]){0, 3},
              (float[]){0}, 0);
}

/* A view of a large storage, against index arithmetic: across the reader's buffer, which holds 2^18
 * floats, dense and sparse. */
static void read_large(const char *label, unsigned numel, View view)
{
    Bytes storage = {0}, pickle = pickle_of("pos_1LC", &view);
    Archive archive = {.count = 0};
    CodesrcError error = {.text = ""};
    CodeWeights *weights;
    uint64_t dims[3], wrong = 0, i = 0;
    float *values;
    bool ok;

    for (unsigned j = 0; j < numel; j++) {
        float value = (float)j;
        uint32_t bits;

        memcpy(&bits, &value, sizeof bits);
        put_number(&storage, bits, 4);
    }
    archive_add(&archive, "x/data.pkl", pickle.data, pickle.size);
    archive_add(&archive, "x/data/0", storage.data, storage.size);
    archive_add(&archive, "x/version", "3\n", 2);
    archive_end(&archive);
    write_file(FILE_NAME, archive.bytes.data, archive.bytes.size);
    for (int j = 0; j < 3; j++)
        dims[j] = (uint64_t)view.dims[j];
    values = malloc((size_t)(dims[0] * dims[1] * dims[2]) * sizeof *values);
    weights = code_weights_open(scratch(FILE_NAME), CODE_ROLE_VAR, &error);
    ok = weights && code_weights_read(weights, "pos_1LC", 3, dims, values, &error);
    CHECK(ok, "%s: %s", label, error.text);
    for (int64_t x = 0; ok && x < view.dims[0]; x++)
        for (int64_t y = 0; y < view.dims[1]; y++)
            for (int64_t z = 0; z < view.dims[2]; z++, i++)
                wrong += values[i] != (float)(view.offset + x * view.strides[0] +
                                              y * view.strides[1] + z * view.strides[2]);
    CHECK(!wrong, "%s: %llu values differ", label, (unsigned long long)wrong);
    printf("%-44s %llu values\n", label, (unsigned long long)i);
    code_weights_close(weights);
    free(values);
    clear(&archive.bytes);
    clear(&storage);
    clear(&pickle);
}

static void test_large_views(void)
{
    read_large("large, as it is", 840000,
               (View){"FloatStorage", "0", 840000, 0, 3, {7, 300, 400}, {120000, 400, 1}});
    read_large("large, turned", 840000,
               (View){"FloatStorage", "0", 840000, 0, 3, {400, 7, 300}, {1, 120000, 400}});
    read_large("large, turned, a part", 840000,
               (View){"FloatStorage", "0", 840000, 399, 3, {5, 399, 299}, {120000, 1, 400}});
    /* From the first element to the last, so that all of the record seems to be read, but it is
     * not. */
    read_large("large, every third", 840001,
               (View){"FloatStorage", "0", 840001, 0, 3, {280001, 1, 1}, {3, 1, 1}});
    read_large("large, sparse rows", 840000,
               (View){"FloatStorage", "0", 840000, 11, 3, {2, 30, 5}, {400000, 13000, 1}});
    read_large("large, sparse everywhere", 840000,
               (View){"FloatStorage", "0", 840000, 1, 3, {3, 100, 10}, {270000, 2600, 250}});
}

int main(void)
{
    test_storages();
    test_sharing();
    test_views();
    test_values();
    test_large_views();
    return cases_end() | test_end();
}
