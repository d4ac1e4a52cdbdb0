/* test-zip.c - hostile archives, and other forms of PyTorch's files. */
#include "../test.h"
#include "archive.h"

#include <fcntl.h>
#include <unistd.h>

#define FILE_NAME "case.pth"

/* Entries of archive_of(). */
enum { PICKLE, BYTEORDER, DATA0, DATA1, VERSION };

static Archive good(void)
{
    Bytes pickle = pickle_good();
    Archive archive = archive_of(&pickle);

    clear(&pickle);
    return archive;
}

static void refuse_archive(const char *label, Archive *archive, CodesrcStatus status,
                           const char *text)
{
    refuse(CASE_WEIGHTS, label, FILE_NAME, &archive->bytes, status, text);
}

/* A good archive in which the bytes at `field` of an entry's local header, central entry or both
 * say something else. */
typedef enum Where { LOCAL = 1, CENTRAL = 2, BOTH = 3 } Where;

static void refuse_field(const char *label, unsigned entry, Where where, size_t local,
                         size_t central, uint64_t value, unsigned size, const char *text)
{
    Archive archive = good();

    if (where & LOCAL)
        set_number(&archive.bytes, archive.entry[entry].local + local, value, size);
    if (where & CENTRAL)
        set_number(&archive.bytes, archive.entry[entry].central + central, value, size);
    refuse_archive(label, &archive, CODESRC_MALFORMED, text);
}

static void test_entries(void)
{
    refuse_field("deflated entry", DATA0, BOTH, 8, 10, 8, 2, "is compressed (method 8)");
    refuse_field("deflate64 entry", DATA0, BOTH, 8, 10, 9, 2, "is compressed (method 9)");
    refuse_field("bzip2 entry", DATA0, BOTH, 8, 10, 12, 2, "is compressed (method 12)");
    refuse_field("zstd entry", DATA0, BOTH, 8, 10, 93, 2, "is compressed (method 93)");
    refuse_field("compressed in the local header only", DATA0, LOCAL, 8, 10, 8, 2, "other flags");
    refuse_field("encrypted entry", DATA0, BOTH, 6, 8, 0x809, 2, "is encrypted");
    refuse_field("encrypted in the local header only", DATA0, LOCAL, 6, 8, 0x809, 2, "other flags");
    refuse_field("strongly encrypted entry", DATA0, BOTH, 6, 8, 0x848, 2, "is encrypted");
    refuse_field("masked header", DATA0, BOTH, 6, 8, 0x2808, 2, "is encrypted");
    refuse_field("patch data", DATA0, BOTH, 6, 8, 0x828, 2, "found flags 0x828");
    refuse_field("other time than the directory", DATA0, LOCAL, 10, 12, 7, 2, "method or time");
    refuse_field("other name than the directory", DATA0, LOCAL, 30, 46, 'x', 1, "another name");
    refuse_field("other length of name", DATA0, LOCAL, 26, 28, 10, 2, "found no local header");
    refuse_field("zip version 46", DATA0, BOTH, 4, 6, 46, 2, "found zip version 46");
    refuse_field("entry on disk 1", DATA0, CENTRAL, 0, 34, 1, 2, "is on disk 1");
    refuse_field("symbolic link", DATA0, CENTRAL, 0, 40, 0120777, 2,
                 "is no plain file (mode 120777)");
    refuse_field("device", DATA0, CENTRAL, 0, 40, 0020666, 2, "is no plain file");
    refuse_field("folder's mode", DATA0, CENTRAL, 0, 40, 0040755, 2, "is no plain file");
    refuse_field("comment of an entry", DATA0, CENTRAL, 0, 32, 1, 2, "has a comment");
    refuse_field("extra field over the end", VERSION, CENTRAL, 0, 30, 1, 2, "reach over the end");
    refuse_field("local extra field does not fit", DATA0, LOCAL, 43, 0, 0xFFFF, 2, "do not fit");
    refuse_field("wrong CRC in directory", DATA0, CENTRAL, 0, 16, 1, 4, "the descriptor after it");
    refuse_field("stored size differs", DATA0, CENTRAL, 0, 20, 23, 4, "expected the same");
    refuse_field("size 2^32-1 without zip64", DATA0, CENTRAL, 0, 24, 0xFFFFFFFF, 4,
                 "zip64 field is");
    refuse_field("CRC in a local header that has none", DATA0, LOCAL, 14, 0, 1, 4, "size or CRC");
    refuse_field("offset of another entry", DATA0, CENTRAL, 0, 42, 0, 4, "without gap or overlap");
    refuse_field("offset over the directory", DATA0, CENTRAL, 0, 42, 0x7FFFFFFF, 4,
                 "without gap or overlap");
    refuse_field("no signature of a local header", DATA0, LOCAL, 0, 0, 0, 4,
                 "found no local header");
    refuse_field("no signature in the directory", DATA0, CENTRAL, 0, 0, 0, 4, "found no entry 2");
}

