/* test-yaml.c - manifests that are hostile as YAML: deep, large, aliased, tagged, or no text. */
#include "manifests.h"

#include <stdio.h>

static void test_depth(void)
{
    refuse_repeated("[ x 65,536", "", "[", 65536,
                    "case.yaml:1: found collections nested more than 8");
    refuse_repeated("[ and line feed x 32,768", "", "[\n", 32768,
                    "case.yaml:9: found collections nested");
    refuse_repeated("? x 32,768", "", "? ", 32768, "case.yaml:1: found a collection as a key");
    refuse_repeated("- x 32,768", "", "- ", 32768,
                    "case.yaml:1: found collections nested more than 8");
    refuse_repeated("{a: x 16,384", "", "{a: ", 16384,
                    "case.yaml:1: found collections nested more than 8");
    refuse_repeated("8 collections and a wrong key", "a: ", "[", 8, "case.yaml:1: ");
    refuse_text("7 deep in a wrong place", "a: [[[[[[[1]]]]]]]\n", "found unknown key 'a'");
    refuse_text("9 deep", "a: [[[[[[[[1]]]]]]]]\n", "found collections nested more than 8 deep");
    refuse_repeated("blocks, one deeper a line",
                    "a:\n b:\n  c:\n   d:\n    e:\n     f:\n      g:\n       h:\n",
                    "        i: 1\n", 1, "case.yaml:9: found collections nested more than 8");
}

static void test_size(void)
{
    Bytes bytes = {0};

    put_text(&bytes, GOOD "#");
    put_fill(&bytes, 'x', 65536 - bytes.size);
    allow(CASE_MANIFEST, "65,536 bytes", FILE_NAME, &bytes);
    put_text(&bytes, GOOD "#");
    put_fill(&bytes, 'x', 65537 - bytes.size);
    refuse_bytes("65,537 bytes", &bytes, "found 65537 bytes, expected a manifest of at most 65536");
    put_fill(&bytes, 'x', 50000000);
    refuse_bytes("50 MB", &bytes, "found 50000000 bytes");
    put_text(&bytes, GOOD "description: ");
    put_fill(&bytes, 'x', 4096);
    allow(CASE_MANIFEST, "a value of 4,096 bytes", FILE_NAME, &bytes);
    put_text(&bytes, GOOD "description: ");
    put_fill(&bytes, 'x', 4097);
    refuse_bytes("a value of 4,097 bytes", &bytes, "case.yaml:6: found a value of 4097 bytes");
    put_text(&bytes, GOOD "description: \"");
    put_fill(&bytes, 'x', 60000);
    refuse_bytes("a quote without an end", &bytes, "case.yaml:6: ");
    put_fill(&bytes, 'k', 1025);
    put_text(&bytes, ": 1\n");
    refuse_bytes("a key of 1,025 bytes", &bytes, "case.yaml:");
    refuse_repeated("10,000 values", "name: [", "a,", 10000, "found more than 4096 values");
    for (unsigned i = 0; i < 5000; i++) {
        char line[20];

        snprintf(line, sizeof line, "k%u: 1\n", i);
        put_text(&bytes, line);
    }
    refuse_bytes("5,000 keys", &bytes, "case.yaml:2047: found more than 4096 values");
    /* Beginnings and ends of stream, document and mappings, keys and values: 26 without the names.
     */
    put_text(&bytes, "name: m\npatch_nums: [1, 2]\n" REST "class_names: [");
    put_repeated(&bytes, "a,", 4096 - 26);
    put_text(&bytes, "]\n");
    allow(CASE_MANIFEST, "4,096 events", FILE_NAME, &bytes);
    put_text(&bytes, "name: m\npatch_nums: [1, 2]\n" REST "class_names: [");
    put_repeated(&bytes, "a,", 4097 - 26);
    put_text(&bytes, "]\n");
    refuse_bytes("4,097 events", &bytes, "found more than 4096 values");
}

