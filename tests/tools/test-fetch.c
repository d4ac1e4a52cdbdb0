/* test-fetch.c - code-model fetch against a server of our own on the loopback interface, which
 * states sizes and digests as Hugging Face does. Usage: test-fetch CODE-MODEL */
#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"

#define SIZE 300000

static struct {
    guint64 size;        /* as stated; 0: not at all */
    const gchar *digest; /* as stated; NULL: not at all */
    gchar range[64];     /* of the last request that had one */
    guint bodies;        /* requests for a body */
} server;

static guint8 bytes[SIZE];
static gchar *folder, *address;
static const gchar *code_model;

static void answer(SoupServer *soup, SoupServerMessage *message, const char *path,
                   GHashTable *query, gpointer user)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
    const gchar *range =
        soup_message_headers_get_one(soup_server_message_get_request_headers(message), "Range");
    gboolean head = !strcmp(soup_server_message_get_method(message), "HEAD");
    gchar *text;

    (void)soup, (void)query, (void)user;
    if (!g_str_has_suffix(path, ".pth") || strstr(path, "_9.pth")) {
        soup_server_message_set_status(message, SOUP_STATUS_NOT_FOUND, NULL);
        return;
    }
    if (range)
        g_strlcpy(server.range, range, sizeof server.range);
    server.bodies += !head;
    if (server.size) {
        text = g_strdup_printf("%" G_GUINT64_FORMAT, server.size);
        soup_message_headers_replace(headers, "X-Linked-Size", text);
        g_free(text);
    }
    if (server.digest) {
        text = g_strdup_printf("\"%s\"", server.digest);
        soup_message_headers_replace(headers, "X-Linked-ETag", text);
        g_free(text);
    }
    soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
    soup_server_message_set_response(message, "application/octet-stream", SOUP_MEMORY_STATIC,
                                     (const char *)bytes, SIZE);
}

/* ---- the program --------------------------------------------------------------------- */

static void on_end(GObject *object, GAsyncResult *result, gpointer user)
{
    GBytes *output = NULL;

    g_subprocess_communicate_finish(G_SUBPROCESS(object), result, &output, NULL, NULL);
    *(GBytes **)user = output;
}

/* Whether it succeeds, and says the text. The server runs meanwhile. */
static void run(gboolean succeeds, const gchar *text, const gchar *steps, const gchar *path)
{
    GSubprocessLauncher *launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
    const gchar *words[] = {code_model, "fetch", "official-256",     folder,
                            "--from",   address, "--drafting-steps", steps,
                            NULL};
    GBytes *output = NULL;
    GSubprocess *process;
    gchar *said;

    if (path)
        g_subprocess_launcher_setenv(launcher, "PATH", path, TRUE);
    process = g_subprocess_launcher_spawnv(launcher, words, NULL);
    g_subprocess_communicate_async(process, NULL, NULL, on_end, &output);
    while (!output)
        g_main_context_iteration(NULL, TRUE);
    said = g_strndup(g_bytes_get_data(output, NULL) ? g_bytes_get_data(output, NULL) : "",
                     g_bytes_get_size(output));
    CHECK(g_subprocess_get_successful(process) == succeeds && strstr(said, text) != NULL,
          "expected \"%s\", found \"%s\"", text, said);
    g_free(said);
    g_bytes_unref(output);
    g_object_unref(process);
    g_object_unref(launcher);
}

static gchar *at(const gchar *name)
{
    return g_build_filename(folder, name, NULL);
}

static gboolean is_right(const gchar *name)
{
    gchar *path = at(name), *found = NULL;
    gsize size = 0;
    gboolean right = g_file_get_contents(path, &found, &size, NULL) && size == SIZE &&
                     !memcmp(found, bytes, SIZE);

    g_free(found);
    g_free(path);
    return right;
}

static void drop(const gchar *name)
{
    gchar *path = at(name);

    g_unlink(path);
    g_free(path);
}

static void put_part(const gchar *name, gsize size)
{
    gchar *path = at(name);

    CHECK(g_file_set_contents(path, (const gchar *)bytes, (gssize)size, NULL), "%s", path);
    g_free(path);
}

/* ---- the tests ----------------------------------------------------------------------- */