/* Sizes that are wrong in all four places that state them, but not in the bytes. */
static void test_sizes(void)
{
    static const uint64_t sizes[] = {23, 25, 40, 0, 0x7FFFFFFF};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        Archive archive = good();
        char label[60];

        set_number(&archive.bytes, archive.entry[DATA0].central + 20, sizes[i], 4);
        set_number(&archive.bytes, archive.entry[DATA0].central + 24, sizes[i], 4);
        set_number(&archive.bytes, archive.entry[DATA0].descriptor + 8, sizes[i], 4);
        set_number(&archive.bytes, archive.entry[DATA0].descriptor + 12, sizes[i], 4);
        snprintf(label, sizeof label, "size of an entry is %llu, not 24",
                 (unsigned long long)sizes[i]);
        refuse_archive(label, &archive, CODESRC_MALFORMED, "zip entry 'case/data/0'");
    }
}

static void refuse_names(const char *label, const char *first, const char *second, const char *text)
{
    Archive archive = {.count = 0};

    archive_add(&archive, first, "x", 1);
    archive_add(&archive, second, "x", 1);
    archive_end(&archive);
    refuse_archive(label, &archive, CODESRC_MALFORMED, text);
}

static void test_names(void)
{
    Archive archive = good();

    refuse_names("same name twice", "case/a", "case/a", "is there twice");
    refuse_names("same but for case", "case/a", "case/A", "is there twice");
    refuse_names("dots in a name", "case/a", "case/../b", "leads out of the folder");
    refuse_names("dot in a name", "case/a", "case/./b", "has a part '.'");
    refuse_names("dots first", "../a", "../b", "leads out of the folder");
    refuse_names("absolute name", "/a", "/b", "its name is empty");
    refuse_names("backslash", "case/a", "case/b\\c", "has a backslash");
    refuse_names("control character", "case/a", "case/b\n", "control characters");
    refuse_names("no UTF-8", "case/a", "case/\xff", "not UTF-8");
    refuse_names("folder", "case/a", "case/b/", "is a folder");
    refuse_names("empty name", "case/a", "", "its name is empty");
    refuse_names("empty part", "case/a", "case//b", "is empty");
    refuse_names("no folder", "a", "b", "is in no folder");
    refuse_names("two folders", "case/a", "other/b", "is in another folder");
    refuse_names("folder without a file", "case/a", "case", "is in no folder");
    refuse_names("no version", "case/a", "case/b", "found archive version ''");
    refuse_names("TorchScript constants", "case/data.pkl", "case/constants.pkl", "TorchScript");
    refuse_names("TorchScript code", "case/data.pkl", "case/code/__torch__.py", "TorchScript");
    set_number(&archive.bytes, archive.entry[DATA0].local + 33, 0, 1);
    set_number(&archive.bytes, archive.entry[DATA0].central + 49, 0, 1);
    refuse_archive("NUL in a name", &archive, CODESRC_MALFORMED, "control characters");
}

static void test_changed_bytes(void)
{
    Archive archive = good();

    archive.bytes.data[archive.entry[DATA0].data] ^= 1;
    refuse_archive("value changed, CRC not", &archive, CODESRC_MALFORMED, "found CRC");
    archive = good();
    archive.bytes.data[archive.entry[PICKLE].data + 40] ^= 1;
    refuse_archive("pickle changed, CRC not", &archive, CODESRC_MALFORMED,
                   "zip entry 'data.pkl': found CRC");
    archive = good();
    set_number(&archive.bytes, archive.entry[DATA0].descriptor + 4, 1, 4);
    refuse_archive("CRC of a descriptor", &archive, CODESRC_MALFORMED,
                   "the descriptor after it disagrees");
    archive = good();
    set_number(&archive.bytes, archive.entry[DATA0].descriptor, 0, 4);
    refuse_archive("no signature of a descriptor", &archive, CODESRC_MALFORMED,
                   "the descriptor after it");
    archive = good();
    memcpy(archive.bytes.data + archive.entry[DATA0].data, "\0\0\xC0\x7F", 4);
    archive_seal(&archive, DATA0);
    refuse_archive("NaN", &archive, CODESRC_MISMATCH,
                   "tensor 'pos_1LC': found a value that is no finite float32 at element 0");
}