static void test_yaml(void)
{
    Bytes bytes = {0};

    put_text(&bytes, "a: &a [x]\n");
    for (char c = 'b'; c <= 'j'; c++) {
        char line[60];

        snprintf(line, sizeof line, "%c: &%c [*%c, *%c, *%c, *%c]\n", c, c, c - 1, c - 1, c - 1,
                 c - 1);
        put_text(&bytes, line);
    }
    refuse_bytes("aliases, 9 levels", &bytes, "case.yaml:1: found an anchor");
    refuse_text("alias of itself", "name: &a [*a]\n", "case.yaml:1: found an anchor");
    refuse_text("alias of nothing", "name: *a\n", "case.yaml:1: found an alias");
    refuse_text("alias as a key", "*a : 1\n", "case.yaml:1: found an alias");
    refuse_text("anchor on a word", "name: &a m\n", "case.yaml:1: found an anchor");
    refuse_text("anchor twice", "name: &a m\nlicense: &a m\n", "case.yaml:1: found an anchor");
    refuse_text("merge key", GOOD "<<: {a: 1}\n", "case.yaml:6: found a merge key");
    refuse_text("tag !!python/object", "name: !!python/object:os.system m\n",
                "case.yaml:1: found a tag");
    refuse_text("tag !!binary", "name: !!binary bQ==\n", "case.yaml:1: found a tag");
    refuse_text("tag !!int", HEAD "synthetic: !!int 3\n", "case.yaml:4: found a tag");
    refuse_text("tag !local", "name: !x m\n", "case.yaml:1: found a tag");
    refuse_text("tag !", "name: ! m\n", "case.yaml:1: found a tag");
    refuse_text("tag on a mapping", "!!map {name: m}\n", "case.yaml:1: found a tag");
    refuse_text("two documents", GOOD "---\n" GOOD, "case.yaml:6: found a second document");
    refuse_text("second document, empty", GOOD "...\n---\n", "found a second document");
    accept_text("marks of one document", "---\n" GOOD "...\n");
    refuse_text("%YAML 3.0", "%YAML 3.0\n---\n" GOOD, "case.yaml:1: found a directive");
    refuse_repeated("%TAG x 3,000", "", "%TAG !a! b\n", 3000, "case.yaml:1: found a directive");
    refuse_text("only a comment", "# nothing\n", "case.yaml:1: found nothing, expected a mapping");
    refuse_text("only a line feed", "\n", "case.yaml:1: found nothing");
    refuse_text("a word", "vistas\n",
                "case.yaml:1: the manifest: found a value, expected a mapping");
    refuse_text("a list", "- name: m\n",
                "case.yaml:1: the manifest: found a sequence, expected a map");
    refuse_text("tab as indentation", "vae:\n\tfile: v.pth\n", "case.yaml:2: ");
    refuse_text("quote without an end", "name: \"m\n", "case.yaml:");
    refuse_text("bracket without an end", "name: m\npatch_nums: [1, 2\n", "case.yaml:");
    refuse_text("wrong indentation", "name: m\n classes: 4\n", "case.yaml:2: ");
    refuse_text("mapping as a key", "{a: 1}: 2\n", "case.yaml:1: found a collection as a key");
}

static void test_text(void)
{
    Bytes bytes = {0};

    refuse_text("NUL by an escape", HEAD "vae: {file: \"w\\0.pth\"}\n" DRAFT,
                "case.yaml:4: found control characters in 'w\\x00.pth'");
    refuse_text("line feed by an escape", "name: \"a\\nb\"\n",
                "case.yaml:1: found control characters");
    refuse_text("surrogate by an escape", "name: \"\\uD800\"\n", "case.yaml:1: ");
    refuse_text("byte order mark, UTF-8", "\xEF\xBB\xBF" GOOD,
                "case.yaml:1: found a byte order mark");
    put(&bytes, "\xFF\xFEn\0a\0m\0e\0", 10);
    refuse_bytes("byte order mark, UTF-16LE", &bytes, "case.yaml:1: found a byte order mark");
    put(&bytes, "\xFE\xFF\0n\0a\0m\0e", 10);
    refuse_bytes("byte order mark, UTF-16BE", &bytes, "case.yaml:1: found a byte order mark");
    put(&bytes, "n\0a\0m\0e\0", 8);
    refuse_bytes("UTF-16 without a mark", &bytes, "case.yaml:1: found the control character \\x00");
    accept_text(
        "CRLF",
        "name: m\r\npatch_nums: [1, 2]\r\nclasses: 4\r\nvae: {file: v}\r\ndrafter: {file: d}\r\n");
    refuse_text("CR alone", "name: m\rclasses: 4\n",
                "case.yaml:1: found the control character \\x0d");
    refuse_text("NEL", "name: m\xC2\x85", "case.yaml:1: found the control character \\xc2\\x85");
    refuse_text("LS", "name: m\xE2\x80\xA8", "case.yaml:1: found the control character");
    refuse_text("invalid UTF-8", HEAD "license: \xC3(\n",
                "case.yaml:4: found byte 0xc3, expected UTF-8");
    refuse_text("overlong UTF-8", "name: \xC0\xAF\n", "case.yaml:1: found byte 0xc0");
    refuse_text("surrogate in UTF-8", "name: \xED\xA0\x80\n", "case.yaml:1: found byte 0xed");
    refuse_text("escape character", "name: \x1b[31m\n",
                "case.yaml:1: found the control character \\x1b");
    refuse_text("DEL", "name: \x7f\n", "case.yaml:1: found the control character \\x7f");
    refuse_text("C1", "name: \xC2\x9B\n", "case.yaml:1: found the control character");
}

int main(void)
{
    test_depth();
    test_size();
    test_yaml();
    test_text();
    return cases_end();
}
