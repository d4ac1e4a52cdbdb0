/* test_errors.c - every failure is one ERROR message with the domain and code that an application
 * expects, whose text names what is wrong; and the element can be used again afterwards. */
#include <glib/gstdio.h>

#include "common.h"

/* A manifest whose weights are files; the test names one for all of them. */
static const gchar file_manifest[] = "name: files\n"
                                     "patch_nums: [1, 2, 3, 4]\n"
                                     "classes: 10\n"
                                     "vae: {file: %1$s, groups: 8}\n"
                                     "drafter: {file: %1$s}\n"
                                     "refiner: {file: %1$s}\n";

static gchar *manifest_with(const gchar *weights)
{
    gchar *manifest = g_strdup_printf(file_manifest, weights);
    gchar *path = write_file("files.yaml", manifest, -1);

    g_free(manifest);
    return path;
}

/* A .safetensors file of one tensor, `size` bytes of whose data are there. */
static void write_safetensors(const gchar *name, gsize size)
{
    const gchar header[] = "{\"decoder.conv_in.weight\":{\"dtype\":\"F32\",\"shape\":[4,4],"
                           "\"data_offsets\":[0,64]}}";
    GByteArray *file = g_byte_array_new();
    guint64 length = GUINT64_TO_LE(strlen(header));
    guint8 zeros[64] = {0};

    g_byte_array_append(file, (const guint8 *)&length, sizeof length);
    g_byte_array_append(file, (const guint8 *)header, strlen(header));
    g_byte_array_append(file, zeros, size);
    g_free(write_file(name, (const gchar *)file->data, file->len));
    g_byte_array_unref(file);
}

/* Starts a player with `description`, expects the error, and returns its text. */
static gchar *fails_with(const gchar *description, GQuark domain, gint code)
{
    Player *player = player_new(description, NULL);
    gchar *text;

    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    text = expect_error(player->bus, domain, code);

    /* It works as soon as it can. */
    gst_element_set_state(player->pipeline, GST_STATE_NULL);
    g_object_set(player->source, "model", tiny_model(), "device", "auto", "precision", "auto",
                 "class-id", -1, "class-name", NULL, "classes", "", "drafting-steps", 0, NULL);
    player_preroll(player);
    player_free(player);
    return text;
}

static void check_model_error(const gchar *model, GQuark domain, gint code, const gchar *named)
{
    gchar *description = g_strdup_printf("model=\"%s\"", model);
    gchar *text = fails_with(description, domain, code);

    fail_unless(strstr(text, named) != NULL, "\"%s\" does not name %s", text, named);
    g_free(text);
    g_free(description);
}

static void check_setting_error(const gchar *description, GQuark domain, gint code,
                                const gchar *named)
{
    gchar *text = fails_with(description, domain, code);

    fail_unless(strstr(text, named) != NULL, "\"%s\" does not name %s", text, named);
    g_free(text);
}

GST_START_TEST(test_no_model)
{
    check_model_error("no-such-model", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                      "no-such-model");
    check_model_error("/no/such/model.yaml", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                      "/no/such/model.yaml");
}
GST_END_TEST

GST_START_TEST(test_folder_without_the_manifest)
{
    static const gchar *const names[] = {"two/a.yaml", "two/b.yaml"};
    gchar *paths[G_N_ELEMENTS(names)];
    gchar *empty = g_build_filename(test_folder(), "empty", NULL);
    gchar *two = g_build_filename(test_folder(), "two", NULL);

    g_mkdir(empty, 0700);
    check_model_error(empty, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "empty");
    g_rmdir(empty);
    g_free(empty);
    g_mkdir(two, 0700);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        paths[i] = write_file(names[i], "", 0);
    check_model_error(two, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "2 manifests");
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_remove(paths[i]);
        g_free(paths[i]);
    }
    g_rmdir(two);
    g_free(two);
}
GST_END_TEST

GST_START_TEST(test_no_weights)
{
    gchar *path = manifest_with("absent.safetensors");

    check_model_error(path, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "absent.safetensors");
    g_free(path);
}
GST_END_TEST

GST_START_TEST(test_unreadable_weights)
{
    gchar *folder = g_build_filename(test_folder(), "folder.safetensors", NULL);
    gchar *path = manifest_with("folder.safetensors");

    g_mkdir(folder, 0700);
    check_model_error(path, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, "folder.safetensors");
    g_rmdir(folder);
    g_free(folder);
    g_free(path);
}
GST_END_TEST

GST_START_TEST(test_truncated_weights)
{
    gchar *path = manifest_with("short.safetensors");

    write_safetensors("short.safetensors", 40);
    check_model_error(path, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "short.safetensors");
    g_free(path);
}
GST_END_TEST

