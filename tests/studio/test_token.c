/* test_token.c - a studio that others reach answers only those who have its token. */
#include "common.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#define JSON "Content-Type: application/json"

static Process *process;

static void expect(const gchar *method, const gchar *path, const gchar *headers, guint status,
                   const gchar *text)
{
    Answer *answer = request(process, method, path, headers,
                             headers && strstr(headers, JSON) ? "{\"seed\": 1}" : NULL);

    if (answer->status != status || !strstr(answer->body, text))
        g_error("%s %s (%s): came %u %s, expected %u and %s", method, path, headers ? headers : "",
                answer->status, answer->body, status, text);
    if (status == 403)
        g_assert_null(strstr(answer->body, process->token));
    answer_free(answer);
}

/* Each path and method, known or not. */
static void test_none(void)
{
    static const gchar *const paths[] = {
        "/",        "/studio.js",   "/model",        "/settings",  "/state",      "/events",
        "/nothing", "/picture.jpg", "/stream.mjpeg", "/studio.md", "/picture.png"};

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
        expect("GET", paths[i], NULL, 403, "the address has no token, expected the address that");
    expect("HEAD", "/", NULL, 403, "");
    expect("DELETE", "/", NULL, 403, "no token");
    expect("POST", "/settings", JSON, 403, "no token");
    expect("POST", "/webrtc?page=x", JSON, 403, "no token");
    expect("GET", "/", "Host: evil.example", 421, "evil.example");
}

/* Almost the token: one digit else, too short, too long, in other letters. */
static void test_wrong(void)
{
    const gchar *port = strrchr(process->url, ':') + 1;
    gchar *wrong[] = {g_strdup(process->token), g_strndup(process->token, 31),
                      g_strconcat(process->token, "0", NULL), g_strdup(""),
                      g_strdup("00000000000000000000000000000000")};

    g_assert_cmpuint(strlen(process->token), ==, 32);
    for (guint digit = 0; digit < 32; digit++) {
        gchar *path;

        memcpy(wrong[0], process->token, 32);
        wrong[0][digit] = wrong[0][digit] == '0' ? '1' : '0';
        path = g_strconcat("/settings?token=", wrong[0], NULL);
        expect("GET", path, NULL, 403, "the address has another token");
        g_free(path);
    }
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        gchar *path = g_strconcat("/settings?token=", wrong[i], NULL);
        gchar *cookie = g_strdup_printf("Cookie: codesrc-%s=%s", port, wrong[i]);
        gchar *other = g_strdup_printf("Cookie: codesrc-1=%s", process->token);

        expect("GET", path, NULL, 403, "the address has another token");
        expect("GET", "/settings", cookie, 403, "no token");
        expect("GET", "/settings", other, 403, "no token");
        g_free(wrong[i]);
        g_free(other);
        g_free(cookie);
        g_free(path);
    }
}

/* The page's address gives a cookie, which is enough for all that the page asks for. */
static void test_right(void)
{
    gchar *path = g_strconcat("/?token=", process->token, NULL);
    Answer *page = request(process, "GET", path, NULL, NULL);
    const gchar *given = soup_message_headers_get_one(page->headers, "Set-Cookie");
    gchar *cookie, *settings = g_strconcat("/settings?token=", process->token, NULL);
    gchar *still = g_strconcat("/picture.png?frame=1&token=", process->token, NULL);

    g_assert_cmpuint(page->status, ==, 200);
    g_assert_nonnull(given);
    g_assert_nonnull(strstr(given, "; HttpOnly; SameSite=Strict"));
    g_assert_null(strstr(page->body, process->token));
    cookie =
        g_strdup_printf("Cookie: theme=dark; %.*s; x=y\n" JSON, (int)strcspn(given, ";"), given);
    expect("POST", "/settings", cookie, 200, "\"seed\":1");
    *strrchr(cookie, '\n') = '\0';
    expect("GET", "/settings", cookie, 200, "\"seed\":1");
    expect("GET", "/nothing", cookie, 404, "expected /");
    expect("GET", settings, NULL, 200, "\"seed\":1");
    expect("GET", still, NULL, 200, "PNG");
    answer_free(page);
    g_free(cookie);
    g_free(settings);
    g_free(still);
    g_free(path);
}

/* An address of this machine that others reach, NULL if it has none; to be freed. */
static gchar *find_address(void)
{
    struct ifaddrs *all = NULL;
    gchar *found = NULL;

    g_assert_cmpint(getifaddrs(&all), ==, 0);
    for (struct ifaddrs *each = all; each && !found; each = each->ifa_next) {
        gchar text[INET_ADDRSTRLEN];

        if (each->ifa_addr && each->ifa_addr->sa_family == AF_INET && (each->ifa_flags & IFF_UP) &&
            !(each->ifa_flags & IFF_LOOPBACK))
            found = g_strdup(inet_ntop(AF_INET, &((struct sockaddr_in *)each->ifa_addr)->sin_addr,
                                       text, sizeof text));
    }
    freeifaddrs(all);
    return found;
}

static void test_one_address(void)
{
    gchar *address = find_address();
    gchar *options = g_strdup_printf("--model %s --address %s", tiny_model(), address);
    Process *all = process;

    if (address) {
        process = process_start(options);
        g_assert_nonnull(process->token);
        expect("GET", "/settings", NULL, 403, "no token");
        process_stop(process);
        process = all;
    } else {
        g_test_skip("this machine has no address that others reach");
    }
    g_free(options);
    g_free(address);
}

/* Each start has its own; at addresses of the loopback interface there is none. */
static void test_starts(void)
{
    gchar *here = g_strdup_printf("--model %s --address 127.0.0.2", tiny_model());
    gchar *all = g_strdup_printf("--model %s --address ::", tiny_model());
    Process *other = process_start(here);

    g_assert_null(other->token);
    process_stop(other);
    other = process_start(all);
    g_assert_nonnull(other->token);
    g_assert_cmpstr(other->token, !=, process->token);
    process_stop(other);
    g_free(here);
    g_free(all);
}

int main(int argc, char **argv)
{
    gchar *options;
    int failures;

    g_test_init(&argc, &argv, NULL);
    options = g_strdup_printf("--model %s --address 0.0.0.0", tiny_model());
    process = process_start(options);
    g_assert_nonnull(process->token);
    g_test_add_func("/studio/token/none", test_none);
    g_test_add_func("/studio/token/wrong", test_wrong);
    g_test_add_func("/studio/token/right", test_right);
    g_test_add_func("/studio/token/one-address", test_one_address);
    g_test_add_func("/studio/token/starts", test_starts);
    failures = g_test_run();
    process_stop(process);
    g_free(options);
    return failures;
}