static void test_members(void)
{
    static const char *const versions[] = {"0\n",  "x\n",  "11\n",        "3.\n",
                                           "-1\n", "03\n", "3333333333\n"};
    View view = {"FloatStorage", "0", 6, 0, 1, {6}, {1}};
    Bytes pickle = pickle_of("a", &view), values = {0};
    Archive archive;

    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        archive = (Archive){.count = 0};
        archive_add(&archive, "case/data.pkl", pickle.data, pickle.size);
        archive_add(&archive, "case/version", versions[i], strlen(versions[i]));
        archive_end(&archive);
        refuse_archive("archive version", &archive, CODESRC_MALFORMED, "archive version");
    }
    archive = (Archive){.count = 0};
    archive_add(&archive, "case/data.pkl", pickle.data, pickle.size);
    archive_add(&archive, "case/byteorder", "big", 3);
    archive_add(&archive, "case/version", "3\n", 2);
    archive_end(&archive);
    refuse_archive("byte order big", &archive, CODESRC_MALFORMED, "big-endian");
    archive = (Archive){.count = 0};
    archive_add(&archive, "case/data.pkl", pickle.data, pickle.size);
    archive_add(&archive, "case/byteorder", "middle", 6);
    archive_end(&archive);
    refuse_archive("byte order unknown", &archive, CODESRC_MALFORMED, "found byte order 'middle'");
    archive = (Archive){.count = 0};
    archive_add(&archive, "case/version", "3\n", 2);
    archive_end(&archive);
    refuse_archive("no data.pkl", &archive, CODESRC_MALFORMED, "found a zip without data.pkl");
    archive = (Archive){.count = 0};
    archive_add(&archive, "case/data.pkl", "", 0);
    archive_add(&archive, "case/version", "3\n", 2);
    archive_end(&archive);
    refuse_archive("data.pkl empty", &archive, CODESRC_MALFORMED,
                   "zip entry 'data.pkl': found 0 bytes");
    archive = (Archive){.count = 0};
    put_fill(&values, ')', (4 << 20) + 1);
    archive_add(&archive, "case/data.pkl", values.data, values.size);
    archive_add(&archive, "case/version", "3\n", 2);
    archive_end(&archive);
    refuse_archive("data.pkl of 4 MiB and a byte", &archive, CODESRC_MALFORMED,
                   "found 4194305 bytes");
    clear(&values);
    clear(&pickle);
}

/* A good archive whose end records say something else; `record` picks one of the three. */
typedef enum Record { END, LOCATOR, END64 } Record;

static void refuse_end(const char *label, Record record, size_t field, uint64_t value,
                       unsigned size, CodesrcStatus status, const char *text)
{
    Archive archive = good();
    size_t at = record == END ? archive.end : record == LOCATOR ? archive.locator : archive.end64;

    set_number(&archive.bytes, at + field, value, size);
    refuse_archive(label, &archive, status, text);
}

static void test_end_records(void)
{
    refuse_end("no end record", END, 0, 0, 4, CODESRC_TRUNCATED, "found no zip end record");
    refuse_end("comment that is not there", END, 20, 1, 2, CODESRC_TRUNCATED,
               "found no zip end record");
    refuse_end("disk 1", END, 4, 1, 2, CODESRC_MALFORMED, "in several parts");
    refuse_end("directory on disk 1", END, 6, 1, 2, CODESRC_MALFORMED, "in several parts");
    refuse_end("entries of this disk", END, 8, 4, 2, CODESRC_MALFORMED, "in several parts");
    refuse_end("other size of directory", END, 12, 5, 4, CODESRC_MALFORMED,
               "end records that disagree");
    refuse_end("other place of directory", END, 16, 5, 4, CODESRC_MALFORMED,
               "end records that disagree");
    refuse_end("locator over the file", LOCATOR, 8, (uint64_t)1 << 40, 8, CODESRC_MALFORMED,
               "a zip64 locator that points to byte 1099511627776");
    refuse_end("locator at 2^64-1", LOCATOR, 8, UINT64_MAX, 8, CODESRC_MALFORMED,
               "a zip64 locator");
    refuse_end("locator at 0", LOCATOR, 8, 0, 8, CODESRC_MALFORMED, "a zip64 locator");
    refuse_end("locator of disk 1", LOCATOR, 4, 1, 4, CODESRC_MALFORMED, "in several parts");
    refuse_end("locator of two disks", LOCATOR, 16, 2, 4, CODESRC_MALFORMED, "in several parts");
    refuse_end("no locator", LOCATOR, 0, 0, 4, CODESRC_MALFORMED, "expected it to end at byte");
    refuse_end("no zip64 end record", END64, 0, 0, 4, CODESRC_MALFORMED,
               "found no zip64 end record");
    refuse_end("long zip64 end record", END64, 4, 60, 8, CODESRC_MALFORMED,
               "found no zip64 end record");
    refuse_end("zip64 record of disk 1", END64, 16, 1, 4, CODESRC_MALFORMED, "in several parts");
    refuse_end("zip64 entries of this disk", END64, 24, 4, 8, CODESRC_MALFORMED,
               "in several parts");
    refuse_end("zip64 size of directory", END64, 40, 5, 8, CODESRC_MALFORMED,
               "records that disagree");
    refuse_end("zip64 place of directory", END64, 48, 5, 8, CODESRC_MALFORMED,
               "records that disagree");
}