static void test_all(const gchar *digest)
{
    server.size = SIZE;
    server.digest = digest;
    run(TRUE, "vae_ch160v4096z32.pth: fetched, 300000 bytes, SHA-256 as stated", "8", NULL);
    CHECK(is_right("vae_ch160v4096z32.pth") && is_right("drafter_8.pth") &&
              is_right("refiner_8.pth"),
          "the three files of N = 8");
    CHECK(!is_right("drafter_6.pth"), "another pair's file");
    server.bodies = 0;
    run(TRUE, "drafter_8.pth: is there", "8", NULL);
    CHECK(server.bodies == 0, "found %u transfers, expected none", server.bodies);
}

/* The manifest may be the model's own, found where it was fetched to, or somebody has edited it. */
static void test_manifest(void)
{
    gchar *path = at("official-256.yaml"), *found = NULL;

    CHECK(g_file_get_contents(path, &found, NULL, NULL) && strstr(found, "official"), "%s", path);
    g_free(found);
    g_file_set_contents(path, "edited", -1, NULL);
    run(TRUE, "official-256.yaml: is there", "8", NULL);
    CHECK(g_file_get_contents(path, &found, NULL, NULL) && !strcmp(found, "edited"), "%s", path);
    g_free(found);
    g_free(path);
}

/* What has arrived stays. */
static void test_resume(void)
{
    drop("drafter_8.pth");
    put_part("drafter_8.pth.part", 100000);
    run(TRUE, "drafter_8.pth: fetched", "8", NULL);
    CHECK(!strcmp(server.range, "bytes=100000-"), "found range \"%s\"", server.range);
    CHECK(is_right("drafter_8.pth"), "the resumed file");
    /* All of it had arrived, but the program was stopped. */
    drop("drafter_8.pth");
    put_part("drafter_8.pth.part", SIZE);
    server.bodies = 0;
    run(TRUE, "drafter_8.pth: fetched", "8", NULL);
    CHECK(server.bodies == 0 && is_right("drafter_8.pth"), "a file that was complete");
}

/* A file that is not right does not get its name. */
static void test_wrong(const gchar *digest)
{
    drop("refiner_8.pth");
    server.size = SIZE + 1;
    run(FALSE, "found 300000 bytes, expected 300001", "8", NULL);
    drop("refiner_8.pth.part");
    server.size = SIZE;
    server.digest = "0000000000000000000000000000000000000000000000000000000000000000";
    run(FALSE, "expected 000000000000...", "8", NULL);
    CHECK(!is_right("refiner_8.pth"), "a file with another digest");
    drop("refiner_8.pth.part");
    server.digest = NULL;
    server.size = 0;
    run(TRUE, "refiner_8.pth: fetched, 300000 bytes\n", "8", NULL); /* by Content-Length */
    server.digest = digest;
    run(FALSE, "drafter_9.pth: curl ended with status 22", "9", NULL);
    run(FALSE, "curl was not found: install it", "6", "/nowhere");
    run(FALSE, "drafting-steps 11, expected 1 to 10", "11", NULL);
}

int main(int argc, char **argv)
{
    static const gchar *const left[] = {"vae_ch160v4096z32.pth", "drafter_8.pth",
                                        "refiner_8.pth",         "official-256.yaml",
                                        "imagenet-classes.txt",  "drafter_9.pth.part"};
    gchar *curl = g_find_program_in_path("curl");
    SoupServer *soup = soup_server_new(NULL, NULL);
    gchar *digest, *manifest, *names;
    GSList *uris;

    CHECK(argc == 2, "expected CODE-MODEL");
    if (!curl) {
        puts("skipped: there is no curl here");
        return 77;
    }
    code_model = argv[1];
    for (gsize i = 0; i < SIZE; i++)
        bytes[i] = (guint8)(i * i >> 3);
    digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, SIZE);
    folder = g_dir_make_tmp("fetch-XXXXXX", NULL);
    soup_server_add_handler(soup, NULL, answer, NULL, NULL);
    CHECK(soup_server_listen_local(soup, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL), "no server");
    uris = soup_server_get_uris(soup);
    address = g_strdup_printf("http://127.0.0.1:%d", g_uri_get_port(uris->data));
    test_all(digest);
    test_manifest();
    test_resume();
    test_wrong(digest);
    manifest = at("official-256.yaml");
    names = at("imagenet-classes.txt");
    CHECK(g_file_test(manifest, G_FILE_TEST_EXISTS), "the manifest");
    CHECK(g_file_test(names, G_FILE_TEST_EXISTS), "the names of its classes");
    g_free(manifest);
    g_free(names);
    for (guint i = 0; i < G_N_ELEMENTS(left); i++)
        drop(left[i]);
    CHECK(g_rmdir(folder) == 0, "more is left in %s", folder);
    return test_end();
}