GST_START_TEST(test_weights_that_do_not_fit)
{
    gchar *path = manifest_with("other.safetensors");

    write_safetensors("other.safetensors", 64);
    check_model_error(path, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, "other.safetensors");
    g_free(path);
}
GST_END_TEST

GST_START_TEST(test_malformed_manifest)
{
    gchar *path = write_file("bad.yaml", "name: bad\nno_such_key: 1\n", -1);

    check_model_error(path, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "bad.yaml:2");
    g_free(path);
    path = write_file("junk.yaml", "\x01\x02{{{{", -1);
    check_model_error(path, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "junk.yaml");
    g_free(path);
}
GST_END_TEST

GST_START_TEST(test_malformed_weights)
{
    gchar *path = manifest_with("junk.safetensors");

    g_free(write_file("junk.safetensors", "\x08\0\0\0\0\0\0\0no json!", 16));
    check_model_error(path, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "junk.safetensors");
    g_free(path);
}
GST_END_TEST

GST_START_TEST(test_class_out_of_range)
{
    check_setting_error("class-id=11", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "11");
    g_free(sample_checksum(one_picture("class-id=10", NULL)));
}
GST_END_TEST

/* Starts a player and expects an error of settings that says the text. */
static void refuses(Player *player, const gchar *expected)
{
    gchar *text;

    gst_element_set_state(player->pipeline, GST_STATE_PAUSED);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
    fail_unless(strstr(text, expected) != NULL, "\"%s\" is not %s", text, expected);
    g_free(text);
    player_free(player);
}