/* Counts that both end records agree about. */
static void test_counts(void)
{
    static const uint64_t counts[] = {0, 4, 6, 65535, 1000000, (uint64_t)1 << 40};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        Archive archive = good();
        uint64_t small = counts[i] < 0xFFFF ? counts[i] : 0xFFFF;
        char label[60];

        set_number(&archive.bytes, archive.end64 + 24, counts[i], 8);
        set_number(&archive.bytes, archive.end64 + 32, counts[i], 8);
        set_number(&archive.bytes, archive.end + 8, small, 2);
        set_number(&archive.bytes, archive.end + 10, small, 2);
        snprintf(label, sizeof label, "%llu entries of 5", (unsigned long long)counts[i]);
        refuse_archive(label, &archive, CODESRC_MALFORMED, "case.pth: found ");
    }
}

static void test_around(void)
{
    Archive archive = good(), second = good();
    Bytes bytes = {0};

    put_text(&bytes, "#!/bin/sh\n");
    put(&bytes, archive.bytes.data, archive.bytes.size);
    refuse(CASE_WEIGHTS, "bytes before", FILE_NAME, &bytes, CODESRC_MALFORMED,
           "found a header length");
    put(&bytes, archive.bytes.data, archive.bytes.size);
    put_text(&bytes, "x");
    refuse(CASE_WEIGHTS, "byte after", FILE_NAME, &bytes, CODESRC_TRUNCATED, "something was added");
    put(&bytes, archive.bytes.data, archive.bytes.size);
    put(&bytes, second.bytes.data, second.bytes.size);
    refuse(CASE_WEIGHTS, "two archives", FILE_NAME, &bytes, CODESRC_MALFORMED, "a zip64 locator");
    put(&bytes, archive.bytes.data, archive.bytes.size);
    put(&bytes, archive.bytes.data + archive.end, 22);
    refuse(CASE_WEIGHTS, "two end records", FILE_NAME, &bytes, CODESRC_MALFORMED,
           "expected it to end");
    put(&bytes, archive.bytes.data, archive.bytes.size);
    set_number(&bytes, archive.end + 20, 22, 2);
    put(&bytes, archive.bytes.data + archive.end, 22);
    refuse(CASE_WEIGHTS, "end record in the comment", FILE_NAME, &bytes, CODESRC_MALFORMED,
           "expected it to end");
    put(&bytes, archive.bytes.data, archive.directory);
    put_text(&bytes, "gap");
    put(&bytes, archive.bytes.data + archive.directory, archive.bytes.size - archive.directory);
    refuse(CASE_WEIGHTS, "gap before the directory", FILE_NAME, &bytes, CODESRC_MALFORMED,
           "a zip64 locator");
    put(&bytes, archive.bytes.data + archive.end, 22);
    put_fill(&bytes, 0, 10);
    memmove(bytes.data + 10, bytes.data, 22);
    set_number(&bytes, 0, 0x04034b50, 4);
    refuse(CASE_WEIGHTS, "an end record alone", FILE_NAME, &bytes, CODESRC_TRUNCATED, "cut short");
    put(&bytes, "PK\5\6", 4);
    put_fill(&bytes, 0, 18);
    refuse(CASE_WEIGHTS, "empty archive", FILE_NAME, &bytes, CODESRC_TRUNCATED, "cut short");
    clear(&archive.bytes);
    clear(&second.bytes);
}