/* GObject would drop such a value after a warning that no application sees. */
GST_START_TEST(test_out_of_range)
{
    static const gchar *const cases[][2] = {
        {"drafting-steps=20", "drafting-steps 20, expected one of 1 2 3 4"},
        {"guidance=1000", "guidance 1000, expected -1 to 100"},
        {"guidance=nan", "guidance nan, expected -1 to 100"},
        {"top-p=-2", "top-p -2, expected -1 to 1"},
        {"top-k=-2", "top-k -2, expected -1 to 2147483647"},
        {"temperature=101", "temperature 101, expected -1 to 100"},
        {"class-mix=1.5", "class-mix 1.5, expected 0 to 1"},
        {"class-id=-2", "class-id -2 is not a class of the model"},
        {"min-drafting-steps=40", "min-drafting-steps 40, expected 0 to 16"},
        {"first-frame=18446744073709551614",
         "first-frame 18446744073709551614 (as GStreamer reads -2), expected 0 to "},
        {"drafting-steps=-1",
         "drafting-steps 4294967295 (as GStreamer reads -1), expected 0 to 16"},
        {"threads=-3", "threads 4294967293 (as GStreamer reads -3), expected 0 to 1024"},
        {"threads=5000", "threads 5000, expected 0 to 1024"},
        {"cuda-device-id=-2", "cuda-device-id -2, expected -1 to 2147483647"},
        {"keep-scales=17", "keep-scales 17, expected -1 to 16"},
        {"hold=0", "hold 0, expected 1 to 1048576"},
        {"batch-size=0", "batch-size 0, expected 1 to 64"},
        {"queue-depth=65", "queue-depth 65, expected 0 to 64"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        refuses(player_new(cases[i][0], NULL), cases[i][1]);
}
GST_END_TEST

/* A value below or above the range of a property; FALSE: its type has none. */
static gboolean value_outside(const GParamSpec *spec, gboolean above, GValue *value)
{
    g_value_init(value, spec->value_type);
    if (G_IS_PARAM_SPEC_INT(spec)) {
        const GParamSpecInt *range = (const GParamSpecInt *)spec;

        g_value_set_int(value, above ? range->maximum + 1u : range->minimum - 1u);
        return above ? range->maximum < G_MAXINT : range->minimum > G_MININT;
    }
    if (G_IS_PARAM_SPEC_UINT(spec)) {
        const GParamSpecUInt *range = (const GParamSpecUInt *)spec;

        g_value_set_uint(value, above ? range->maximum + 1 : range->minimum - 1);
        return above ? range->maximum < G_MAXUINT : range->minimum > 0;
    }
    if (G_IS_PARAM_SPEC_UINT64(spec)) {
        const GParamSpecUInt64 *range = (const GParamSpecUInt64 *)spec;

        g_value_set_uint64(value, above ? range->maximum + 1 : range->minimum - 1);
        return above ? range->maximum < G_MAXUINT64 : range->minimum > 0;
    }
    if (!G_IS_PARAM_SPEC_DOUBLE(spec))
        return FALSE;
    g_value_set_double(value, above ? ((const GParamSpecDouble *)spec)->maximum + 1.0
                                    : ((const GParamSpecDouble *)spec)->minimum - 1.0);
    return TRUE;
}

/* The same for every property that has a range, also those that are yet to come. */
GST_START_TEST(test_every_range)
{
    Player *player = player_new("", NULL);
    guint count, tried = 0;
    GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(player->source), &count);

    for (guint i = 0; i < 2 * count; i++) {
        const GParamSpec *spec = specs[i / 2];
        GValue value = G_VALUE_INIT;

        if (spec->owner_type == G_OBJECT_TYPE(player->source) && spec->flags & G_PARAM_WRITABLE &&
            value_outside(spec, i % 2, &value)) {
            Player *other = player_new("", NULL);
            gchar *number = g_strdup_value_contents(&value);
            gchar *text =
                g_strdup_printf("%s %.*s", spec->name, (gint)strcspn(number, "."), number);

            g_object_set_property(G_OBJECT(other->source), spec->name, &value);
            refuses(other, text);
            g_free(text);
            g_free(number);
            tried++;
        }
        if (G_IS_VALUE(&value))
            g_value_unset(&value);
    }
    fail_unless(tried >= 24, "only %u values were tried", tried);
    g_free(specs);
    player_free(player);
}
GST_END_TEST

/* The same while it plays. */
GST_START_TEST(test_leaves_range)
{
    Player *player = player_new("queue-depth=0", NULL);
    gchar *text;

    player_preroll(player);
    g_object_set(player->source, "guidance", 101.0, NULL);
    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    text = expect_error(player->bus, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
    fail_unless(strstr(text, "guidance 101, expected -1 to 100") != NULL, "%s", text);
    g_free(text);
    player_free(player);
}
GST_END_TEST

GST_START_TEST(test_empty_class)
{
    check_setting_error("classes=\"3,,4\"", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                        "entry 2 of 3 of classes \"3,,4\" is empty");
    check_setting_error("classes=\"3, \"", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                        "entry 2 of 2 of classes \"3, \" is empty");
    check_setting_error("class-name=\" \"", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                        "class-name \" \" is empty");
}
GST_END_TEST

GST_START_TEST(test_steps_not_offered)
{
    check_setting_error("drafting-steps=5", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                        "drafting-steps 5, expected one of 1 2 3 4");
}
GST_END_TEST

GST_START_TEST(test_no_such_device)
{
    check_setting_error("device=abacus", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, "abacus");
    check_setting_error("precision=f8", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "f8");
}
GST_END_TEST

/* The same while playing: the stream ends with the error, and the details say which. */
GST_START_TEST(test_errors_while_playing)
{
    static const struct {
        const gchar *property;
        gint value;
    } settings[] = {{"class-id", 99}, {"drafting-steps", 16}};

    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        Player *player = player_new("", NULL);
        const GstStructure *details;
        GstMessage *message;
        GError *error;

        player_preroll(player);
        g_object_set(player->source, settings[i].property, settings[i].value, NULL);
        gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
        message = gst_bus_timed_pop_filtered(player->bus, PATIENCE, GST_MESSAGE_ERROR);
        fail_unless(message != NULL);
        gst_message_parse_error(message, &error, NULL);
        fail_unless(g_error_matches(error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS));
        gst_message_parse_error_details(message, &details);
        fail_unless_equals_string(gst_structure_get_string(details, "status"), "settings");
        fail_unless_equals_string(gst_structure_get_string(details, "model"), tiny_model());
        g_error_free(error);
        gst_message_unref(message);
        player_free(player);
    }
}
GST_END_TEST

/* A device of this build that is not there is passed over, and the application hears of it; one
 * that was asked for by its name is an error. */
GST_START_TEST(test_device_passed_over)
{
    Player *player = player_new("", NULL);
    GstMessage *message;
    GError *error;

    g_setenv("CODESRC_MODULE_PATH", g_getenv("CODESRC_TEST_MODULES"), TRUE);
    player_preroll(player);
    message = gst_bus_pop_filtered(player->bus, GST_MESSAGE_WARNING);
    fail_unless(message != NULL);
    gst_message_parse_warning(message, &error, NULL);
    fail_unless(g_error_matches(error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT));
    fail_unless(g_regex_match_simple("chose \"(cpu|reference)\": .*no GPU in this test",
                                     error->message, 0, 0));
    g_error_free(error);
    gst_message_unref(message);
    player_free(player);

    player = player_new("device=reference", NULL);
    player_preroll(player);
    fail_unless(gst_bus_pop_filtered(player->bus, GST_MESSAGE_WARNING) == NULL);
    player_free(player);
    check_setting_error("device=cuda", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, "no GPU");
    g_unsetenv("CODESRC_MODULE_PATH");
}
GST_END_TEST

/* One line of UTF-8, whatever the text is about and wherever it was cut. */
GST_START_TEST(test_error_texts)
{
    static const gchar *const names[] = {"two\nlines\tand a bell\a", "\xff\xfe", "caf\xc3"};
    GString *lengthy = g_string_new(NULL);

    for (guint i = 0; i < 400; i++)
        g_string_append(lengthy, "\xe2\x82\xac"); /* three bytes */
    for (guint i = 0; i <= G_N_ELEMENTS(names) + 2; i++) {
        gchar *name = i < G_N_ELEMENTS(names)
                          ? g_strdup(names[i])
                          : g_strconcat(&"aa"[i - G_N_ELEMENTS(names)], lengthy -> str, NULL);
        GstElement *source = tiny_source();
        GstBus *bus = gst_bus_new();
        const GstStructure *details;
        GstMessage *message;
        GError *error;
        gchar *debug;

        gst_element_set_bus(source, bus);
        g_object_set(source, i % 2 ? "model" : "device", name, NULL);
        fail_unless_equals_int(gst_element_set_state(source, GST_STATE_PAUSED),
                               GST_STATE_CHANGE_FAILURE);
        message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
        gst_message_parse_error(message, &error, &debug);
        gst_message_parse_error_details(message, &details);
        fail_unless(g_utf8_validate(error->message, -1, NULL), "text %u", i);
        fail_unless(g_utf8_validate(debug, -1, NULL), "debug %u", i);
        fail_unless(g_utf8_validate(gst_structure_get_string(details, "model"), -1, NULL));
        fail_unless(strpbrk(error->message, "\n\t\a") == NULL, "%s", error->message);
        if (i == 0)
            fail_unless(strstr(error->message, "two\\nlines\\tand a bell\\x07") != NULL, "%s",
                        error->message);
        g_free(debug);
        g_error_free(error);
        gst_message_unref(message);
        gst_element_set_state(source, GST_STATE_NULL);
        gst_element_set_bus(source, NULL);
        gst_object_unref(bus);
        gst_object_unref(source);
        g_free(name);
    }
    g_string_free(lengthy, TRUE);
}
GST_END_TEST

/* A machine without a driver is no reason for a warning. */
GST_START_TEST(test_no_driver)
{
    Player *player = player_new("", NULL);

    g_setenv("CODESRC_MODULE_PATH", g_getenv("CODESRC_TEST_MODULES"), TRUE);
    g_setenv("CODESRC_TEST_NO_DRIVER", "1", TRUE);
    player_preroll(player);
    fail_unless(gst_bus_pop_filtered(player->bus, GST_MESSAGE_WARNING) == NULL);
    player_free(player);
    check_setting_error("device=cuda", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, "no GPU");
    g_unsetenv("CODESRC_TEST_NO_DRIVER");
    g_unsetenv("CODESRC_MODULE_PATH");
}
GST_END_TEST

/* The manifest is exchanged for one of larger pictures, which a reload must not write into buffers
 * of the old size. */
GST_START_TEST(test_model_that_changes)
{
    gchar *path = write_pairs_model();
    gchar *description = g_strdup_printf("model=\"%s\"", path);
    Player *player = player_new(description, NULL);
    gchar *text, *tiny;

    player_preroll(player);
    fail_unless(g_file_get_contents(tiny_model(), &tiny, NULL, NULL));
    g_free(write_file("pairs.yaml", tiny, -1));
    g_free(tiny);
    g_object_set(player->source, "drafting-steps", 3, NULL);
    gst_element_set_state(player->pipeline, GST_STATE_PLAYING);
    text = expect_error(player->bus, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
    fail_unless(strstr(text, "8 x 8") != NULL, "%s", text);
    g_free(text);
    g_free(description);
    g_free(path);
    player_free(player);
}
GST_END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("errors");
    TCase *errors = tcase_create("errors");

    suite_add_tcase(suite, errors);
    tcase_add_test(errors, test_no_model);
    tcase_add_test(errors, test_folder_without_the_manifest);
    tcase_add_test(errors, test_no_weights);
    tcase_add_test(errors, test_unreadable_weights);
    tcase_add_test(errors, test_truncated_weights);
    tcase_add_test(errors, test_weights_that_do_not_fit);
    tcase_add_test(errors, test_malformed_manifest);
    tcase_add_test(errors, test_malformed_weights);
    tcase_add_test(errors, test_class_out_of_range);
    tcase_add_test(errors, test_out_of_range);
    tcase_add_test(errors, test_every_range);
    tcase_add_test(errors, test_leaves_range);
    tcase_add_test(errors, test_empty_class);
    tcase_add_test(errors, test_steps_not_offered);
    tcase_add_test(errors, test_no_such_device);
    tcase_add_test(errors, test_device_passed_over);
    tcase_add_test(errors, test_no_driver);
    tcase_add_test(errors, test_error_texts);
    tcase_add_test(errors, test_errors_while_playing);
    tcase_add_test(errors, test_model_that_changes);
    return suite;
}