/* Forms that are right, though this test's other archives have them not. */
static void test_variants(void)
{
    static const uint8_t floats[24] = {0}, halves[8] = {0};
    Archive archive = {.unaligned = true};
    Bytes pickle = pickle_good();

    archive_add(&archive, "x/data.pkl", pickle.data, pickle.size);
    archive_add(&archive, "x/data/0", floats, 24);
    archive_add(&archive, "x/data/1", halves, 8);
    archive_add(&archive, "x/version", "3\n", 2);
    archive_end(&archive);
    CHECK(archive.entry[1].data % 4, "values at byte %zu are aligned", archive.entry[1].data);
    allow(CASE_WEIGHTS, "values at an odd address", FILE_NAME, &archive.bytes);
    archive = (Archive){.no_zip64 = true, .no_descriptors = true};
    archive_add(&archive, "x/data.pkl", pickle.data, pickle.size);
    archive.zip64_size = 24; /* the same size once more */
    archive_add(&archive, "x/data/0", floats, 24);
    archive.zip64_size = 0;
    archive_add(&archive, "x/data/1", halves, 8);
    archive_add(&archive, "x/.format_version", "1", 1);
    archive_add(&archive, "x/.storage_alignment", "64", 2);
    archive_add(&archive, "x/version", "3\n", 2);
    archive_add(&archive, "x/.data/serialization_id", "0000000000000000000000000000000000000000",
                40);
    archive_end(&archive);
    allow(CASE_WEIGHTS, "no zip64 records, no descriptors", FILE_NAME, &archive.bytes);
    archive = (Archive){.no_descriptors = true, .zip64_size = pickle.size + 1};
    archive_add(&archive, "x/data.pkl", pickle.data, pickle.size);
    archive_end(&archive);
    refuse(CASE_WEIGHTS, "two sizes", FILE_NAME, &archive.bytes, CODESRC_MALFORMED,
           "its local header has another size");
    clear(&pickle);
}

/* A zip of more than 4 GiB, most of it a hole: sizes and offsets in zip64 fields, as PyTorch writes
 * them, and the 24-byte descriptors that its writer then uses. */
/* The parts of an archive before and after a hole of 6 GiB. Returns where the second part
 * begins. */
static uint64_t make_large(Bytes *head, Bytes *tail)
{
    static const View large = {"FloatStorage", "0", 1610612736, 0, 1, {1610612736}, {1}};
    static const View small = {"FloatStorage", "1", 2, 0, 1, {2}, {1}};
    uint64_t bytes = 4 * (uint64_t)1610612736, data, after;
    Bytes pickle = {0};
    size_t central;
    Archive first = {.count = 0};

    put_text(&pickle, "\x80\x02}(");
    put_pickle_string(&pickle, "large");
    put_pickle_tensor(&pickle, &large);
    put_pickle_string(&pickle, "small");
    put_pickle_tensor(&pickle, &small);
    put_text(&pickle, "u.");
    archive_add(&first, "x/data.pkl", pickle.data, pickle.size);
    archive_add(&first, "x/version", "3\n", 2);
    put(head, first.bytes.data, first.bytes.size);
    put(head, "PK\3\4\0\0\10\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\10\0\24\0x/data/0\1\0\20\0",
        42);
    put_number(head, bytes, 8);
    put_number(head, bytes, 8);
    data = head->size;
    after = data + bytes;
    put(tail, "PK\7\10", 4);
    put_number(tail, 0x12345678, 4); /* its CRC is looked at when it is read */
    put_number(tail, bytes, 8);
    put_number(tail, bytes, 8);
    put(tail, "PK\3\4\0\0\10\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\10\0\14\0x/data/1\1\0\10\0",
        42);
    put_number(tail, after + 24, 8);
    put(tail, "\0\0\200\77\0\0\0\100", 8);
    put(tail, "PK\7\10\217\245\173\136\10\0\0\0\0\0\0\0\10\0\0\0\0\0\0\0", 24);
    central = tail->size;
    archive_end(&first);
    put(tail, first.bytes.data + first.directory, first.end64 - first.directory);
    put(tail, "PK\1\2\0\0\0\0\10\10\0\0\0\0\0\0\170\126\64\22\377\377\377\377\377\377\377\377", 28);
    put(tail, "\10\0\24\0\0\0\0\0\0\0\0\0\0\0", 14);
    put_number(tail, first.directory, 4);
    put(tail, "x/data/0\1\0\20\0", 12);
    put_number(tail, bytes, 8);
    put_number(tail, bytes, 8);
    put(tail, "PK\1\2\0\0\0\0\10\10\0\0\0\0\0\0\217\245\173\136\10\0\0\0\10\0\0\0", 28);
    put(tail, "\10\0\14\0\0\0\0\0\0\0\0\0\0\0\377\377\377\377x/data/1\1\0\10\0", 30);
    put_number(tail, after + 24, 8);
    data = tail->size - central; /* of the directory, from here on */
    put(tail, "PK\6\6\54\0\0\0\0\0\0\0\36\3\55\0\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0",
        40);
    put_number(tail, data, 8);
    put_number(tail, after + central, 8);
    put(tail, "PK\6\7\0\0\0\0", 8);
    put_number(tail, after + central + data, 8);
    put_number(tail, 1, 4);
    put(tail, "PK\5\6\0\0\0\0\4\0\4\0", 12);
    put_number(tail, data, 4);
    put(tail, "\377\377\377\377\0\0", 6);
    clear(&pickle);
    clear(&first.bytes);
    return after;
}

static void test_large(void)
{
    Bytes head = {0}, tail = {0};
    uint64_t after = make_large(&head, &tail);
    CodesrcError error = {.text = ""};
    int file;
    bool ok;

    file = open(scratch("large.pth"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ok = file >= 0 && pwrite(file, head.data, head.size, 0) == (ssize_t)head.size &&
         pwrite(file, tail.data, tail.size, (off_t)after) == (ssize_t)tail.size;
    CHECK(ok, "a file with a hole cannot be made here");
    close(file);
    ok = codesrc_weights_inspect(scratch("large.pth"), false, NULL, NULL, &error);
    CHECK(ok, "%s", error.text);
    printf("%-44s %s\n", "zip64, a hole of 6 GiB", ok ? "accepted" : error.text);
    unlink(scratch("large.pth"));
    clear(&head);
    clear(&tail);
}

static void test_other_forms(void)
{
    static const uint8_t legacy[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                     0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e, 0x80, 0x02};
    Bytes file = {0};

    put(&file, legacy, sizeof legacy);
    refuse(CASE_WEIGHTS, "legacy torch.save", FILE_NAME, &file, CODESRC_MALFORMED, "before 1.6");
    put_fill(&file, 0, 257);
    put_text(&file, "ustar");
    put_fill(&file, 0, 250);
    refuse(CASE_WEIGHTS, "tar", FILE_NAME, &file, CODESRC_MALFORMED, "found a tar archive");
    put_text(&file, "PYTORCH1 and more");
    refuse(CASE_WEIGHTS, "preview format", FILE_NAME, &file, CODESRC_MALFORMED, "a preview format");
    put(&file, "\x80\2}q\0.          ", 16);
    refuse(CASE_WEIGHTS, "bare pickle", FILE_NAME, &file, CODESRC_MALFORMED, "found a bare pickle");
    put(&file, "\x80\4\x95 and more bytes", 18);
    refuse(CASE_WEIGHTS, "bare pickle of protocol 4", FILE_NAME, &file, CODESRC_MALFORMED,
           "found a bare pickle");
    put_text(&file, "\x89PNG\r\n\x1a\n and so on");
    refuse(CASE_WEIGHTS, "another format", FILE_NAME, &file, CODESRC_MALFORMED,
           "no .safetensors or .pth file");
    put_text(&file, "GGUF and so on");
    refuse(CASE_WEIGHTS, "GGUF", FILE_NAME, &file, CODESRC_MALFORMED,
           "found a GGUF file, expected .safetensors or .pth");
}

static void test_every_place(void)
{
    Archive archive = good();

    cut_everywhere(CASE_WEIGHTS, "cut at every byte", FILE_NAME, &archive.bytes);
    flip_everywhere(CASE_WEIGHTS, "every bit", FILE_NAME, &archive.bytes, 0, archive.bytes.size,
                    false);
    clear(&archive.bytes);
}

int main(void)
{
    Archive archive = good();

    allow(CASE_WEIGHTS, "a good archive", FILE_NAME, &archive.bytes);
    test_entries();
    test_sizes();
    test_names();
    test_changed_bytes();
    test_members();
    test_end_records();
    test_counts();
    test_around();
    test_variants();
    test_large();
    test_other_forms();
    test_every_place();
    return cases_end() | test_end();
}
